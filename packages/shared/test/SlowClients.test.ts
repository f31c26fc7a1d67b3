import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import { createServer, type IncomingMessage, request, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"
import * as SlowClients from "@halles/shared/listener/SlowClients"

const bounds = {
  bodyMsOf: ({ url }: IncomingMessage) => (url === "/bulk" ? Number.POSITIVE_INFINITY : 20_000),
  stalledMs: 20_000
}
/** More than the buffers of both ends hold. */
const large = Buffer.alloc(16 * 1024 * 1024)

const wait = (holds: () => boolean) => Effect.repeat(Effect.sleep("10 millis"), { until: () => holds() })

it.live(
  "who sends a body for too long, or reads nothing of an answer, loses the connection; a quiet stream stays",
  () =>
    Effect.gen(function* () {
      const underWay = new Map<string, SlowClients.Exchange>()
      const server = createServer((incoming: IncomingMessage, response: ServerResponse) => {
        const path = incoming.url ?? ""
        underWay.set(path, { request: incoming, response, startedMs: 0 })
        if (path === "/unread") response.end(large)
        if (path === "/quiet") response.write("data: 1\n\n")
      })
      yield* Effect.acquireRelease(
        Effect.callback<void>((resume) => void server.listen(0, "127.0.0.1", () => resume(Effect.void))),
        () =>
          Effect.sync(() => {
            server.closeAllConnections()
            server.close()
          })
      )
      const port = (server.address() as AddressInfo).port
      const ended = new Set<string>()
      for (const path of ["/body", "/bulk", "/unread", "/quiet"]) {
        const sends = path === "/body" || path === "/bulk"
        const client = request({
          port,
          path,
          method: sends ? "POST" : "GET",
          headers: sends ? { "content-length": 100 } : {}
        })
        client.on("error", () => ended.add(path))
        client.on("response", (response) => {
          response.on("error", () => ended.add(path))
          if (path === "/quiet") response.resume()
        })
        // Half a body, or all of a request without one.
        if (sends) client.write("half")
        else client.end()
      }
      const look = (nowMs: number) => SlowClients.cut(underWay.values(), nowMs, bounds)
      yield* wait(() => underWay.size === 4)
      // What the system takes of the large answer is taken; then nothing moves any more.
      let written = -1
      yield* wait(() => {
        const { bytesWritten } = underWay.get("/unread")!.request.socket
        const still = bytesWritten === written && bytesWritten > 0
        written = bytesWritten
        return still
      })
      assert.strictEqual(look(19_000), 0)
      assert.strictEqual(look(21_000), 1)
      yield* wait(() => ended.has("/body"))
      underWay.delete("/body")
      assert.strictEqual(look(38_000), 0)
      assert.strictEqual(look(40_000), 1)
      assert.isTrue(underWay.get("/unread")!.response.destroyed)
      assert.isFalse(underWay.get("/quiet")!.response.destroyed)
      assert.isFalse(underWay.get("/bulk")!.response.destroyed)
      assert.notInclude([...ended], "/quiet")
    })
)
