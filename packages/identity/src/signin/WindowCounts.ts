/** What counts within windows of so many milliseconds, and the keys that it knows at a time. */
export interface Options {
  readonly points: number
  readonly windowMs: number
  readonly keysMax: number
}

export interface Verdict {
  readonly allowed: boolean
  /** Until the key's window ends. */
  readonly waitMs: number
}

/** Tries of each key, in this process's memory. */
export interface WindowCounts {
  readonly take: (key: string, nowMs: number) => Verdict
  /** One try is not counted after all. */
  readonly giveBack: (key: string) => void
  readonly reset: (key: string) => void
}

/**
 * Counts up to `points` tries of a key, from its first one on until its window ends.
 *
 * **Details**
 *
 * At the bound the key with the fewest tries makes place, and what it had is not forgotten: until its window would have ended,
 * whoever is new is counted as often as it was. So whoever brings many keys wins no try with any of them: in no span of `windowMs`
 * has one key more than twice `points`, as with windows that are never forgotten. What he can do is have others counted more
 * strictly, for one window after he stops.
 */
export const make = ({ keysMax, points, windowMs }: Options): WindowCounts => {
  const countOf = new Map<string, number>()
  /** By count, the keys that have it and when their windows end. One count more than `points` stands for all above. */
  const levels = Array.from({ length: points + 2 }, () => new Map<string, number>())
  let forgotten = { count: 0, endsAtMs: 0 }

  const remove = (key: string): { readonly count: number; readonly endsAtMs: number } | undefined => {
    const count = countOf.get(key)
    const endsAtMs = count === undefined ? undefined : levels[count]?.get(key)
    if (count === undefined || endsAtMs === undefined) return undefined
    countOf.delete(key)
    levels[count]?.delete(key)
    return { count, endsAtMs }
  }
  const put = (key: string, count: number, endsAtMs: number) => {
    countOf.set(key, count)
    levels[count]?.set(key, endsAtMs)
  }
  const makePlace = (nowMs: number) => {
    let fewest: string | undefined
    for (const level of levels) {
      const [oldest] = level
      if (oldest === undefined) continue
      if (oldest[1] <= nowMs) return void remove(oldest[0])
      fewest ??= oldest[0]
    }
    const gone = fewest === undefined ? undefined : remove(fewest)
    if (gone === undefined) return
    const before = forgotten.endsAtMs > nowMs ? forgotten : gone
    forgotten = {
      count: Math.max(before.count, gone.count),
      endsAtMs: Math.max(before.endsAtMs, gone.endsAtMs)
    }
  }

  return {
    take: (key, nowMs) => {
      const known = remove(key)
      const current =
        known !== undefined && known.endsAtMs > nowMs
          ? known
          : { count: forgotten.endsAtMs > nowMs ? forgotten.count : 0, endsAtMs: nowMs + windowMs }
      if (countOf.size >= keysMax) makePlace(nowMs)
      const count = Math.min(points + 1, current.count + 1)
      put(key, count, current.endsAtMs)
      return { allowed: count <= points, waitMs: current.endsAtMs - nowMs }
    },
    giveBack: (key) => {
      const known = remove(key)
      if (known !== undefined && known.count > 1) put(key, known.count - 1, known.endsAtMs)
    },
    reset: (key) => void remove(key)
  }
}
