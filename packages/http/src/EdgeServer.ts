import { NodeHttpServer } from "@effect/platform-node"
import { Duration, Effect, Layer, Schedule, Scope } from "effect"
import { HttpServer, HttpServerError } from "effect/http"
import { NetAddress } from "effect/net"
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http"
import { type AddressInfo, Server as NetServer, type Socket } from "node:net"
import { Gate } from "./Gate.ts"

/** Connections at a time, and from one peer; further ones are closed at once. */
const connectionsMax = 10_000
/** After readiness has fallen, so long everything goes on, for balancers to notice. */
const noticeDefault = Duration.seconds(1)
/** How long a stopping process waits for what it has begun. */
const drainMax = Duration.seconds(10)
/** A connection that was opened, or answered, in the moment of stopping may still be used so long. */
const lingerMs = 250

/** Clients that say nothing, or too slowly, do not keep a socket; uploads have an hour, since imports are long. */
const plainServer = (): Server => {
  const server = createServer({
    headersTimeout: 10_000,
    requestTimeout: 3_600_000,
    keepAliveTimeout: 65_000,
    connectionsCheckingInterval: 2_000,
    maxHeaderSize: 16_384
  })
  server.maxHeadersCount = 100
  return server
}

/** Stops taking connections; those that are open stay, unlike with `Server.close` of HTTP. */
const stopListening = (server: Server): void => {
  NetServer.prototype.close.call(server)
}

/**
 * Node's server with the gate before the application.
 *
 * **Details**
 *
 * It stops in this order: readiness falls and every answer ends its connection; after `notice` no connection is taken any
 * more; what was begun is answered, at most `drainMax` long; then connections are cut.
 */
export const layer = (options: { readonly host: string; readonly port: number; readonly notice?: Duration.Duration }) =>
  Layer.effect(
    HttpServer.HttpServer,
    Effect.gen(function* () {
      const gate = yield* Gate
      const server = plainServer()
      server.maxConnections = connectionsMax
      const sockets = new Set<Socket>()
      server.on("connection", (socket) => {
        sockets.add(socket)
        socket.once("close", () => sockets.delete(socket))
      })
      yield* listen(server, options)
      yield* Effect.addFinalizer(() =>
        Effect.sync(() => {
          if (server.listening) stopListening(server)
          server.closeAllConnections()
        })
      )

      const drain = Effect.gen(function* () {
        gate.drain()
        yield* Effect.sleep(options.notice ?? noticeDefault)
        stopListening(server)
        yield* Effect.sleep(lingerMs)
        const done = Effect.suspend(() => {
          if (gate.inFlight() > 0) return Effect.succeed(false)
          server.closeIdleConnections()
          return Effect.succeed(true)
        })
        yield* done.pipe(
          Effect.repeat({ until: (isDone) => isDone, schedule: Schedule.spaced("20 millis") }),
          Effect.timeoutOption(drainMax)
        )
      })

      const address = server.address() as AddressInfo
      const bound = yield* Effect.fromResult(NetAddress.inetAddressFromIpString(address.address, address.port)).pipe(
        Effect.orDie
      )
      return HttpServer.make({
        address: bound,
        serve: Effect.fnUntraced(function* (application, middleware) {
          const serving = yield* Effect.scope
          // Ends after the draining, and interrupts what was not answered by then.
          const scope = Scope.forkUnsafe(serving, "parallel")
          const handler = yield* NodeHttpServer.makeHandler(application, { middleware: middleware as never, scope })
          const onRequest = (request: IncomingMessage, response: ServerResponse) =>
            gate.admit(request, response, handler)
          server.on("request", onRequest)
          yield* Scope.addFinalizer(serving, drain)
        })
      })
    })
  ).pipe(Layer.provideMerge(NodeHttpServer.layerHttpServices))

const listen = (server: Server, { host, port }: { readonly host: string; readonly port: number }) =>
  Effect.callback<void, HttpServerError.ServeError>((resume) => {
    const onError = (cause: Error) => resume(Effect.fail(new HttpServerError.ServeError({ cause })))
    server.once("error", onError)
    server.listen({ host, port }, () => {
      server.off("error", onError)
      resume(Effect.void)
    })
  })
