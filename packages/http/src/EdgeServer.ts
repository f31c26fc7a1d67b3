import { NodeHttpServer } from "@effect/platform-node"
import { Duration, Effect, Exit, Fiber, Layer, Schedule, Scope } from "effect"
import { HttpServer, HttpServerError } from "effect/http"
import { NetAddress } from "effect/net"
import { readFileSync } from "node:fs"
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http"
import { createSecureServer, type Http2SecureServer, type ServerHttp2Session } from "node:http2"
import { type AddressInfo, Server as NetServer, type Socket } from "node:net"
import { Gate } from "./Gate.ts"

/** Connections at a time, of each port; further ones are closed at once. */
const connectionsMax = 10_000
/** After readiness has fallen, so long everything goes on, for balancers to notice. */
const noticeDefault = Duration.seconds(1)
/** How long a stopping process waits for what it has begun. */
const drainMax = Duration.seconds(10)
/** And how long for what it interrupts after that. */
const endMax = Duration.seconds(1)
/** A connection that was opened, or answered, in the moment of stopping may still be used so long. */
const lingerMs = 250

/** Clients that say nothing, or too slowly, do not keep a socket; uploads have an hour, since imports are long. */
const timeouts = {
  headersTimeout: 10_000,
  requestTimeout: 3_600_000,
  keepAliveTimeout: 65_000,
  connectionsCheckingInterval: 2_000,
  maxHeaderSize: 16_384
} as const

/**
 * Of one HTTP/2 connection: streams at a time, memory, and streams that its client opens only to reset them
 * (CVE-2023-44487): beyond the burst and the rate the connection is ended. Clients may not push.
 */
const http2Limits = {
  maxSessionMemory: 10,
  maxSessionInvalidFrames: 100,
  maxSessionRejectedStreams: 100,
  streamResetBurst: 200,
  streamResetRate: 20,
  unknownProtocolTimeout: 5_000,
  settings: { maxConcurrentStreams: 100, maxHeaderListSize: timeouts.maxHeaderSize, enablePush: false }
} as const

/** Files in PEM; they are read once, at the start. */
export interface Tls {
  readonly port: number
  readonly certificateFile: string
  readonly keyFile: string
}

/** A server of either kind, and how it ends. */
interface Listener {
  readonly server: Server | Http2SecureServer
  readonly port: number
  /** Says on connections that wait for nothing that they are over. */
  readonly closeIdle: () => void
  readonly closeAll: () => void
}

const plain = (port: number): Listener => {
  const server = createServer(timeouts)
  server.maxHeadersCount = 100
  return {
    server,
    port,
    closeIdle: () => server.closeIdleConnections(),
    closeAll: () => server.closeAllConnections()
  }
}

const secure = ({ certificateFile, keyFile, port }: Tls): Listener => {
  const server = createSecureServer({
    ...timeouts,
    ...http2Limits,
    cert: readFileSync(certificateFile),
    key: readFileSync(keyFile),
    minVersion: "TLSv1.3",
    allowHTTP1: true,
    handshakeTimeout: 10_000
  })
  const sessions = new Set<ServerHttp2Session>()
  const sockets = new Set<Socket>()
  server.on("session", (session) => {
    sessions.add(session)
    session.once("close", () => sessions.delete(session))
  })
  server.on("connection", (socket: Socket) => {
    sockets.add(socket)
    socket.once("close", () => sockets.delete(socket))
  })
  return {
    server,
    port,
    // GOAWAY: streams that have begun are answered, others belong elsewhere.
    closeIdle: () => {
      for (const session of sessions) session.close()
    },
    closeAll: () => {
      for (const session of sessions) session.destroy()
      for (const socket of sockets) socket.destroy()
    }
  }
}

/** Takes no more connections; those that are open stay, unlike with `close` of an HTTP server. */
const stopListening = (server: Listener["server"]): void => {
  if (server.listening) NetServer.prototype.close.call(server)
}

/**
 * Node's servers with the gate before the application: plain HTTP, and if wished TLS 1.3 with HTTP/2 or HTTP/1.1.
 *
 * **Details**
 *
 * It stops in this order: readiness falls and every answer ends its connection (of HTTP/2, GOAWAY follows at the end of
 * `notice`); after `notice` no connection is taken any more; what was begun is answered, at most `drainMax` long; then
 * connections are cut.
 */
export const layer = (options: {
  readonly host: string
  readonly port: number
  readonly tls?: Tls | undefined
  readonly notice?: Duration.Duration
}) =>
  Layer.effect(
    HttpServer.HttpServer,
    Effect.gen(function* () {
      const gate = yield* Gate
      const first = plain(options.port)
      const listeners = [first, ...(options.tls === undefined ? [] : [secure(options.tls)])]
      yield* Effect.forEach(listeners, ({ closeAll, port, server }) => {
        server.maxConnections = connectionsMax
        return Effect.acquireRelease(listen(server, { host: options.host, port }), () =>
          Effect.sync(() => {
            stopListening(server)
            closeAll()
          })
        )
      })

      const drain = Effect.gen(function* () {
        gate.drain()
        yield* Effect.sleep(options.notice ?? noticeDefault)
        for (const { server } of listeners) stopListening(server)
        yield* Effect.sleep(lingerMs)
        const done = Effect.sync(() => {
          for (const { closeIdle } of listeners) closeIdle()
          return gate.inFlight() === 0
        })
        yield* done.pipe(
          Effect.repeat({ until: (isDone) => isDone, schedule: Schedule.spaced("20 millis") }),
          Effect.timeoutOption(drainMax)
        )
      })

      const { address, port } = first.server.address() as AddressInfo
      const bound = yield* Effect.fromResult(NetAddress.inetAddressFromIpString(address, port)).pipe(Effect.orDie)
      return HttpServer.make({
        address: bound,
        serve: Effect.fnUntraced(function* (application, middleware) {
          const serving = yield* Effect.scope
          const scope = yield* Scope.make("parallel")
          const handler = yield* NodeHttpServer.makeHandler(application, { middleware: middleware as never, scope })
          // The requests of HTTP/2 have all of HTTP/1's that is used here.
          const onRequest = (request: unknown, response: unknown) =>
            gate.admit(request as IncomingMessage, response as ServerResponse, handler)
          for (const { server } of listeners) server.on("request", onRequest)
          // What was not answered is interrupted; an HTTP/2 stream that its client has reset may never notice that.
          const end = Effect.flatMap(Effect.forkDetach(Scope.close(scope, Exit.void)), (fiber) =>
            Fiber.await(fiber).pipe(Effect.interruptible, Effect.timeoutOption(endMax))
          )
          yield* Scope.addFinalizer(serving, Effect.andThen(drain, end))
        })
      })
    })
  ).pipe(Layer.provideMerge(NodeHttpServer.layerHttpServices))

const listen = (
  server: Listener["server"],
  { host, port }: { readonly host: string; readonly port: number }
): Effect.Effect<void, HttpServerError.ServeError> =>
  Effect.callback<void, HttpServerError.ServeError>((resume) => {
    const onError = (cause: Error) => resume(Effect.fail(new HttpServerError.ServeError({ cause })))
    server.once("error", onError)
    server.listen({ host, port }, () => {
      server.off("error", onError)
      resume(Effect.void)
    })
  })
