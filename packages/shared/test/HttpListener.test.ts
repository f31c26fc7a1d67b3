import { assert, it } from "@effect/vitest"
import * as HttpListener from "@halles/shared/listener/HttpListener"
import { attacks, brokenBody, open, send, statusOf, type Target } from "@halles/shared/testing/HttpAttacks"
import { Deferred, Effect, Exit, Fiber, Layer, Scope } from "effect"
import { HttpServer, HttpServerRequest, HttpServerResponse } from "effect/http"
import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { connect as connectHttp2, constants } from "node:http2"
import { type AddressInfo, createConnection, createServer, type Socket } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { generate } from "selfsigned"

const freePort = Effect.promise(
  () =>
    new Promise<number>((resolve) => {
      const server = createServer().listen(0, "127.0.0.1", () => {
        const { port } = server.address() as AddressInfo
        server.close(() => resolve(port))
      })
    })
)

const certificate = Effect.gen(function* () {
  const folder = yield* Effect.acquireRelease(
    Effect.promise(() => mkdtemp(join(tmpdir(), "halles-listener-"))),
    (path) => Effect.promise(() => rm(path, { recursive: true, force: true }))
  )
  const certificateFile = join(folder, "certificate.pem")
  const keyFile = join(folder, "key.pem")
  const made = yield* Effect.promise(() => generate([{ name: "commonName", value: "localhost" }], { keyType: "ec" }))
  yield* Effect.promise(() => writeFile(certificateFile, made.cert))
  yield* Effect.promise(() => writeFile(keyFile, made.private))
  return { certificateFile, keyFile, port: yield* freePort }
})

/** An application that says what it has seen; `/wait` waits for `release`, `/text` and `/form` read other bodies. */
const application = (seen: Array<string>, released: Deferred.Deferred<void>) =>
  Effect.gen(function* () {
    const request = yield* HttpServerRequest.HttpServerRequest
    seen.push(`${request.method} ${request.url} ${request.headers["host"]}`)
    if (request.url === "/wait") yield* Deferred.await(released)
    if (request.method === "GET") return HttpServerResponse.jsonUnsafe({ url: request.url })
    const read: Effect.Effect<unknown, unknown> =
      request.url === "/text" ? request.text : request.url === "/form" ? request.urlParamsBody : request.json
    return yield* Effect.match(read, {
      onFailure: () => HttpServerResponse.empty({ status: 400 }),
      onSuccess: (body) => HttpServerResponse.jsonUnsafe({ body })
    })
  })

const listening = Effect.fnUntraced(function* (options: Partial<HttpListener.Options> = {}) {
  const seen: Array<string> = []
  const released = yield* Deferred.make<void>()
  const context = yield* Layer.build(HttpListener.layer({ host: "127.0.0.1", port: 0, ...options }))
  const server = yield* Effect.provideContext(HttpServer.HttpServer, context)
  const port = (server.address as { readonly port: number }).port
  const serve = server.serve(application(seen, released))
  return { seen, port, serve, release: Deferred.succeed(released, undefined) }
})

const plain = (port: number): Target => ({ host: "127.0.0.1", port })
const sendUntilClosed = (target: Target, bytes: string) =>
  new Promise<string>((resolve) => {
    const socket = open(target)
    let got = ""
    socket.on("data", (chunk: Buffer) => (got += chunk.toString()))
    socket.on("error", () => undefined)
    socket.on("close", () => resolve(got))
    socket.write(bytes)
  })
const sent = (target: Target, bytes: string, waitMs?: number) => Effect.promise(() => send(target, bytes, waitMs))
const post = (body: string | Buffer, path = "/", type = "application/json") =>
  `POST ${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Type: ${type}\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${
    typeof body === "string" ? Buffer.from(body).toString("latin1") : body.toString("latin1")
  }`

/** Until the other side ends the connection: how long that took, or nothing. */
const ended = (socket: Socket, waitMs: number) =>
  Effect.promise(
    () =>
      new Promise<number | undefined>((resolve) => {
        const begun = performance.now()
        const timer = setTimeout(() => resolve(undefined), waitMs)
        socket.on("error", () => undefined)
        socket.resume()
        socket.once("close", () => {
          clearTimeout(timer)
          resolve(performance.now() - begun)
        })
      })
  )

