import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import { Duration, Effect, Exit, Fiber, Layer, Metric, Schedule, Scope } from "effect"
import { HttpServer, HttpServerError } from "effect/http"
import { NetAddress } from "effect/net"
import { randomUUID } from "node:crypto"
import { readFileSync } from "node:fs"
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http"
import { createSecureServer, type Http2SecureServer } from "node:http2"
import { type AddressInfo, Server as NetServer } from "node:net"
import type { Duplex } from "node:stream"
import * as Connections from "./Connections.ts"
import * as ListenerRefusal from "./ListenerRefusal.ts"
import { faultOf } from "./RequestForm.ts"
import * as SlowClients from "./SlowClients.ts"
import { withStrictBody } from "./StrictBody.ts"

/** Of a listener that says nothing else. */
export const bounds = {
  /** The head of a request is there within this time, also the first one of a connection. */
  headersMs: 10_000,
  /** And all of it within this time, however steadily it comes. */
  requestMs: 30_000,
  bodyMs: 20_000,
  stalledMs: 20_000,
  idleMs: 65_000,
  /** How often the above is looked at. */
  lookMs: 2_000,
  headBytes: 16_384,
  connections: 2_000,
  connectionsOfOne: 500,
  /** Requests of one connection under way at a time: pipelined, or streams of HTTP/2. */
  requestsOfOne: 100
} as const
export type Bounds = Record<keyof typeof bounds, number>

/** How long a stopping process waits for what it has begun. */
export const drainMax = Duration.seconds(10)
/** And how long for what it interrupts after that. */
export const endMax = Duration.seconds(1)
/** A connection that was opened, or answered, in the moment of stopping may still be used so long. */
const lingerMs = 250
/** Who is told why its request could not be read has so long to read that. */
const readRefusalMs = 500

/**
 * Of one HTTP/2 connection: memory, and streams that its client opens only to reset them (CVE-2023-44487): beyond the
 * burst and the rate the connection is ended. Clients may not push.
 */
const http2Limits = {
  maxSessionMemory: 10,
  maxSessionInvalidFrames: 100,
  maxSessionRejectedStreams: 100,
  streamResetBurst: 200,
  streamResetRate: 20,
  unknownProtocolTimeout: 5_000
} as const

/** Files in PEM; they are read once, at the start. */
export interface Tls {
  readonly port: number
  readonly certificateFile: string
  readonly keyFile: string
}

export type Handler = (request: IncomingMessage, response: ServerResponse) => void

/** What stands before the application: it sees Node's own request and answer, so that what it turns away costs next to nothing. */
export interface Front {
  /** Answers the request, or hands it to the application. */
  readonly admit: (request: IncomingMessage, response: ServerResponse, application: Handler) => void
  /** It is going to stop: readiness falls. */
  readonly drain: () => void
  /** How long a body may take that is allowed to take longer than others. */
  readonly bodyMsOf: (request: IncomingMessage) => number | undefined
  /** Of whom many clients come. */
  readonly isProxy: (address: string) => boolean
}

const noFront: Front = {
  admit: (request, response, application) => application(request, response),
  drain: () => undefined,
  bodyMsOf: () => undefined,
  isProxy: () => false
}

export interface Options {
  readonly host: string
  readonly port: number
  /** TLS 1.3 with HTTP/2 or HTTP/1.1, beside the plain port. */
  readonly tls?: Tls | undefined
  readonly front?: Front
  readonly bounds?: Partial<Bounds>
  /** After readiness has fallen, so long everything goes on, for balancers to notice. */
  readonly notice?: Duration.Duration
}

const refusals = Metric.counter("halles_http_refused_total", {
  description: "Requests that were refused before anything of them was looked at, by reason.",
  incremental: true
})

const nodeOptions = (limits: Bounds) => ({
  headersTimeout: limits.headersMs,
  requestTimeout: limits.requestMs,
  keepAliveTimeout: limits.idleMs,
  connectionsCheckingInterval: limits.lookMs,
  maxHeaderSize: limits.headBytes,
  // Refused with a document of ours.
  requireHostHeader: false
})

const secure = ({ certificateFile, keyFile }: Tls, limits: Bounds): Http2SecureServer =>
  createSecureServer({
    ...nodeOptions(limits),
    ...http2Limits,
    settings: {
      maxConcurrentStreams: limits.requestsOfOne,
      maxHeaderListSize: limits.headBytes,
      enablePush: false
    },
    cert: readFileSync(certificateFile),
    key: readFileSync(keyFile),
    minVersion: "TLSv1.3",
    allowHTTP1: true,
    handshakeTimeout: limits.headersMs
  })

