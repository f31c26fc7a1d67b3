import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { createServer, type AddressInfo } from "node:net"
import { blocked, listeners, ports, requireFree, runnerPort } from "../src/cluster/Ports.ts"

const all = (base: number) => [
  ...Object.values(ports(base)),
  ...Array.from({ length: 24 }, (_, index) => runnerPort(base, index))
]
const servers = (base: number) => [ports(base).postgres, ports(base).nats, ports(base).redis]

describe("Ports", () => {
  it("two bases 100 apart share no port, nor do the layouts of one base", () => {
    for (const other of [4500, 4440 + 100])
      assert.deepStrictEqual(
        all(4400).filter((port) => all(other).includes(port)),
        []
      )
    assert.deepStrictEqual(
      all(4400).filter((port) => servers(4440).includes(port)),
      []
    )
    assert.deepStrictEqual(
      servers(4440).filter((port) => all(4450).includes(port)),
      []
    )
  })

  it.effect("are refused where fetch would not call them, with the way out", () =>
    Effect.gen(function* () {
      for (const port of blocked) {
        const refused = yield* Effect.flip(Effect.tryPromise(() => fetch(`http://127.0.0.1:${port}`)))
        assert.strictEqual(String((refused.cause as Error).cause), "Error: bad port")
      }
      const { message } = yield* Effect.flip(requireFree([{ name: "edge", port: 6000 }], 6000))
      assert.include(message, "Port 6000 (edge) is one that browsers and fetch refuse to call")
      assert.include(message, "HALLES_PORT_BASE=6200")
    })
  )

  it("reads who listens from the kernel's table", () => {
    const table = [
      "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode",
      "   0: 0100007F:1130 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4711 1 0 100 0 0 10 0",
      "   1: 0100007F:1130 0100007F:A000 01 00000000:00000000 00:00000000 00000000     0        0 4712 1 0 100 0 0 10 0"
    ].join("\n")
    assert.deepStrictEqual(listeners(table, 4400), ["4711"])
    assert.deepStrictEqual(listeners(table, 4401), [])
  })

  it.effect("names the port that is taken, who has it and the way out", () =>
    Effect.gen(function* () {
      const server = createServer()
      const port = yield* Effect.callback<number>((resume) => {
        server.listen(0, "127.0.0.1", () => resume(Effect.succeed((server.address() as AddressInfo).port)))
      })
      const taken = yield* Effect.flip(requireFree([{ name: "edge", port }], 4400))
      assert.strictEqual(taken._tag, "PortTaken")
      assert.strictEqual(taken.port, port)
      assert.include(taken.message, `Port ${port} (edge)`)
      assert.include(taken.message, "HALLES_PORT_BASE=4600")
      if (process.platform === "linux") assert.include(taken.message, `process ${process.pid} `)
      yield* Effect.callback<void>((resume) => void server.close(() => resume(Effect.void)))
      yield* requireFree([{ name: "edge", port }], 4400)
    })
  )
})
