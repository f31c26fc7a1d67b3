import * as RegionTables from "@halles/engine/RegionTables"
import { Layer } from "effect"

/** The engine's tables in a region's database, without any domain's. */
export const layer = Layer.effectDiscard(RegionTables.create(["Hot"]))
