/** Which runner each shard of a region is placed on; `null` for none. */
export type Places = ReadonlyMap<number, string | null>

export interface Move {
  readonly shard: number
  /** `null`: nobody has it, so that there is nothing to hand over. */
  readonly from: string | null
  readonly to: string
}

/** The runner that an operator gave a shard to. */
export type Pins = ReadonlyMap<number, string>
const noPins: Pins = new Map()

/**
 * The fewest moves after which every shard is on an eligible runner, pinned ones on theirs, and no two of those differ by
 * more than one shard that need not. Pinned ones come first. The same for the same arguments. None if nobody is eligible.
 */
export const balance = (places: Places, eligible: ReadonlyArray<string>, pins: Pins = noPins): ReadonlyArray<Move> => {
  if (eligible.length === 0) return []
  const owned = new Map<string, Array<number>>(eligible.map((runner) => [runner, []]))
  const load = new Map<string, number>(eligible.map((runner) => [runner, 0]))
  const homeless: Array<number> = []
  const wished: Array<Move> = []
  for (const [shard, runner] of [...places].toSorted(([a], [b]) => a - b)) {
    const pin = pins.get(shard)
    const pinned = pin === undefined ? undefined : load.get(pin)
    if (pin !== undefined && pinned !== undefined) {
      load.set(pin, pinned + 1)
      if (runner !== pin) wished.push({ shard, from: runner, to: pin })
      continue
    }
    const shards = runner === null ? undefined : owned.get(runner)
    ;(shards ?? homeless).push(shard)
  }
  // Those who have most keep the odd ones, so that nothing moves for the sake of order.
  const has = (runner: string) => owned.get(runner)!.length + load.get(runner)!
  const byLoad = [...owned].toSorted(([a], [b]) => has(b) - has(a) || (a < b ? -1 : 1))
  const shares = new Map<string, number>(eligible.map((runner) => [runner, 0]))
  const movable = homeless.length + byLoad.reduce((sum, [, shards]) => sum + shards.length, 0)
  for (let given = 0; given < movable; given++) {
    const [least] = byLoad.reduce((a, b) => (load.get(b[0])! < load.get(a[0])! ? b : a))
    load.set(least, load.get(least)! + 1)
    shares.set(least, shares.get(least)! + 1)
  }
  const free = [...homeless, ...byLoad.flatMap(([runner, shards]) => shards.slice(shares.get(runner)))]
  const spread = byLoad.flatMap(([to, shards]) =>
    free
      .splice(0, Math.max(0, shares.get(to)! - shards.length))
      .map((shard) => ({ shard, from: places.get(shard) ?? null, to }))
  )
  return [...wished, ...spread]
}

/** Gives the shards that nobody has, or that one who is gone had, to the eligible that have least; moves no other. */
export const rescue = (
  places: Places,
  gone: ReadonlyArray<string>,
  eligible: ReadonlyArray<string>,
  pins: Pins = noPins
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
      const pin = pins.get(shard)
      const to = pin !== undefined && load.has(pin) ? pin : least[0]
      load.set(to, load.get(to)! + 1)
      return [{ shard, from, to }]
    })
}
