import { regions, shardsPerRegion } from "@halles/shared/Region"
import { shardOf } from "@halles/shared/Shard"
import type { Key } from "../workload/Keys.ts"
import { Latencies, type Percentiles, percentiles } from "./Latencies.ts"
import type { Owners } from "../run/Owners.ts"
import { isFailed, type Sample } from "../workload/Samples.ts"

/** Operations of one shard, key, region or kind. Latency counts from when each was meant to begin, of those that did not fail. */
export interface Group extends Percentiles {
  readonly name: string
  readonly operations: number
  readonly failed: number
  /** By outcome, but for `ok`. */
  readonly codes: Readonly<Record<string, number>>
}

export interface Second extends Percentiles {
  /** From the first intended operation, warm-up included. */
  readonly second: number
  readonly operations: number
  readonly failed: number
}

export interface Analysis {
  readonly all: Group
  /** Operations that ended within the measured span, a second. */
  readonly perSecond: number
  readonly steps: ReadonlyArray<Group>
  readonly regions: ReadonlyArray<Group>
  readonly shards: ReadonlyArray<Group>
  /** The keys that were drawn most. */
  readonly keys: ReadonlyArray<Group & { readonly shard: string }>
  readonly runners: ReadonlyArray<Group>
  /** The busiest runner's operations over the mean of all. */
  readonly runnerImbalance: number
  readonly shardImbalance: number
  readonly seconds: ReadonlyArray<Second>
  /** Operations by shard and second, in the order of `shards`. */
  readonly heat: ReadonlyArray<Uint32Array>
  /** Logarithmic steps from `fromMs`, and how many operations fell in each. */
  readonly histogram: ReadonlyArray<{ readonly fromMs: number; readonly toMs: number; readonly operations: number }>
  /** Between when an operation was meant to begin and when it did. */
  readonly lag: Percentiles
  readonly refused: number
}

class Tally {
  operations = 0
  failed = 0
  readonly codes: Record<string, number> = {}
  readonly latencies: Latencies
  constructor(digits: 2 | 3 = 2) {
    this.latencies = new Latencies(digits)
  }
  add({ endedMs, intendedMs, outcome }: Sample): void {
    this.operations += 1
    if (outcome !== "ok") this.codes[outcome] = (this.codes[outcome] ?? 0) + 1
    if (isFailed(outcome)) this.failed += 1
    else this.latencies.record(endedMs - intendedMs)
  }
  group(name: string): Group {
    const { codes, failed, latencies, operations } = this
    return { name, operations, failed, codes, ...percentiles(latencies) }
  }
}

const topKeys = 20
/** Steps of the histogram from one power of two to the next. */
const stepsOfDouble = 4

const shardNames = regions.flatMap((region) => Array.from({ length: shardsPerRegion }, (_, n) => `${region}/${n + 1}`))

/** Largest over mean; 1 of nothing. */
export const imbalance = (counts: ReadonlyArray<number>): number => {
  const sum = counts.reduce((total, count) => total + count, 0)
  return sum === 0 ? 1 : (Math.max(...counts) * counts.length) / sum
}

export interface Options {
  readonly samples: () => Iterable<Sample>
  readonly keys: ReadonlyArray<Key>
  /** The entity of each key, which says its shard. */
  readonly entityOf: (key: number) => string
  readonly steps: ReadonlyArray<string>
  readonly startMs: number
  /** What was meant to begin in this span counts. */
  readonly fromMs: number
  readonly toMs: number
  readonly owners: Owners
}

