import type { Random } from "./Zipf.ts"

export type Process = "poisson" | "constant"

/** When operations are meant to begin: milliseconds from the start, ascending, up to `untilMs`. */
export function* arrivals(options: {
  readonly process: Process
  readonly perSecond: number
  readonly untilMs: number
  readonly random: Random
  /** Of a constant rate that several share: each begins at its own part of the interval. */
  readonly phase: number
}): Generator<number, void> {
  const { perSecond, phase, process, random, untilMs } = options
  const intervalMs = 1000 / perSecond
  if (process === "constant") {
    for (let n = 0; (n + phase) * intervalMs < untilMs; n++) yield (n + phase) * intervalMs
    return
  }
  for (let at = 0; ;) {
    at -= Math.log(1 - random()) * intervalMs
    if (at >= untilMs) return
    yield at
  }
}
