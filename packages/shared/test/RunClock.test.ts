import { assert, it } from "@effect/vitest"
import { spawn } from "node:child_process"
import { availableParallelism } from "node:os"
import { heldUpMs } from "../src/testing/RunClock.ts"

it("counts for how long who wants a processor has none", { skip: process.platform !== "linux" }, async () => {
  // One more than there are processors, a quarter of a second of work for each: some wait for the others.
  const work =
    "for (let used = 0; used < 250_000; ) { const { user, system } = process.cpuUsage(); used = user + system }"
  const spin = `${work} process.stdin.once("data", () => process.exit()); console.log()`
  const spinning = Array.from({ length: availableParallelism() + 1 }, () => spawn(process.execPath, ["-e", spin]))
  await Promise.all(spinning.map((child) => new Promise((resolve) => child.stdout.once("data", resolve))))
  const waited = spinning.map(({ pid }) => heldUpMs(pid!))
  for (const child of spinning) child.stdin.end("end")
  assert.isAbove(Math.max(...waited), 10)
  assert.strictEqual(heldUpMs(2 ** 30), 0)
})
