/**
 * What came of one operation or one of its steps: `ok`; `refused:<code>`, a right answer that says no (sold out); or
 * `failed:<code>`, no answer or one that leaves open what happened.
 */
export type Outcome = "ok" | `refused:${string}` | `failed:${string}`

export const isFailed = (outcome: string): boolean => outcome.startsWith("failed:")

/** Times are milliseconds of the monotonic clock that all threads of the process share. */
export interface Sample {
  /** 0 is a whole operation, others are steps of it. */
  readonly kind: number
  /** Index of the key that it was about. */
  readonly key: number
  /** When it was meant to begin; latency counts from here. */
  readonly intendedMs: number
  readonly startedMs: number
  readonly endedMs: number
  readonly outcome: Outcome
}

/** Samples as columns: what one thread hands to another. */
export interface Batch {
  readonly kinds: Uint8Array
  readonly keys: Uint32Array
  readonly times: Float64Array
  /** Index into `names`. */
  readonly outcomes: Uint8Array
  readonly names: ReadonlyArray<string>
}

/** A run that makes more samples than this ends: they are kept to be looked at from all sides. */
export const samplesMax = 8_000_000

export const batchOf = (samples: ReadonlyArray<Sample>): Batch => {
  const names = [...new Set(samples.map(({ outcome }) => outcome))]
  const indexOf = new Map(names.map((name, index) => [name, index]))
  const times = new Float64Array(samples.length * 3)
  samples.forEach(({ endedMs, intendedMs, startedMs }, n) => times.set([intendedMs, startedMs, endedMs], n * 3))
  return {
    kinds: Uint8Array.from(samples, ({ kind }) => kind),
    keys: Uint32Array.from(samples, ({ key }) => key),
    times,
    outcomes: Uint8Array.from(samples, ({ outcome }) => indexOf.get(outcome) ?? 0),
    names
  }
}

export function* samplesOf(batches: Iterable<Batch>): Generator<Sample, void> {
  for (const { keys, kinds, names, outcomes, times } of batches) {
    for (let n = 0; n < kinds.length; n++) {
      yield {
        kind: kinds[n]!,
        key: keys[n]!,
        intendedMs: times[n * 3]!,
        startedMs: times[n * 3 + 1]!,
        endedMs: times[n * 3 + 2]!,
        outcome: names[outcomes[n]!] as Outcome
      }
    }
  }
}