it.live(
  "what two readers could take for two requests is refused, in the clear and by TLS, and no application sees it",
  () =>
    Effect.gen(function* () {
      const tls = yield* certificate
      const { port, seen, serve } = yield* listening({ tls })
      yield* serve
      for (const target of [plain(port), { host: "127.0.0.1", port: tls.port, tls: true }]) {
        for (const { bytes, name, status } of attacks) {
          const before = seen.length
          const answer = yield* sent(target, bytes)
          assert.strictEqual(statusOf(answer), status, `${name}: ${answer}`)
          assert.strictEqual(seen.length - before, status === 200 ? 1 : 0, name)
          if (status === 200) continue
          assert.match(answer, /content-type: application\/problem\+json/i, name)
          assert.match(answer, /connection: close/i, name)
          assert.strictEqual(JSON.parse(answer.slice(answer.indexOf("\r\n\r\n") + 4)).status, status, name)
        }
        assert.strictEqual(statusOf(yield* sent(target, brokenBody)), 400)
      }
    }).pipe(Effect.scoped),
  60_000
)

it.live("HTTP/2 requests are held to the same form", () =>
  Effect.gen(function* () {
    const tls = yield* certificate
    const { seen, serve } = yield* listening({ tls })
    yield* serve
    const session = connectHttp2(`https://127.0.0.1:${tls.port}`, { rejectUnauthorized: false })
    yield* Effect.addFinalizer(() => Effect.sync(() => session.destroy()))
    const status = (headers: Record<string, string>) =>
      Effect.promise(
        () =>
          new Promise<unknown>((resolve) => {
            const stream = session.request(headers[":method"] === "CONNECT" ? headers : { ":path": "/", ...headers })
            stream.on("response", (answer) => resolve(answer[":status"]))
            stream.on("error", () => resolve("reset"))
            stream.resume()
            stream.end()
          })
      )
    // The library under it refuses some of it itself.
    const refused = ["reset", 400]
    assert.strictEqual(yield* status({}), 200)
    assert.include(refused, yield* status({ ":authority": "shop.example", host: "other.example" }))
    assert.include(refused, yield* status({ ":authority": "a b" }))
    assert.include(refused, yield* status({ ":path": "*" }))
    assert.include(refused, yield* status({ ":path": "http://other.example/" }))
    assert.include(refused, yield* status({ ":path": "/#x" }))
    assert.strictEqual(yield* status({ ":path": `/${"a".repeat(9_000)}` }), 414)
    assert.strictEqual(yield* status({ ":method": "POST", "content-encoding": "gzip" }), 415)
    assert.include([...refused, 405], yield* status({ ":method": "CONNECT", ":authority": "a:443" }))
    assert.deepStrictEqual(seen.length, 1)
  }).pipe(Effect.scoped)
)

const get = (path: string) => `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`
const dripping = (socket: Socket) => {
  const timer = setInterval(() => socket.write("x"), 50)
  socket.once("close", () => clearInterval(timer))
}
const short = { headersMs: 600, bodyMs: 600, requestMs: 60_000, idleMs: 900, stalledMs: 900, lookMs: 100 }

