export interface Counted {
  readonly key: string
  /** At most `overcount` more than there were. */
  readonly count: number
  readonly overcount: number
}

export interface TopKeys {
  readonly add: (key: string) => void
  readonly top: (count: number) => ReadonlyArray<Counted>
}

/**
 * The most frequent keys of a stream in bounded memory (space-saving; Metwally, Agrawal, El Abbadi 2005): with `keysMax` counters
 * every key that makes up more than one in `keysMax` of the stream is there, and no count is too low.
 */
export const make = (keysMax: number): TopKeys => {
  const counts = new Map<string, { count: number; overcount: number }>()
  return {
    add: (key) => {
      const known = counts.get(key)
      if (known !== undefined) {
        known.count += 1
        return
      }
      if (counts.size < keysMax) {
        counts.set(key, { count: 1, overcount: 0 })
        return
      }
      let least: string | undefined
      let count = Number.POSITIVE_INFINITY
      for (const [other, has] of counts) if (has.count < count) [least, count] = [other, has.count]
      if (least !== undefined) counts.delete(least)
      counts.set(key, { count: count + 1, overcount: count })
    },
    top: (count) =>
      [...counts]
        .map(([key, has]) => ({ key, ...has }))
        .toSorted((one, other) => other.count - one.count)
        .slice(0, count)
  }
}
