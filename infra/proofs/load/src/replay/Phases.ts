import { Clock, Context, Effect, Layer } from "effect"

const barCells = 30

/** How far a replay is. */
export class Phases extends Context.Service<
  Phases,
  {
    /** Starts a phase of so many steps. */
    readonly phase: (name: string, total: number) => Effect.Effect<void>
    readonly advance: (steps: number) => Effect.Effect<void>
    readonly failed: Effect.Effect<void>
    /** A request is sent again; counted over the whole run. */
    readonly retried: Effect.Effect<void>
    readonly retries: Effect.Effect<number>
    /** `orders  [#########.....................] 431/1550 27.8 %  52.1/s  21 s left`, and what went wrong if anything did. */
    readonly line: () => string
  }
>()("@halles/load/Phases") {
  static readonly layer = Layer.effect(
    Phases,
    Effect.map(Clock.Clock, (clock) => {
      const now = { phase: "", total: 0, done: 0, startedMs: 0, retries: 0, failed: 0 }
      return Phases.of({
        phase: (phase, total) =>
          Effect.sync(
            () => void Object.assign(now, { phase, total, done: 0, startedMs: clock.currentTimeMillisUnsafe() })
          ),
        advance: (steps) => Effect.sync(() => void (now.done += steps)),
        failed: Effect.sync(() => void (now.failed += 1)),
        retried: Effect.sync(() => void (now.retries += 1)),
        retries: Effect.sync(() => now.retries),
        line: () => {
          const { done, failed, phase, retries, startedMs, total } = now
          const share = total === 0 ? 1 : Math.min(1, done / total)
          const rate = done / Math.max(0.001, (clock.currentTimeMillisUnsafe() - startedMs) / 1000)
          const bar = "#".repeat(Math.round(share * barCells)).padEnd(barCells, ".")
          const left = rate === 0 ? "" : `  ${Math.ceil((total - done) / rate)} s left`
          const trouble = `${retries === 0 ? "" : `  ${retries} retries`}${failed === 0 ? "" : `  ${failed} FAILED`}`
          const figures = `${done}/${total} ${(share * 100).toFixed(1)} %  ${rate.toFixed(1)}/s`
          return `${phase.padEnd(10)}[${bar}] ${figures}${left}${trouble}`
        }
      })
    })
  )
}