it.live(
  "who says nothing, or too little, loses the connection: before a head, in it, in a body, between requests",
  () =>
    Effect.gen(function* () {
      const tls = yield* certificate
      const { port, serve } = yield* listening({ tls, bounds: short })
      yield* serve
      const head = "POST / HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
      const slow: Readonly<Record<string, (socket: Socket) => void>> = {
        silent: () => undefined,
        "half a head": (socket) => void socket.write("GET / HTTP/1.1\r\nHost: a\r\n"),
        "a head, byte by byte": (socket) => {
          socket.write("GET / HTTP/1.1\r\nHost: a\r\nx-slow: ")
          dripping(socket)
        },
        "half a body": (socket) => void socket.write(`${head}Content-Length: 100\r\n\r\n{`),
        "a body, byte by byte": (socket) => {
          socket.write(`${head}Content-Length: 10000\r\n\r\n{`)
          dripping(socket)
        },
        "a body that nobody reads, byte by byte": (socket) => {
          socket.write("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 10000\r\n\r\n")
          dripping(socket)
        },
        "a chunk without end": (socket) => void socket.write(`${head}Transfer-Encoding: chunked\r\n\r\nff\r\nx`),
        "quiet after an answer": (socket) => void socket.write("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
      }
      for (const target of [plain(port), { host: "127.0.0.1", port: tls.port, tls: true }]) {
        yield* Effect.forEach(
          Object.entries(slow),
          ([name, attack]) =>
            Effect.gen(function* () {
              const socket = open(target)
              attack(socket)
              assert.isDefined(yield* ended(socket, 5_000), `${name}, ${JSON.stringify(target)}`)
            }),
          { concurrency: "unbounded" }
        )
      }
      const session = connectHttp2(`https://127.0.0.1:${tls.port}`, { rejectUnauthorized: false })
      const goaway = new Promise<number>((resolve) => session.once("goaway", resolve))
      session.on("error", () => undefined)
      assert.strictEqual(
        yield* Effect.promise(() => goaway).pipe(Effect.timeout("5 seconds")),
        constants.NGHTTP2_NO_ERROR
      )
    }).pipe(Effect.scoped),
  30_000
)

it.live("one address has its share of the connections and no more; others, and a proxy of ours, get in", () =>
  Effect.gen(function* () {
    let proxy = ""
    const front = {
      admit: ((request, response, application) => application(request, response)) satisfies HttpListener.Front["admit"],
      drain: () => undefined,
      bodyMsOf: () => undefined,
      isProxy: (address: string) => address === proxy
    }
    const { port, serve } = yield* listening({ front, bounds: { connections: 12, connectionsOfOne: 8 } })
    yield* serve
    const held = Array.from({ length: 8 }, () => open(plain(port)))
    yield* Effect.addFinalizer(() => Effect.sync(() => held.forEach((socket) => socket.destroy())))
    yield* Effect.promise(() => Promise.all(held.map((socket) => new Promise((done) => socket.once("connect", done)))))
    const once = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
    assert.strictEqual(yield* sent(plain(port), once), "")
    const from = (localAddress: string) =>
      Effect.promise(
        () =>
          new Promise<string>((resolve) => {
            const socket = createConnection({ host: "127.0.0.1", port, localAddress })
            let got = ""
            socket.on("data", (chunk: Buffer) => (got += chunk.toString()))
            socket.on("error", () => undefined)
            socket.on("close", () => resolve(got))
            socket.write(once)
          })
      )
    assert.strictEqual(statusOf(yield* from("127.0.0.2")), 200)
    proxy = "127.0.0.1"
    assert.strictEqual(statusOf(yield* sent(plain(port), once)), 200)
    held.pop()?.destroy()
    proxy = ""
    yield* Effect.sleep("50 millis")
    assert.strictEqual(statusOf(yield* sent(plain(port), once)), 200)
  }).pipe(Effect.scoped)
)

it.live("every answer names its request: as the client did, or by an id of ours", () =>
  Effect.gen(function* () {
    const { port, serve } = yield* listening()
    yield* serve
    const idOf = (header: string, target = "/") =>
      Effect.map(
        sent(plain(port), `GET ${target} HTTP/1.1\r\nHost: a\r\n${header}\r\n`),
        (answer) => /\r\nrequest-id: ([^\r]*)\r\n/i.exec(answer)?.[1]
      )
    assert.strictEqual(yield* idOf("Request-Id: mine-1\r\n"), "mine-1")
    assert.strictEqual(yield* idOf("Request-Id: mine-2\r\n", "*"), "mine-2")
    assert.strictEqual(yield* idOf("Request-Id: mine-3\r\nExpect: tea\r\n"), "mine-3")
    const uuid = /^[0-9a-f-]{36}$/
    for (const given of [
      "",
      `Request-Id: ${"a".repeat(65)}\r\n`,
      "Request-Id: a b\r\n",
      "Request-Id: a\r\nRequest-Id: b\r\n"
    ])
      assert.match((yield* idOf(given)) ?? "", uuid, given)
  }).pipe(Effect.scoped)
)

it.live("what is pipelined is bounded and answered in order; what was asked before an unreadable request too", () =>
  Effect.gen(function* () {
    const { port, release, serve } = yield* listening({ bounds: { requestsOfOne: 5 } })
    yield* serve
    const paths = ["/wait", "/1", "/2", "/3", "/4", "/5", "/6"]
    const answering = yield* Effect.forkChild(
      Effect.promise(() => sendUntilClosed(plain(port), `${paths.map(get).join("")}BROKEN\r\n\r\n`))
    )
    yield* Effect.sleep("200 millis")
    yield* release
    const got = yield* Fiber.join(answering)
    const statuses = [...got.matchAll(/HTTP\/1\.1 (\d{3})/g)].map(([, status]) => status)
    const urls = [...got.matchAll(/"url":"([^"]+)"/g)].map(([, url]) => url)
    assert.deepStrictEqual(urls, paths.slice(0, 5))
    assert.deepStrictEqual(statuses, ["200", "200", "200", "200", "200", "503", "503"])
  }).pipe(Effect.scoped)
)

it.live("before its application is there it says so, and it stops by ending connections with their answers", () =>
  Effect.gen(function* () {
    const { port, release, serve } = yield* listening()
    assert.strictEqual(statusOf(yield* sent(plain(port), get("/"))), 503)
    const scope = yield* Scope.make()
    yield* Scope.provide(serve, scope)
    const waiting = yield* Effect.forkChild(sent(plain(port), get("/wait")))
    const idle = open(plain(port))
    idle.write(get("/"))
    yield* Effect.sleep("100 millis")
    const closed = yield* Effect.forkChild(ended(idle, 5_000))
    yield* Effect.forkChild(Scope.close(scope, Exit.void))
    yield* Effect.sleep("400 millis")
    yield* release
    assert.match(yield* Fiber.join(waiting), /200 OK[\s\S]*connection: close/i)
    assert.isDefined(yield* Fiber.join(closed))
    assert.strictEqual(yield* sent(plain(port), get("/")), "")
  }).pipe(Effect.scoped)
)

const bytes = (...parts: ReadonlyArray<string | number>) =>
  Buffer.concat(parts.map((part) => (typeof part === "string" ? Buffer.from(part) : Buffer.from([part]))))

it.live("a body means one thing, or is refused: as JSON, as text, as a form", () =>
  Effect.gen(function* () {
    const { port, serve } = yield* listening()
    yield* serve
    const status = (body: string | Buffer, path?: string, type?: string) =>
      Effect.map(sent(plain(port), post(body, path, type)), statusOf)
    assert.strictEqual(yield* status('{"a":[{"b":1},{"b":2}],"c":"\\ud83d\\ude00 ä"}'), 200)
    assert.strictEqual(yield* status(bytes(0xef, 0xbb, 0xbf, "{}")), 200)
    for (const bad of [
      '{"a":1,"a":1}',
      '{"a":1,"\\u0061":2}',
      '[{"x":{"a":1,"a":2}}]',
      '{"__proto__":{}}',
      '{"a":{"\\u005f_proto__":1}}',
      '{"a":"\\ud800"}',
      '{"\\udc00":1}',
      '{"a":"\\u0000"}',
      '{"a":1e400}',
      "[".repeat(100_000),
      `${"[".repeat(65)}${"]".repeat(65)}`,
      bytes('{"a":"', 0xff, '"}'),
      bytes('{"a":"', 0xc0, 0xaf, '"}'),
      bytes('{"a":"', 0xed, 0xa0, 0x80, '"}'),
      bytes(0xff, 0xfe, "{", 0, "}", 0)
    ]) {
      assert.strictEqual(yield* status(bad), 400, String(bad).slice(0, 60))
    }
    assert.strictEqual(yield* status("ä", "/text", "text/plain"), 200)
    assert.strictEqual(yield* status(bytes(0xe4), "/text", "text/plain"), 400)
    assert.strictEqual(yield* status("a=%C3%A4&b=+", "/form", "application/x-www-form-urlencoded"), 200)
    for (const bad of [bytes("a=", 0xe4), "a=%E4", "a=%zz"]) {
      assert.strictEqual(yield* status(bad, "/form", "application/x-www-form-urlencoded"), 400, String(bad))
    }
  }).pipe(Effect.scoped)
)
