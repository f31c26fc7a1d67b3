import { Latencies } from "./Latencies.ts"
import type { Owners } from "./Owners.ts"
import { isFailed, type Sample } from "./Samples.ts"

/** A disturbance as it happened. */
export interface Mark {
  readonly name: string
  readonly atMs: number
}

/** What a disturbance did to operations. */
export interface Impact extends Mark {
  /**
   * The longest that anybody who asked for a key had to wait until the key answered somebody; `null` when one that was
   * asked never answered again.
   */
  readonly answeredAgainMs: number | null
  readonly operations: number
  readonly failed: number
  readonly worstSecondP99ms: number
  readonly shardsMoved: number
}

/** A disturbance is answerable for so long, or until the next one. */
const spanMs = 20_000

/** For each mark what came of the operations that were meant to begin after it or were under way. */
export const impacts = (
  marks: ReadonlyArray<Mark>,
  samples: () => Iterable<Sample>,
  owners: Pick<Owners, "moved">
): ReadonlyArray<Impact> => {
  const inOrder = marks.toSorted((a, b) => a.atMs - b.atMs)
  return inOrder.map((mark, n) => {
    const untilMs = Math.min(mark.atMs + spanMs, inOrder[n + 1]?.atMs ?? Infinity)
    const concerned: Array<Sample> = []
    // A key that is asked for the last time within the span may answer after it.
    for (const sample of samples()) if (sample.kind === 0 && sample.endedMs > mark.atMs) concerned.push(sample)
    const within = concerned.filter(({ intendedMs }) => intendedMs < untilMs)
    const waits = [...Map.groupBy(concerned, ({ key }) => key).values()].map((ofKey) =>
      longestWait(ofKey, mark.atMs, untilMs)
    )
    return {
      ...mark,
      answeredAgainMs: waits.includes(null) ? null : Math.max(0, ...waits.map((ms) => ms ?? 0)),
      operations: within.length,
      failed: within.filter(({ outcome }) => isFailed(outcome)).length,
      worstSecondP99ms: Math.max(
        0,
        ...[...Map.groupBy(within, ({ intendedMs }) => Math.floor((intendedMs - mark.atMs) / 1000)).values()].map(p99)
      ),
      shardsMoved: owners.moved(mark.atMs, untilMs)
    }
  })
}

const p99 = (samples: ReadonlyArray<Sample>): number => {
  const latencies = new Latencies(2)
  for (const { endedMs, intendedMs, outcome } of samples) if (!isFailed(outcome)) latencies.record(endedMs - intendedMs)
  return latencies.at(99)
}

/** Over the operations of one key that began in the span: until the first answer to it or to a later one. */
const longestWait = (ofKey: ReadonlyArray<Sample>, fromMs: number, untilMs: number): number | null => {
  let longest = 0
  let answeredMs = Infinity
  for (const { endedMs, intendedMs, outcome } of ofKey.toSorted((a, b) => b.intendedMs - a.intendedMs)) {
    if (!isFailed(outcome)) answeredMs = Math.min(answeredMs, endedMs)
    if (intendedMs < untilMs) longest = Math.max(longest, answeredMs - Math.max(fromMs, intendedMs))
  }
  return longest === Infinity ? null : longest
}
