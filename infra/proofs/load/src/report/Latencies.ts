import { build, type Histogram } from "hdr-histogram-js"

/** Longer ones are counted as this. */
const microsMax = 120_000_000

/** An HDR histogram of milliseconds, exact to so many digits from a microsecond up to two minutes. */
export class Latencies {
  readonly #histogram: Histogram

  constructor(digits: 2 | 3 = 3) {
    this.#histogram = build({
      bitBucketSize: 32,
      autoResize: false,
      lowestDiscernibleValue: 1,
      highestTrackableValue: microsMax,
      numberOfSignificantValueDigits: digits
    })
  }

  record(ms: number): void {
    this.#histogram.recordValue(Math.min(microsMax, Math.max(1, Math.round(ms * 1000))))
  }

  get count(): number {
    return this.#histogram.totalCount
  }

  /** Milliseconds; 0 of none. */
  at(percentile: number): number {
    if (this.count === 0) return 0
    // The top of the value's bucket, which may lie above the largest value that was recorded.
    return Math.min(this.#histogram.getValueAtPercentile(percentile), this.#histogram.maxValue) / 1000
  }

  get max(): number {
    return this.count === 0 ? 0 : this.#histogram.maxValue / 1000
  }
}

export interface Percentiles {
  readonly p50ms: number
  readonly p95ms: number
  readonly p99ms: number
  readonly maxMs: number
}

export const percentiles = (latencies: Latencies): Percentiles => ({
  p50ms: latencies.at(50),
  p95ms: latencies.at(95),
  p99ms: latencies.at(99),
  maxMs: latencies.max
})
