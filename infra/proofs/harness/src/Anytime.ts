import { domains } from "@halles/entities/Domains"
import { histories } from "@halles/entities/laws/RandomCommands"
import { Arbitrary, Effect } from "effect"

/** The domains whose manifest names commands that may come from anybody at any time, and a few such commands to one entity. */
export const openDomains = domains
  .filter(({ anytime }) => anytime.length > 0)
  .map(({ anytime, contract, type }) => {
    const history = histories(contract, anytime)
    return {
      type,
      contract,
      /** The same for the same seed. */
      commands: (seed: number, nameOf: (index: number) => string) => {
        const random = history({ minLength: 1, maxLength: 6 }, nameOf)
        const [commands = []] = Effect.runSync(Arbitrary.sampleEffect(random, { count: 1, seed }))
        return commands
      }
    }
  })
