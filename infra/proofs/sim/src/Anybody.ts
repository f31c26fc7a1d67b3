import { domains } from "@halles/entities/Domains"
import { histories } from "@halles/entities/laws/RandomCommands"
import type { CommandId } from "@halles/shared/Ids"
import { Arbitrary, Effect } from "effect"
import type { World } from "./World.ts"

/** The domains whose manifest names commands that may come from anybody. */
const open = domains
  .filter(({ anytime }) => anytime.length > 0)
  .map(({ anytime, contract }) => ({ contract, history: histories(contract, anytime) }))

/** A few commands to one entity that no shopper knows, of each domain that this world's chance picks. */
export const visits = (world: World, commandId: () => CommandId) =>
  open
    .filter(() => world.chance(0.15))
    .map(({ contract, history }) => {
      const random = history({ minLength: 1, maxLength: 6 }, commandId)
      const seed = world.draw(2 ** 31)
      const [commands = []] = Effect.runSync(Arbitrary.sampleEffect(random, { count: 1, seed }))
      return { contract, id: `eu_any${world.draw(2)}`, commands }
    })
