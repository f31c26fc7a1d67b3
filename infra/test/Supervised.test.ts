import { assert, describe, it } from "@effect/vitest"
import { Effect, Schedule } from "effect"
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { ProcessState } from "../src/cluster/ClusterState.ts"
import { Unhealthy } from "../src/cluster/Health.ts"
import { rotate, tail } from "../src/cluster/LogFile.ts"
import { isAlive, signal } from "../src/cluster/ProcessIdentity.ts"
import { awaitHealthy, backoffMs, type ProcessSpec, supervise } from "../src/cluster/Supervised.ts"

const temporary = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "halles-supervised-"))),
  (directory) => Effect.sync(() => rmSync(directory, { recursive: true }))
)

/** A process that runs a line of JavaScript. */
const spec = (directory: string, script: string, change: Partial<ProcessSpec> = {}): ProcessSpec => ({
  name: "stand-in",
  kind: "partner",
  command: process.execPath,
  args: ["-e", script],
  env: {},
  cwd: directory,
  port: 1,
  log: join(directory, "stand-in.log"),
  stopSignal: "SIGTERM",
  graceMs: 5_000,
  health: Effect.void,
  ...change
})

const until = (condition: () => boolean) =>
  Effect.suspend(() => (condition() ? Effect.void : Effect.fail("not yet"))).pipe(
    Effect.retry(Schedule.spaced("20 millis"))
  )
const waits = "console.log('up'); setInterval(() => {}, 1000)"
const logged = (directory: string) => tail(join(directory, "stand-in.log"))

describe("Supervised", () => {
  it.live("starts a killed process again, counts it, and stops it with the scope", () =>
    Effect.gen(function* () {
      const directory = yield* temporary
      const seen: Array<ProcessState> = []
      const last = yield* Effect.scoped(
        Effect.gen(function* () {
          const supervised = yield* supervise(spec(directory, waits), (state) => seen.push(state))
          yield* until(() => logged(directory).includes("up"))
          const first = supervised.state().identity
          assert.isNotNull(first)
          if (first !== null) signal(first, "SIGKILL")
          yield* until(() => supervised.state().restarts === 1 && supervised.state().identity !== null)
          const second = supervised.state().identity
          assert.notStrictEqual(second?.pid, first?.pid)
          return second
        })
      )
      assert.isFalse(last === null || isAlive(last))
      assert.isNull(seen.at(-1)?.identity)
      assert.include(logged(directory), "ended (SIGKILL)")
    })
  )

  it.live("kills a process that does not heed the signal when its grace is over", () =>
    Effect.gen(function* () {
      const directory = yield* temporary
      const deaf = `process.on('SIGTERM', () => {}); ${waits}`
      const last = yield* Effect.scoped(
        Effect.gen(function* () {
          const supervised = yield* supervise(spec(directory, deaf, { graceMs: 200 }), () => {})
          yield* until(() => logged(directory).includes("up"))
          return supervised.state().identity
        })
      )
      assert.isFalse(last === null || isAlive(last))
    })
  )

  it.live("a process that keeps ending fails the start at once and shows its log", () =>
    Effect.gen(function* () {
      const directory = yield* temporary
      const broken = spec(directory, "console.error('no licence'); process.exit(7)", {
        health: Effect.fail(new Unhealthy({ reason: "refused" }))
      })
      const failed = yield* Effect.flip(
        Effect.flatMap(
          supervise(broken, () => {}),
          (supervised) => awaitHealthy(supervised)
        )
      )
      assert.include(failed.message, "no licence")
      assert.include(failed.message, "does not stay up")
    })
  )

  it.live("a program that is not there is no crash of the supervisor", () =>
    Effect.gen(function* () {
      const directory = yield* temporary
      const absent = spec(directory, "", { command: join(directory, "absent") })
      const supervised = yield* supervise(absent, () => {})
      yield* until(() => supervised.state().restarts > 0)
      assert.include(logged(directory), "ENOENT")
    })
  )

  it("waits 200 ms, doubles up to 5 s, and begins anew after 30 s of life", () => {
    const delays = Array.from({ length: 7 }).reduce<ReadonlyArray<number>>(
      (before) => [...before, backoffMs(before.at(-1) ?? 0, 10)],
      []
    )
    assert.deepStrictEqual(delays, [200, 400, 800, 1600, 3200, 5000, 5000])
    assert.strictEqual(backoffMs(5000, 30_000), 200)
  })

  it.live("a full log moves aside and two old ones stay", () =>
    Effect.gen(function* () {
      const log = join(yield* temporary, "some.log")
      for (const text of ["first", "second", "third", "fourth"]) {
        writeFileSync(log, text)
        rotate(log, 3)
      }
      assert.strictEqual(statSync(log).size, 0)
      assert.strictEqual(readFileSync(`${log}.1`, "utf8"), "fourth")
      assert.strictEqual(readFileSync(`${log}.2`, "utf8"), "third")
    })
  )
})
