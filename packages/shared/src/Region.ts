import { Schema } from "effect"

/** `eu` Europe, `am` Americas, `ap` Asia-Pacific. A region owns shards, a database and an event stream. */
export const Region = Schema.Literals(["eu", "am", "ap"])
export type Region = typeof Region.Type

export const regions: ReadonlyArray<Region> = Region.literals

/** Shards in the group of one region. Changing it moves every entity, so it is fixed for the life of a cluster. */
export const shardsPerRegion = 64

/** Where an entity lives, read from its id and nothing else: `eu_7f3a` lives in `eu`. */
export const regionOf = (entityId: string): Region => entityId.slice(0, 2) as Region
