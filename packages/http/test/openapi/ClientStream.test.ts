import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { assert, layer } from "@effect/vitest"
import { OrderId } from "@halles/shared/Ids"
import { Effect, Stream } from "effect"
import { type AddressInfo, connect, createServer, type Socket } from "node:net"
import * as Client from "../../src/Client.ts"
import { EdgeTest } from "../EdgeTest.ts"

/** Stands before the edge; lets the first answer through up to its second event, and cuts it there once told to. */
const cutting = Effect.fnUntraced(function* (edge: string) {
  let asked = ""
  let held: Socket | undefined
  let isToldToCut = false
  const sockets = new Set<Socket>()
  let isFirst = true
  const server = createServer((incoming) => {
    const outgoing = connect(Number(new URL(edge).port), "127.0.0.1")
    for (const socket of [incoming, outgoing]) {
      sockets.add(socket)
      socket.on("error", () => socket.destroy())
    }
    incoming.on("data", (chunk: Buffer) => {
      asked += chunk.toString()
      outgoing.write(chunk)
    })
    const pass = (chunk: Buffer) => {
      const end = isFirst ? chunk.indexOf("id: 2") : -1
      if (end < 0) return void incoming.write(chunk)
      isFirst = false
      outgoing.off("data", pass)
      incoming.write(chunk.subarray(0, end))
      held = incoming
      if (isToldToCut) incoming.destroy()
    }
    outgoing.on("data", pass)
    incoming.on("close", () => outgoing.destroy())
  })
  yield* Effect.acquireRelease(
    Effect.callback<void>((resume) => void server.listen(0, "127.0.0.1", () => resume(Effect.void))),
    () =>
      Effect.callback<void>((resume) => {
        for (const socket of sockets) socket.destroy()
        server.close(() => resume(Effect.void))
      })
  )
  return {
    asked: () => asked,
    cut: () => {
      isToldToCut = true
      held?.destroy()
    },
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  }
})

layer(EdgeTest.layer, { excludeTestServices: true, timeout: "60 seconds" })("a client's stream", (it) => {
  it.effect("goes on after the last step that it has seen when its connection is cut, each step once", () =>
    Effect.gen(function* () {
      const { url } = yield* EdgeTest
      const proxy = yield* cutting(url)
      const client = yield* Client.make(proxy.url)
      // Cut only after the client has told of the first step: until then it may ask for everything again.
      const steps = yield* Client.watchOrder(client, OrderId.make("eu_1")).pipe(
        Stream.tap(() => Effect.sync(proxy.cut)),
        Stream.runCollect
      )
      assert.deepStrictEqual(
        steps.map(({ seq, step }) => [seq, step]),
        [
          [1, "created"],
          [2, "confirmed"]
        ]
      )
      const [first, second] = proxy.asked().match(/GET \/v1\/orders\/eu_1\/events[^]*?\r\n\r\n/g) ?? []
      assert.notInclude(first, "last-event-id")
      assert.include(second, "last-event-id: 1")
    }).pipe(Effect.provide(NodeHttpClient.layerUndici))
  )

  it.effect("ends with what the edge refuses for good", () =>
    Effect.gen(function* () {
      const client = yield* Client.make((yield* EdgeTest).url)
      const watched = Client.watchOrder(client, OrderId.make("eu_none"))
      assert.strictEqual((yield* Effect.flip(Stream.runDrain(watched)))._tag, "NotFound")
    }).pipe(Effect.provide(NodeHttpClient.layerUndici))
  )
})
