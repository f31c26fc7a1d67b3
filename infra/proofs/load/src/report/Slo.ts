import { Result, Schema } from "effect"
import type { Analysis } from "./Analysis.ts"

/** An objective: `p99=250ms`, `errors=0.1%` are bounds from above, `rate=500` from below. */
export interface Objective {
  readonly text: string
  readonly figure: "p50" | "p95" | "p99" | "max" | "errors" | "rate"
  /** Milliseconds, a share, or operations a second. */
  readonly bound: number
}

export class BadSlo extends Schema.TaggedError<BadSlo>()("BadSlo", { text: Schema.String }) {
  override get message(): string {
    return `--slo ${this.text}: expected p50, p95, p99 or max in ms or s, errors in %, rate a second: p99=250ms,errors=0.1%`
  }
}

const form = /^(?:(p50|p95|p99|max)=(\d+(?:\.\d+)?)(ms|s)|(errors)=(\d+(?:\.\d+)?)%|(rate)=(\d+(?:\.\d+)?))$/

export const parse = (text: string): Result.Result<ReadonlyArray<Objective>, BadSlo> => {
  const objectives: Array<Objective> = []
  for (const part of text.split(",").map((one) => one.trim())) {
    const found = form.exec(part)
    if (found === null) return Result.fail(new BadSlo({ text: part }))
    const [, latency, time, unit, errors, percent, rate, perSecond] = found
    if (latency !== undefined) {
      const bound = Number(time) * (unit === "s" ? 1000 : 1)
      objectives.push({ text: part, figure: latency as Objective["figure"], bound })
    } else if (errors !== undefined) objectives.push({ text: part, figure: "errors", bound: Number(percent) / 100 })
    else if (rate !== undefined) objectives.push({ text: part, figure: "rate", bound: Number(perSecond) })
  }
  return Result.succeed(objectives)
}

/** The objectives that a run did not meet, with what it came to instead. */
export const missed = (
  objectives: ReadonlyArray<Objective>,
  { all, perSecond }: Pick<Analysis, "all" | "perSecond">
): ReadonlyArray<string> => {
  const figures = {
    p50: all.p50ms,
    p95: all.p95ms,
    p99: all.p99ms,
    max: all.maxMs,
    errors: all.operations === 0 ? 1 : all.failed / all.operations,
    rate: perSecond
  }
  return objectives.flatMap(({ bound, figure, text }) => {
    const value = figures[figure]
    const met = figure === "rate" ? value >= bound : value <= bound
    return met ? [] : [`${text} (was ${figure === "errors" ? `${(value * 100).toFixed(2)}%` : value.toFixed(1)})`]
  })
}