/** Takes no more connections; those that are open stay, unlike with `close` of an HTTP server. */
const stopListening = (server: Server | Http2SecureServer): void => {
  if (server.listening) NetServer.prototype.close.call(server)
}

const statusOf: Readonly<Record<string, ListenerRefusal.Refusal>> = {
  HPE_HEADER_OVERFLOW: ListenerRefusal.headersTooLarge,
  ERR_HTTP_REQUEST_TIMEOUT: ListenerRefusal.tooSlow
}
const unreadable = ListenerRefusal.malformed("The request does not follow the grammar of HTTP.")
const noTunnel = ListenerRefusal.malformed("No tunnels are made here.")

/** The client's own name for the request, or one of ours: the answer carries it, and so do our logs. */
const ownId = /^[A-Za-z0-9._:-]{1,64}$/
const named = ({ headers }: IncomingMessage): string => {
  const given = headers["request-id"]
  const id = typeof given === "string" && ownId.test(given) ? given : randomUUID()
  headers["request-id"] = id
  return id
}

/** Tells why, and ends the connection. */
const endWith = (socket: Duplex, refusal: ListenerRefusal.Refusal): void => {
  if (!socket.writable) return void socket.destroy()
  socket.end(ListenerRefusal.bytesOf(refusal))
  setTimeout(() => socket.destroy(), readRefusalMs).unref()
}

/**
 * The one way in which a process of ours listens for HTTP: Node's servers, bounded in every way in which a client could
 * hold or exhaust them, before an application that sees only requests that mean one thing, with bodies that do.
 *
 * **Details**
 *
 * It stops in this order: readiness falls and every answer ends its connection (of HTTP/2, GOAWAY follows at the end of
 * `notice`); after `notice` no connection is taken any more; what was begun is answered, at most `drainMax` long; then
 * connections are cut.
 */
export const layer = (options: Options) =>
  Layer.effect(HttpServer.HttpServer, make(options)).pipe(Layer.provideMerge(NodeHttpServer.layerHttpServices))

