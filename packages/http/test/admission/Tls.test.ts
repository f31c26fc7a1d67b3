import { assert, it } from "@effect/vitest"
import { Duration, Effect, Exit, Layer, Scope } from "effect"
import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { type ClientHttp2Session, connect as connectHttp2, constants } from "node:http2"
import { request as httpsRequest } from "node:https"
import { type AddressInfo, createServer } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { connect as connectTls, type TLSSocket } from "node:tls"
import { generate } from "selfsigned"
import { AdmissionControlTest } from "./AdmissionControlTest.ts"

const certificate = Effect.gen(function* () {
  const folder = yield* Effect.acquireRelease(
    Effect.promise(() => mkdtemp(join(tmpdir(), "halles-tls-"))),
    (path) => Effect.promise(() => rm(path, { recursive: true, force: true }))
  )
  const certificateFile = join(folder, "certificate.pem")
  const keyFile = join(folder, "key.pem")
  const made = yield* Effect.promise(() =>
    generate([{ name: "commonName", value: "localhost" }], {
      keyType: "ec",
      extensions: [{ name: "subjectAltName", altNames: [{ type: 7, ip: "127.0.0.1" }] }]
    })
  )
  yield* Effect.promise(() => writeFile(certificateFile, made.cert))
  yield* Effect.promise(() => writeFile(keyFile, made.private))
  const port = yield* Effect.promise(
    () =>
      new Promise<number>((resolve) => {
        const server = createServer().listen(0, "127.0.0.1", () => {
          const free = (server.address() as AddressInfo).port
          server.close(() => resolve(free))
        })
      })
  )
  return { certificateFile, keyFile, port, ca: made.cert }
})

const open = (port: number, ca: string) =>
  Effect.acquireRelease(
    Effect.promise(
      () =>
        new Promise<ClientHttp2Session>((resolve, reject) => {
          const session = connectHttp2(`https://127.0.0.1:${port}`, { ca })
          session.once("connect", () => resolve(session))
          session.once("error", reject)
        })
    ),
    (session) => Effect.sync(() => session.destroy())
  )

const get = (session: ClientHttp2Session, path: string) =>
  new Promise<{ readonly status: number; readonly text: string }>((resolve, reject) => {
    const stream = session.request({ ":path": path, "user-agent": "Mozilla/5.0 (X11; Linux x64; rv:130.0)" })
    let status = 0
    let text = ""
    stream.setEncoding("utf8")
    stream.on("response", (headers) => {
      status = Number(headers[":status"])
    })
    stream.on("data", (chunk: string) => {
      text += chunk
    })
    stream.once("end", () => resolve({ status, text }))
    stream.once("error", reject)
    stream.end()
  })

it.live("speaks HTTP/2 over TLS 1.3, and HTTP/1.1 to whom knows no better", () =>
  Effect.gen(function* () {
    const { ca, ...tls } = yield* certificate
    yield* Layer.build(AdmissionControlTest.layer({ unlimited: "127.0.0.0/8" }, Duration.zero, tls))
    const session = yield* open(tls.port, ca)
    assert.strictEqual(session.alpnProtocol, "h2")
    assert.strictEqual((session.socket as TLSSocket).getProtocol(), "TLSv1.3")
    const answers = yield* Effect.promise(() =>
      Promise.all(Array.from({ length: 20 }, (_, at) => get(session, `/v1/products/p${at}?region=eu`)))
    )
    assert.isTrue(answers.every(({ status }) => status === 200))
    // From memory, and with nothing in it that HTTP/2 forbids.
    assert.deepStrictEqual(yield* Effect.promise(() => get(session, "/v1/products/p0?region=eu")), answers[0])
    assert.strictEqual((yield* Effect.promise(() => get(session, "/v1/carts/none"))).status, 404)
    const old = yield* Effect.promise(
      () =>
        new Promise<string>((resolve, reject) => {
          httpsRequest(`https://127.0.0.1:${tls.port}/health/live`, { ca }, (response) => {
            response.resume()
            resolve(`${response.httpVersion} ${response.statusCode}`)
          })
            .once("error", reject)
            .end()
        })
    )
    assert.strictEqual(old, "1.1 200")
    const refused = yield* Effect.promise(
      () =>
        new Promise<string>((resolve) => {
          const socket = connectTls({ host: "127.0.0.1", port: tls.port, ca, maxVersion: "TLSv1.2" }, () => {
            resolve("connected")
            socket.destroy()
          })
          socket.once("error", () => resolve("refused"))
        })
    )
    assert.strictEqual(refused, "refused")
  }).pipe(Effect.scoped)
)

it.live("ends the connection of whoever opens streams only to reset them", () =>
  Effect.gen(function* () {
    const { ca, ...tls } = yield* certificate
    yield* Layer.build(AdmissionControlTest.layer({ unlimited: "127.0.0.0/8" }, Duration.zero, tls))
    const session = yield* open(tls.port, ca)
    const code = yield* Effect.promise(
      () =>
        new Promise<number>((resolve) => {
          session.once("goaway", (reason) => resolve(reason))
          // The connection may end before its last frame is read.
          session.once("close", () => resolve(constants.NGHTTP2_ENHANCE_YOUR_CALM))
          session.on("error", () => undefined)
          let bursts = 0
          const burst = () => {
            bursts += 1
            if (session.destroyed || session.closed || bursts > 100) return
            const streams = Array.from({ length: 50 }, () => session.request({ ":path": "/v1/orders/eu_1" }))
            for (const stream of streams) stream.on("error", () => undefined)
            setTimeout(() => {
              for (const stream of streams) stream.close(constants.NGHTTP2_CANCEL)
              setImmediate(burst)
            }, 5)
          }
          burst()
        })
    )
    assert.notStrictEqual(code, constants.NGHTTP2_NO_ERROR)
    const next = yield* open(tls.port, ca)
    assert.strictEqual((yield* Effect.promise(() => get(next, "/health/live"))).status, 200)
  }).pipe(Effect.scoped)
)

it.live("a stopping server says GOAWAY, and answers the streams that have begun", () =>
  Effect.gen(function* () {
    const { ca, ...tls } = yield* certificate
    const scope = yield* Scope.make()
    const context = yield* Layer.buildWithScope(
      AdmissionControlTest.layer({ unlimited: "127.0.0.0/8" }, Duration.zero, tls),
      scope
    )
    const test = yield* Effect.provideContext(AdmissionControlTest, context)
    const session = yield* open(tls.port, ca)
    const goaway = new Promise<number>((resolve) => session.once("goaway", (code) => resolve(code)))
    const slow = get(session, "/v1/orders/eu_1")
    yield* test.waiting
    const closing = yield* Effect.forkChild(Scope.close(scope, Exit.void))
    assert.strictEqual(yield* Effect.promise(() => goaway), constants.NGHTTP2_NO_ERROR)
    yield* test.release
    assert.strictEqual((yield* Effect.promise(() => slow)).status, 200)
    yield* Effect.promise(() => new Promise((resolve) => closing.addObserver(resolve)))
  }).pipe(Effect.scoped)
)