export const analyse = (options: Options): Analysis => {
  const { entityOf, fromMs, keys, owners, samples, startMs, steps, toMs } = options
  const shardOfKey = keys.map(
    ({ region }, key) => regions.indexOf(region) * shardsPerRegion + shardOf(entityOf(key)) - 1
  )
  const drawn = new Uint32Array(keys.length)
  const all = new Tally(3)
  const ofStep = steps.map(() => new Tally())
  const ofRegion = regions.map(() => new Tally())
  const ofShard = new Map<number, Tally>()
  const ofRunner = new Map<string, Tally>()
  const ofSecond: Array<Tally> = Array.from({ length: Math.ceil((toMs - startMs) / 1000) }, () => new Tally())
  const heat = shardNames.map(() => new Uint32Array(ofSecond.length))
  const lag = new Latencies()
  const bars = new Map<number, number>()
  let ended = 0

  for (const sample of samples()) {
    const { endedMs, intendedMs, key, kind, outcome, startedMs } = sample
    const counts = intendedMs >= fromMs && intendedMs < toMs
    if (kind > 0) {
      if (counts) ofStep[kind - 1]!.add(sample)
      continue
    }
    const shard = shardOfKey[key]!
    const second = Math.floor((intendedMs - startMs) / 1000)
    ofSecond[second]?.add(sample)
    if (ofSecond[second] !== undefined) heat[shard]![second]! += 1
    if (endedMs >= fromMs && endedMs < toMs && !isFailed(outcome)) ended += 1
    if (!counts) continue
    drawn[key]! += 1
    all.add(sample)
    ofRegion[Math.floor(shard / shardsPerRegion)]!.add(sample)
    tallyOf(ofShard, shard).add(sample)
    const owner = owners.at(shardNames[shard]!, endedMs)
    if (owner !== null) tallyOf(ofRunner, owner).add(sample)
    lag.record(startedMs - intendedMs)
    if (!isFailed(outcome)) {
      const bar = Math.floor(Math.log2(Math.max(0.001, endedMs - intendedMs)) * stepsOfDouble)
      bars.set(bar, (bars.get(bar) ?? 0) + 1)
    }
  }

  const runners = owners.runners.map((name) => (ofRunner.get(name) ?? new Tally()).group(name))
  const used = [...ofShard.keys()].toSorted((a, b) => a - b)
  return {
    all: all.group("all"),
    perSecond: ended / ((toMs - fromMs) / 1000),
    steps: ofStep.map((tally, n) => tally.group(steps[n]!)),
    regions: ofRegion.map((tally, n) => tally.group(regions[n]!)),
    shards: used.map((shard) => ofShard.get(shard)!.group(shardNames[shard]!)),
    keys: hottest(options, drawn).map((group) => ({ ...group, shard: shardNames[shardOfKey[group.key]!]! })),
    runners,
    runnerImbalance: imbalance(runners.map(({ operations }) => operations)),
    shardImbalance: imbalance(shardNames.map((_, shard) => ofShard.get(shard)?.operations ?? 0)),
    seconds: ofSecond.map((tally, second) => {
      const { failed, operations, ...rest } = tally.group("")
      const { maxMs, p50ms, p95ms, p99ms } = rest
      return { second, operations, failed, p50ms, p95ms, p99ms, maxMs }
    }),
    heat: used.map((shard) => heat[shard]!),
    histogram: histogramOf(bars),
    lag: percentiles(lag),
    refused: Object.entries(all.codes).reduce((sum, [code, n]) => (isFailed(code) ? sum : sum + n), 0)
  }
}

const tallyOf = <K>(tallies: Map<K, Tally>, key: K): Tally => {
  const found = tallies.get(key) ?? new Tally()
  tallies.set(key, found)
  return found
}

/** The keys that were drawn most, looked at a second time: to keep a histogram of every key would take too much. */
const hottest = ({ entityOf, fromMs, samples, toMs }: Options, drawn: Uint32Array) => {
  const top = [...drawn.keys()]
    .filter((key) => drawn[key]! > 0)
    .toSorted((a, b) => drawn[b]! - drawn[a]!)
    .slice(0, topKeys)
  const tallies = new Map(top.map((key) => [key, new Tally()]))
  for (const sample of samples()) {
    if (sample.kind === 0 && sample.intendedMs >= fromMs && sample.intendedMs < toMs)
      tallies.get(sample.key)?.add(sample)
  }
  return top.map((key) => ({ key, ...tallies.get(key)!.group(entityOf(key)) }))
}

const edge = (bar: number): number => 2 ** (bar / stepsOfDouble)
const histogramOf = (bars: ReadonlyMap<number, number>): Analysis["histogram"] => {
  if (bars.size === 0) return []
  const first = Math.min(...bars.keys())
  const last = Math.max(...bars.keys())
  return Array.from({ length: last - first + 1 }, (_, n) => ({
    fromMs: edge(first + n),
    toMs: edge(first + n + 1),
    operations: bars.get(first + n) ?? 0
  }))
}
