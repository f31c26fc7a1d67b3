import { Clock, Effect } from "effect"
import { cpuSeconds, everyStat, ioBytes } from "@halles/harness/Cpu"
import { nowMs } from "../workload/Generator.ts"
import type { Stand } from "./Stand.ts"

/** What a process has used up to a moment. */
export interface Used {
  readonly cpuSeconds: number
  readonly readBytes: number
  readonly writtenBytes: number
}

export interface Look {
  readonly atMs: number
  /** By name of the process; `generator` is this one with all of its threads. */
  readonly used: ReadonlyMap<string, Used>
}

export const generator = "generator"
const everyMs = 1_000
const nothing: Used = { cpuSeconds: 0, readBytes: 0, writtenBytes: 0 }
const combined = (a: Used, b: Used, of: (a: number, b: number) => number): Used => ({
  cpuSeconds: of(a.cpuSeconds, b.cpuSeconds),
  readBytes: of(a.readBytes, b.readBytes),
  writtenBytes: of(a.writtenBytes, b.writtenBytes)
})

/** Counts for each process by name; one that was started again goes on where the one before it ended. */
class Meter {
  readonly #totals = new Map<string, Used>()
  readonly #seen = new Map<string, Used>()

  #more(name: string, pid: string, now: Used): void {
    const more = combined(now, this.#seen.get(pid) ?? nothing, (a, b) => Math.max(0, a - b))
    this.#seen.set(pid, now)
    this.#totals.set(
      name,
      combined(this.#totals.get(name) ?? nothing, more, (a, b) => a + b)
    )
  }

  look(processes: ReadonlyArray<{ readonly name: string; readonly pid: number }>): ReadonlyMap<string, Used> {
    const all = everyStat()
    for (const { name, pid } of processes) {
      this.#more(name, `cpu ${pid}`, { ...nothing, cpuSeconds: cpuSeconds(pid, all) })
      const family = [String(pid), ...[...all].flatMap(([child, { parent }]) => (parent === String(pid) ? child : []))]
      for (const one of family) {
        const { read, written } = ioBytes(one)
        this.#more(name, `io ${one}`, { ...nothing, readBytes: read, writtenBytes: written })
      }
    }
    const own = process.cpuUsage()
    const io = ioBytes(process.pid)
    this.#more(generator, "own", {
      cpuSeconds: (own.user + own.system) / 1e6,
      readBytes: io.read,
      writtenBytes: io.written
    })
    return new Map(this.#totals)
  }
}

/** Looks at every process of the cluster once a second from `startMs` on, for as long as the scope lasts. */
export const watch = Effect.fnUntraced(function* (stand: Stand, startMs: number) {
  const clock = yield* Clock.Clock
  const meter = new Meter()
  const looks: Array<Look> = []
  const look = Effect.sync(() => {
    const processes = stand
      .state()
      .processes.flatMap(({ identity, name }) => (identity === null ? [] : [{ name, pid: identity.pid }]))
    looks.push({ used: meter.look(processes), atMs: nowMs(clock) })
  })
  yield* Effect.forkScoped(
    Effect.forever(
      Effect.suspend(() =>
        Effect.andThen(
          look,
          Effect.suspend(() => {
            const now = nowMs(clock)
            const next = startMs + Math.ceil(Math.max(0, now - startMs + 1) / everyMs) * everyMs
            return Effect.sleep(Math.ceil(next - now))
          })
        )
      )
    )
  )
  return looks
})

/** What each process used in a span: between the looks nearest to its ends. */
export const spent = (looks: ReadonlyArray<Look>, fromMs: number, toMs: number): ReadonlyMap<string, Used> => {
  const nearest = (ms: number) => looks.toSorted((a, b) => Math.abs(a.atMs - ms) - Math.abs(b.atMs - ms))[0]
  const first = nearest(fromMs)
  const last = nearest(toMs)
  if (first === undefined || last === undefined) return new Map()
  return new Map(
    [...last.used].map(
      ([name, used]) => [name, combined(used, first.used.get(name) ?? nothing, (a, b) => a - b)] as const
    )
  )
}

/** Cores in use by process and second: what the report draws. */
export const cores = (
  looks: ReadonlyArray<Look>
): ReadonlyArray<{ readonly atMs: number; readonly cores: ReadonlyMap<string, number> }> =>
  looks.slice(1).map(({ atMs, used }, n) => {
    const before = looks[n]!
    const seconds = Math.max(0.001, (atMs - before.atMs) / 1000)
    return {
      atMs,
      cores: new Map(
        [...used].map(([name, now]) => [name, (now.cpuSeconds - (before.used.get(name) ?? now).cpuSeconds) / seconds])
      )
    }
  })
