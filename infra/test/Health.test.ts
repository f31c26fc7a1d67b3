import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import { type AddressInfo, createServer, type Socket } from "node:net"
import * as Health from "../src/cluster/Health.ts"

/** A mail server that greets with this line, and its connections. */
const greeting = (line: string) =>
  Effect.acquireRelease(
    Effect.promise(async () => {
      const ended: Array<Promise<unknown>> = []
      const server = createServer((socket: Socket) => {
        ended.push(new Promise((resolve) => socket.once("close", resolve)))
        socket.on("error", () => undefined)
        socket.resume()
        socket.write(`${line}\r\n`)
      })
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
      return { server, ended, port: (server.address() as AddressInfo).port }
    }),
    ({ server }) => Effect.sync(() => server.close())
  )

for (const [line, isHealthy] of [
  ["220 here", true],
  ["554 not now", false]
] as const) {
  it.live(`a look that is answered "${line}" leaves no connection behind`, () =>
    Effect.gen(function* () {
      const { ended, port } = yield* greeting(line)
      const looked = yield* Effect.result(Health.smtp(port))
      assert.strictEqual(looked._tag, isHealthy ? "Success" : "Failure")
      assert.strictEqual(ended.length, 1)
      yield* Effect.promise(() => Promise.all(ended))
    }).pipe(Effect.scoped)
  )
}
