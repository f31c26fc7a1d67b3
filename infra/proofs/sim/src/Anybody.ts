import { openDomains } from "@halles/harness/Anytime"
import type { CommandId } from "@halles/shared/Ids"
import type { World } from "./World.ts"

/** A few commands to one entity that no shopper knows, of each domain that this world's chance picks. */
export const visits = (world: World, commandId: () => CommandId) =>
  openDomains
    .filter(() => world.chance(0.15))
    .map(({ commands, contract, type }) => {
      const some = commands(world.draw(2 ** 31), commandId)
      // A SKU asks the product of its id: no product and no SKU have the same.
      return { contract, id: `eu_any${type.toLowerCase()}${world.draw(2)}`, commands: some }
    })
