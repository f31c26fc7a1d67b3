import { Latencies } from "./Latencies.ts"
import type { Owners } from "../run/Owners.ts"
import { isFailed, type Sample } from "../workload/Samples.ts"

/** A disturbance as it happened. */
export interface Mark {
  readonly name: string
  readonly atMs: number
}

/** What a disturbance did to operations. */
export interface Impact extends Mark {
  /** The longest that anybody who asked for a key had to wait until that key answered somebody, of keys that did answer. */
  readonly answeredAgainMs: number
  /** Keys that were asked and had not answered by the end of the run. */
  readonly silentKeys: number
  readonly operations: number
  readonly failed: number
  readonly worstSecondP99ms: number
  readonly shardsMoved: number
}

/** A disturbance is answerable for so long, or until the next one. */
const spanMs = 20_000

/**
 * For each mark what came of the operations that were meant to begin after it or were under way. One that is still under way
 * at the next mark is that one's.
 */
export const impacts = (
  marks: ReadonlyArray<Mark>,
  samples: () => Iterable<Sample>,
  owners: Pick<Owners, "moved">
): ReadonlyArray<Impact> => {
  const inOrder = marks.toSorted((a, b) => a.atMs - b.atMs)
  return inOrder.map((mark, n) => {
    const nextMs = inOrder[n + 1]?.atMs ?? Infinity
    const untilMs = Math.min(mark.atMs + spanMs, nextMs)
    const later: Array<Sample> = []
    for (const sample of samples()) if (sample.kind === 0 && sample.endedMs > mark.atMs) later.push(sample)
    const isIts = ({ endedMs, intendedMs }: Sample) => intendedMs < untilMs && endedMs <= nextMs
    const within = later.filter(isIts)
    const waits = [...Map.groupBy(later, ({ key }) => key).values()].map((ofKey) =>
      longestWait(ofKey, mark.atMs, isIts)
    )
    return {
      ...mark,
      answeredAgainMs: Math.max(0, ...waits.filter((ms) => ms !== Infinity)),
      silentKeys: waits.filter((ms) => ms === Infinity).length,
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

/** Over the operations of one key that are the disturbance's: until the first answer to it or to a later one. */
const longestWait = (ofKey: ReadonlyArray<Sample>, fromMs: number, isIts: (sample: Sample) => boolean): number => {
  let longest = 0
  let answeredMs = Infinity
  for (const sample of ofKey.toSorted((a, b) => b.intendedMs - a.intendedMs)) {
    if (!isFailed(sample.outcome)) answeredMs = Math.min(answeredMs, sample.endedMs)
    if (isIts(sample)) longest = Math.max(longest, answeredMs - Math.max(fromMs, sample.intendedMs))
  }
  return longest
}
