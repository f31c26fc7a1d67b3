import { assert, describe, it } from "@effect/vitest"
import { spawnSync } from "node:child_process"
import { cpuSeconds, parse } from "../src/Cpu.ts"

describe("Cpu", () => {
  it("reads a process whose name has spaces and brackets", () => {
    const text = "4711 (postgres: a (b) c) S 4700 4711 4711 0 -1 4194560 100 0 0 0 250 50 7 3 20 0 1 0 12345"
    assert.deepStrictEqual(parse(text), { parent: "4700", used: 300, inherited: 10 })
  })

  it("takes a process that is gone for one that used nothing", () => {
    assert.deepStrictEqual(parse(""), { parent: "", used: 0, inherited: 0 })
    assert.strictEqual(cpuSeconds(2 ** 30), 0)
  })

  it("counts what an ended child has used", () => {
    const before = cpuSeconds(process.pid)
    const until =
      "for (let used = 0; used < 300_000; ) { const { user, system } = process.cpuUsage(); used = user + system }"
    spawnSync(process.execPath, ["-e", until])
    assert.isAtLeast(cpuSeconds(process.pid) - before, 0.25)
  })
})
