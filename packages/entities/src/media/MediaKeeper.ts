import type { Region } from "@halles/shared/Region"
import { Effect } from "effect"
import * as MediaArrivals from "./MediaArrivals.ts"
import * as MediaErasure from "./MediaErasure.ts"
import * as MediaNews from "./MediaNews.ts"
import * as MediaRemoval from "./MediaRemoval.ts"
import * as MediaUses from "./MediaUses.ts"

/** What one runner of each region does beside the entities: settles uploads in pieces, drops content of what was removed, erases what the forgotten owned, tells media who shows them. */
export const run = (region: Region) =>
  Effect.scoped(
    Effect.flatMap(MediaNews.open(region), (news) =>
      Effect.all(
        [
          MediaRemoval.run(region, news),
          MediaArrivals.run(region, news),
          MediaErasure.run(region),
          MediaUses.run(region)
        ],
        { concurrency: "unbounded", discard: true }
      )
    )
  )