const make = Effect.fnUntraced(function* (options: Options) {
  const limits: Bounds = { ...bounds, ...options.bounds }
  const front = options.front ?? noFront
  const context = yield* Effect.context<never>()
  const underWay = new Set<SlowClients.Exchange>()
  /** Of HTTP/1, answered while their bodies were still on their way. */
  const unread = new Set<SlowClients.Unread>()
  /** Of HTTP/1, whose answers go out in the order of the requests. */
  const ofSocket = new WeakMap<Duplex, Set<SlowClients.Exchange>>()
  let isStopping = false
  let application: Handler = (request, response) => refuse(request, response, ListenerRefusal.notReady)

  const refuse = (request: IncomingMessage, response: ServerResponse, refusal: ListenerRefusal.Refusal) => {
    Metric.withAttributes(refusals, { reason: refusal.document.code }).updateUnsafe(1, context)
    ListenerRefusal.answer(request, response, refusal)
  }

  const onRequest = (request: IncomingMessage, response: ServerResponse) => {
    response.setHeader("request-id", named(request))
    const exchange: SlowClients.Exchange = { request, response, startedMs: performance.now() }
    const isFirst = request.httpVersionMajor === 1
    underWay.add(exchange)
    response.once("close", () => underWay.delete(exchange))
    // A client that goes away in the middle of its body is no error of ours.
    request.on("error", () => undefined)
    if (isFirst) {
      const { socket } = request
      const others = ofSocket.get(socket) ?? new Set()
      ofSocket.set(socket, others)
      others.add(exchange)
      response.once("close", () => {
        others.delete(exchange)
        if (!request.complete && !socket.destroyed) unread.add({ request, answeredMs: performance.now() })
      })
      if (isStopping) response.setHeader("connection", "close")
      if (others.size > limits.requestsOfOne) return refuse(request, response, ListenerRefusal.tooManyAtOnce)
    }
    const fault = faultOf(request)
    if (fault === undefined) return front.admit(request, response, application)
    if (isFirst) response.setHeader("connection", "close")
    return refuse(request, response, fault)
  }

  /** What comes after a request that cannot be read is nothing; what was asked before it is answered first. */
  const onClientError = (error: NodeJS.ErrnoException, socket: Duplex) => {
    const waiting = [...(ofSocket.get(socket) ?? [])]
    const whole = waiting.filter(({ request }) => request.complete)
    if (error.code === "ECONNRESET" || !socket.writable) return void socket.destroy()
    if (whole.length > 0) {
      let left = whole.length
      const ended = () => {
        left -= 1
        if (left === 0) socket.destroy()
      }
      for (const { response } of whole) response.once("close", ended)
      return
    }
    if (waiting.some(({ response }) => response.headersSent)) return void socket.destroy()
    Metric.withAttributes(refusals, { reason: error.code ?? "unreadable" }).updateUnsafe(1, context)
    endWith(socket, statusOf[error.code ?? ""] ?? unreadable)
  }

  const plain = createServer(nodeOptions(limits))
  const servers: ReadonlyArray<{ readonly server: Server | Http2SecureServer; readonly port: number }> = [
    { server: plain, port: options.port },
    ...(options.tls === undefined ? [] : [{ server: secure(options.tls, limits), port: options.tls.port }])
  ]
  const listeners = servers.map(({ port, server }) => ({
    server,
    port,
    connections: Connections.watch(server, limits, front.isProxy)
  }))
  for (const { server } of listeners) {
    // Bounded in bytes; Node would leave out what is more than a number of them.
    ;(server as Server).maxHeadersCount = 0
    server.on("request", onRequest as never)
    // Node would answer what is expected beyond the usual by itself, without what stands on every answer of ours.
    server.on("checkExpectation", onRequest as never)
    server.on("clientError", onClientError)
    // Of HTTP/1 with a socket, of HTTP/2 with an answer.
    server.on("connect", (request: IncomingMessage, other: Duplex | ServerResponse) =>
      "writeHead" in other ? refuse(request, other, noTunnel) : endWith(other, noTunnel)
    )
  }
  yield* Effect.forEach(listeners, ({ connections, port, server }) =>
    Effect.acquireRelease(listen(server, { host: options.host, port }), () =>
      Effect.sync(() => {
        stopListening(server)
        connections.destroyAll()
      })
    )
  )
  const bodyMsOf = (request: IncomingMessage) => front.bodyMsOf(request) ?? limits.bodyMs
  yield* Effect.sync(() => {
    const nowMs = performance.now()
    SlowClients.cut(underWay, nowMs, { bodyMsOf, stalledMs: limits.stalledMs })
    SlowClients.cutUnread(unread, nowMs, limits.bodyMs)
    for (const { connections } of listeners) connections.look(nowMs)
  }).pipe(Effect.repeat(Schedule.spaced(limits.lookMs)), Effect.forkScoped)

  const drain = Effect.gen(function* () {
    isStopping = true
    front.drain()
    for (const { request, response } of underWay) {
      if (request.httpVersionMajor === 1 && !response.headersSent) response.setHeader("connection", "close")
    }
    yield* Effect.sleep(options.notice ?? Duration.zero)
    for (const { server } of listeners) stopListening(server)
    yield* Effect.sleep(lingerMs)
    const done = Effect.sync(() => {
      plain.closeIdleConnections()
      for (const { connections } of listeners) connections.closeSessions()
      return underWay.size === 0
    })
    yield* done.pipe(
      Effect.repeat({ until: (isDone) => isDone, schedule: Schedule.spaced("20 millis") }),
      Effect.timeoutOption(drainMax)
    )
  })

  const { address, port } = plain.address() as AddressInfo
  const bound = yield* Effect.fromResult(NetAddress.inetAddressFromIpString(address, port)).pipe(Effect.orDie)
  return HttpServer.make({
    address: bound,
    serve: Effect.fnUntraced(function* (served, middleware) {
      const serving = yield* Effect.scope
      const scope = yield* Scope.make("parallel")
      application = yield* NodeHttpServer.makeHandler(withStrictBody(served), {
        middleware: middleware as never,
        scope
      })
      // What was not answered is interrupted; an HTTP/2 stream that its client has reset may never notice that.
      const end = Effect.flatMap(Effect.forkDetach(Scope.close(scope, Exit.void)), (fiber) =>
        Fiber.await(fiber).pipe(Effect.interruptible, Effect.timeoutOption(endMax))
      )
      yield* Scope.addFinalizer(serving, Effect.andThen(drain, end))
    })
  })
})

const listen = (
  server: Server | Http2SecureServer,
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
