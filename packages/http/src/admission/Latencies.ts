/** Buckets that grow by a tenth each, from 0.1 ms to about two minutes: a quantile is at most a tenth too high. */
const growth = 1.1
const firstMs = 0.1
const buckets = 148

export interface Latencies {
  readonly add: (ms: number) => void
  /** Upper bound of the bucket in which the quantile lies, in milliseconds; 0 of nothing. */
  readonly quantile: (share: number) => number
}

export const make = (): Latencies => {
  const counts = new Uint32Array(buckets)
  let total = 0
  return {
    add: (ms) => {
      const bucket = ms <= firstMs ? 0 : Math.ceil(Math.log(ms / firstMs) / Math.log(growth))
      const index = Math.min(buckets - 1, bucket)
      counts[index] = (counts[index] ?? 0) + 1
      total += 1
    },
    quantile: (share) => {
      let left = Math.ceil(total * share)
      if (left === 0) return 0
      for (const [index, count] of counts.entries()) {
        left -= count
        if (left <= 0) return firstMs * growth ** index
      }
      return firstMs * growth ** (buckets - 1)
    }
  }
}
