/** Which runner each shard of a region is placed on; `null` for none. */
export type Places = ReadonlyMap<number, string | null>

export interface Move {
  readonly shard: number
  /** `null`: nobody has it, so that there is nothing to hand over. */
  readonly from: string | null
  readonly to: string
}

/**
 * The fewest moves after which every shard is on an eligible runner and no two of those differ by more than one shard.
 * The same for the same arguments. None if nobody is eligible.
 */
export const balance = (places: Places, eligible: ReadonlyArray<string>): ReadonlyArray<Move> => {
  if (eligible.length === 0) return []
  const owned = new Map<string, Array<number>>(eligible.map((runner) => [runner, []]))
  const homeless: Array<number> = []
  for (const [shard, runner] of [...places].toSorted(([a], [b]) => a - b)) {
    const shards = runner === null ? undefined : owned.get(runner)
    ;(shards ?? homeless).push(shard)
  }
  // Those who have most keep the odd ones, so that nothing moves for the sake of order.
  const byLoad = [...owned].toSorted(([a, as], [b, bs]) => bs.length - as.length || (a < b ? -1 : 1))
  const share = Math.floor(places.size / eligible.length)
  const odd = places.size % eligible.length
  const shareOf = (rank: number) => share + (rank < odd ? 1 : 0)
  const free = [...homeless, ...byLoad.flatMap(([, shards], rank) => shards.slice(shareOf(rank)))]
  return byLoad.flatMap(([to, shards], rank) =>
    free
      .splice(0, Math.max(0, shareOf(rank) - shards.length))
      .map((shard) => ({ shard, from: places.get(shard) ?? null, to }))
  )
}

/** Gives the shards that nobody has, or that one who is gone had, to the eligible that have least; moves no other. */
export const rescue = (
  places: Places,
  gone: ReadonlyArray<string>,
  eligible: ReadonlyArray<string>
): ReadonlyArray<Move> => {
  const load = new Map(eligible.map((runner) => [runner, 0]))
  for (const runner of places.values()) {
    if (runner !== null && load.has(runner)) load.set(runner, load.get(runner)! + 1)
  }
  const homeless = [...places].filter(([, runner]) => runner === null || gone.includes(runner))
  return homeless
    .toSorted(([a], [b]) => a - b)
    .flatMap(([shard, from]) => {
      const [least] = [...load].toSorted(([a, as], [b, bs]) => as - bs || (a < b ? -1 : 1))
      if (least === undefined) return []
      const [to, count] = least
      load.set(to, count + 1)
      return [{ shard, from, to }]
    })
}
