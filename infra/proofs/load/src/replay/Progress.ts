import { Clock, Context, Effect, Layer, Schedule } from "effect"

interface Meter {
  phase: string
  total: number
  done: number
  startedMs: number
  retries: number
  failed: number
}

const barCells = 30

/** `orders  [#########.....................] 431/1550 27.8 %  52.1/s  21 s left`, and what went wrong if anything did. */
const line = (meter: Meter, nowMs: number): string => {
  const share = meter.total === 0 ? 1 : Math.min(1, meter.done / meter.total)
  const filled = Math.round(share * barCells)
  const seconds = Math.max(0.001, (nowMs - meter.startedMs) / 1000)
  const rate = meter.done / seconds
  const left = rate === 0 ? "" : `  ${Math.ceil((meter.total - meter.done) / rate)} s left`
  const trouble = `${meter.retries === 0 ? "" : `  ${meter.retries} retries`}${meter.failed === 0 ? "" : `  ${meter.failed} FAILED`}`
  const bar = `[${"#".repeat(filled)}${".".repeat(barCells - filled)}]`
  return `${meter.phase.padEnd(10)}${bar} ${meter.done}/${meter.total} ${(share * 100).toFixed(1)} %  ${rate.toFixed(1)}/s${left}${trouble}`
}

const write = (text: string) => Effect.sync(() => void process.stderr.write(text))

/** Shows on stderr how far a replay is: a bar on a terminal, elsewhere a plain line every two seconds. */
export class Progress extends Context.Service<
  Progress,
  {
    /** Starts a phase of so many steps. */
    readonly phase: (name: string, total: number) => Effect.Effect<void>
    readonly advance: (steps: number) => Effect.Effect<void>
    readonly failed: Effect.Effect<void>
    /** A request is sent again; counted over the whole run. */
    readonly retried: Effect.Effect<void>
    readonly retries: Effect.Effect<number>
    /** A line of text that stays. */
    readonly note: (text: string) => Effect.Effect<void>
  }
>()("@halles/load/Progress") {
  static readonly layer = Layer.effect(
    Progress,
    Effect.gen(function* () {
      const terminal = process.stderr.isTTY === true
      const meter: Meter = { phase: "", total: 0, done: 0, startedMs: 0, retries: 0, failed: 0 }
      const show = Effect.gen(function* () {
        if (meter.phase === "") return
        const text = line(meter, yield* Clock.currentTimeMillis)
        yield* write(terminal ? `\r\u001b[2K${text}` : `${text}\n`)
      })
      const close = Effect.andThen(
        show,
        Effect.suspend(() => (terminal && meter.phase !== "" ? write("\n") : Effect.void))
      )
      yield* Effect.forkScoped(Effect.repeat(show, Schedule.spaced(terminal ? "200 millis" : "2 seconds")))
      yield* Effect.addFinalizer(() => close)
      return Progress.of({
        phase: Effect.fnUntraced(function* (name, total) {
          yield* close
          meter.phase = name
          meter.total = total
          meter.done = 0
          meter.startedMs = yield* Clock.currentTimeMillis
        }),
        advance: (steps) => Effect.sync(() => void (meter.done += steps)),
        failed: Effect.sync(() => void (meter.failed += 1)),
        retried: Effect.sync(() => void (meter.retries += 1)),
        retries: Effect.sync(() => meter.retries),
        note: (text) => write(`${terminal && meter.phase !== "" ? "\r\u001b[2K" : ""}${text}\n`)
      })
    })
  )
}
