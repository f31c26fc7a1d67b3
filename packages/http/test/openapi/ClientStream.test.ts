import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { assert, layer } from "@effect/vitest"
import { OrderId } from "@halles/shared/Ids"
import { Effect, Stream } from "effect"
import { type AddressInfo, connect, createServer, type Socket } from "node:net"
import * as Client from "../../src/Client.ts"
import { EdgeTest } from "../EdgeTest.ts"

/** Stands before the edge; cuts the first answer off before its second event, in the middle of the body. */
const cutting = Effect.fnUntraced(function* (edge: string) {
  const asked: Array<string> = []
  const sockets = new Set<Socket>()
  let isFirst = true
  const server = createServer((incoming) => {
    const outgoing = connect(Number(new URL(edge).port), "127.0.0.1")
    for (const socket of [incoming, outgoing]) {
      sockets.add(socket)
      socket.on("error", () => socket.destroy())
    }
    incoming.on("data", (chunk: Buffer) => {
      asked.push(chunk.toString())
      outgoing.write(chunk)
    })
    outgoing.on("data", (chunk: Buffer) => {
      const end = isFirst ? chunk.indexOf("id: 2") : -1
      if (end < 0) return void incoming.write(chunk)
      isFirst = false
      // Not by a reset: that throws away what the client has not read yet.
      incoming.end(chunk.subarray(0, end))
      outgoing.destroy()
    })
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
  return { asked, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }
})

layer(EdgeTest.layer, { excludeTestServices: true, timeout: "60 seconds" })("a client's stream", (it) => {
  it.effect("goes on after the last step that it has seen when its connection is cut, each step once", () =>
    Effect.gen(function* () {
      const { url } = yield* EdgeTest
      const proxy = yield* cutting(url)
      const client = yield* Client.make(proxy.url)
      const steps = yield* Stream.runCollect(Client.watchOrder(client, OrderId.make("eu_1")))
      assert.deepStrictEqual(
        steps.map(({ seq, step }) => [seq, step]),
        [
          [1, "created"],
          [2, "confirmed"]
        ]
      )
      const resumed = proxy.asked.filter((text) => text.includes("/v1/orders/eu_1/events"))
      assert.isAtLeast(resumed.length, 2)
      assert.notInclude(resumed[0], "last-event-id")
      assert.include(resumed[1], "last-event-id: 1")
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
