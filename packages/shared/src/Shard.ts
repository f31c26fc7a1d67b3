import type { ShardId } from "effect/cluster"
import { type Region, regions, shardsPerRegion } from "./Region.ts"

/**
 * Each shard is a shard group of its own, `eu/17`, with one shard in it. Effect's ring spreads the shards of a group over
 * the runners of that group; a group of one shard with one runner leaves the ring no choice, so that `Placement` decides.
 */
const groups = new Map<string, ReadonlyArray<string>>(
  regions.map((region) => [region, Array.from({ length: shardsPerRegion }, (_, index) => `${region}/${index + 1}`)])
)

/** Every group of the cluster. */
export const allGroups: ReadonlyArray<string> = [...groups.values()].flat()

export const groupsOf = (region: Region): ReadonlyArray<string> => groups.get(region) ?? []

export const groupOf = (region: Region, shard: number): string => `${region}/${shard}`

/** The shard of an entity, from its id and nothing else: 1 to `shardsPerRegion`. */
export const shardOf = (entityId: string): number => {
  let hash = 5381
  for (let at = entityId.length - 1; at >= 0; at--) hash = (hash * 33) ^ entityId.charCodeAt(at)
  return (Math.abs((hash & 0xbfffffff) | ((hash >>> 1) & 0x40000000)) % shardsPerRegion) + 1
}

/** The group of an entity, for `ClusterSchema.ShardGroup`. An id that names no region is in a group that nobody serves. */
export const group = (entityId: string): string =>
  groups.get(entityId.slice(0, 2))?.[shardOf(entityId) - 1] ?? "nowhere"

/** The number of a shard within its region. Where nothing is placed, a simulation for one, `eu` may be one group of many. */
export const numberOf = ({ group: name, id }: ShardId.ShardId): number =>
  name.length === 2 ? id : Number(name.slice(3))

export const isOf = (region: Region, { group: name }: ShardId.ShardId): boolean => name.slice(0, 2) === region
