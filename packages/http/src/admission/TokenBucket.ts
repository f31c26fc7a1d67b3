/** `capacity` tokens at once, and as many again every `windowMs`. A whole number of tokens; at most 1,000,000. */
export interface Quota {
  readonly name: string
  readonly capacity: number
  readonly windowMs: number
}

/** One bucket that a request takes from. */
export interface Ask {
  readonly key: string
  readonly quota: Quota
  /** At most the quota's capacity: more could never be granted. */
  readonly cost: number
}

/** What the buckets said: all gave, or none did. */
export interface Verdict {
  readonly allowed: boolean
  /** Which ask has least left; of a refusal, the one that refused. */
  readonly tightest: number
  /** Whole tokens left in that bucket. */
  readonly remaining: number
  /** Until the refused cost would be there; of a grant, until that bucket is full again. */
  readonly waitMicros: number
}

/** Rounded up, so that a bucket fills at its rate or more slowly. */
export const microsPerToken = ({ capacity, windowMs }: Quota): number => Math.ceil((windowMs * 1_000) / capacity)

/**
 * Token buckets kept as one number each: the moment at which the bucket will be full (the theoretical arrival time of
 * GCRA, ITU-T I.371). A bucket of `capacity` that is full at `t` holds `capacity - (t - now) / microsPerToken` tokens. In no
 * span of time does a bucket give more than its capacity and what flows in meanwhile. All times are whole microseconds.
 *
 * `fullAt` reads a bucket, `undefined` being a full one; `set` is called for all of the asks, or none.
 */
export const take = (
  asks: ReadonlyArray<Ask>,
  nowMicros: number,
  fullAt: (key: string) => number | undefined,
  set: (key: string, fullAtMicros: number) => void
): Verdict => {
  const later: Array<number> = []
  let tightest = 0
  let remaining = Number.POSITIVE_INFINITY
  let waitMicros = 0
  for (const [index, { cost, key, quota }] of asks.entries()) {
    const perToken = microsPerToken(quota)
    const next = Math.max(fullAt(key) ?? 0, nowMicros) + cost * perToken
    const left = quota.capacity * perToken - (next - nowMicros)
    if (left < 0) {
      return {
        allowed: false,
        tightest: index,
        remaining: Math.floor((left + cost * perToken) / perToken),
        waitMicros: -left
      }
    }
    later.push(next)
    const tokens = Math.floor(left / perToken)
    if (tokens < remaining) {
      tightest = index
      remaining = tokens
      waitMicros = next - nowMicros
    }
  }
  for (const [index, { key }] of asks.entries()) set(key, later[index] ?? 0)
  return { allowed: true, tightest, remaining, waitMicros }
}
