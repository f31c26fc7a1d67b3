import { assert, describe, it } from "@effect/vitest"
import { Effect, Schedule } from "effect"
import { once } from "node:events"
import { connect, createServer, type Socket } from "node:net"
import * as Proxy from "../src/Proxy.ts"

/** Says back what it hears, and tells of connections that end. */
const echo = Effect.acquireRelease(
  Effect.promise(async () => {
    const heard: Array<string> = []
    const sockets = new Set<Socket>()
    const server = createServer((socket) => {
      sockets.add(socket)
      socket.on("data", (bytes) => {
        heard.push(String(bytes))
        socket.write(bytes)
      })
      socket.on("error", () => undefined)
      socket.on("close", () => {
        heard.push("closed")
        sockets.delete(socket)
      })
    })
    server.listen(0, "127.0.0.1")
    await once(server, "listening")
    const { port } = server.address() as { port: number }
    return { server, heard, sockets, port }
  }),
  ({ server, sockets }) =>
    Effect.sync(() => {
      server.close()
      for (const socket of sockets) socket.destroy()
    })
)

const client = (port: number) =>
  Effect.acquireRelease(
    Effect.promise(async () => {
      const socket = connect(port, "127.0.0.1")
      const got = { text: "", closed: false }
      socket.on("data", (bytes) => (got.text += String(bytes)))
      socket.on("error", () => undefined)
      socket.on("close", () => (got.closed = true))
      await once(socket, "connect")
      return { socket, got }
    }),
    ({ socket }) => Effect.sync(() => socket.destroy())
  )

const until = (holds: () => boolean) =>
  Effect.suspend(() => (holds() ? Effect.void : Effect.fail("not yet" as const))).pipe(
    Effect.retry(Schedule.spaced("10 millis")),
    Effect.orDie
  )
const open = { up: "open", down: "open" } as const

describe("Proxy", () => {
  it.live("passes bytes both ways, and the end of a connection", () =>
    Effect.gen(function* () {
      const server = yield* echo
      const proxy = yield* Proxy.make({ host: "127.0.0.1", port: server.port })
      const { got, socket } = yield* client(proxy.port)
      socket.write("hello")
      yield* until(() => got.text === "hello")
      socket.end()
      yield* until(() => server.heard.includes("closed") && got.closed)
    })
  )

  it.live("holds back one way alone, and passes all of it in order afterwards", () =>
    Effect.gen(function* () {
      const server = yield* echo
      const proxy = yield* Proxy.make({ host: "127.0.0.1", port: server.port })
      const { got, socket } = yield* client(proxy.port)
      proxy.set({ up: "open", down: "blocked" })
      socket.write("a")
      yield* until(() => server.heard.join("") === "a")
      socket.write("b")
      yield* until(() => server.heard.join("") === "ab")
      yield* Effect.sleep("50 millis")
      assert.strictEqual(got.text, "")
      proxy.set(open)
      yield* until(() => got.text === "ab")
    })
  )

  it.live("does not tell a server that its client is gone while they are cut off", () =>
    Effect.gen(function* () {
      const server = yield* echo
      const proxy = yield* Proxy.make({ host: "127.0.0.1", port: server.port })
      const { got, socket } = yield* client(proxy.port)
      socket.write("a")
      yield* until(() => got.text === "a")
      proxy.set({ up: "blocked", down: "blocked" })
      socket.destroy()
      yield* Effect.sleep("100 millis")
      assert.notInclude(server.heard, "closed")
      proxy.set(open)
      yield* until(() => server.heard.includes("closed"))
    })
  )

  it.live("holds back connections that begin while they are cut off", () =>
    Effect.gen(function* () {
      const server = yield* echo
      const proxy = yield* Proxy.make({ host: "127.0.0.1", port: server.port })
      proxy.set({ up: "blocked", down: "open" })
      const { got, socket } = yield* client(proxy.port)
      socket.write("a")
      yield* Effect.sleep("50 millis")
      assert.deepStrictEqual(server.heard, [])
      proxy.set(open)
      yield* until(() => got.text === "a")
    })
  )

  it.live("passes bytes late", () =>
    Effect.gen(function* () {
      const server = yield* echo
      const proxy = yield* Proxy.make({ host: "127.0.0.1", port: server.port })
      const { got, socket } = yield* client(proxy.port)
      proxy.set({ up: { delayMs: 60 }, down: { delayMs: 60 } })
      const since = performance.now()
      socket.write("a")
      yield* until(() => got.text === "a")
      assert.isAtLeast(performance.now() - since, 119)
    })
  )

  it.live("breaks connections on both sides", () =>
    Effect.gen(function* () {
      const server = yield* echo
      const proxy = yield* Proxy.make({ host: "127.0.0.1", port: server.port })
      const { got, socket } = yield* client(proxy.port)
      socket.write("a")
      yield* until(() => got.text === "a")
      proxy.reset()
      yield* until(() => got.closed && server.heard.includes("closed"))
    })
  )
})
