import { describe, it } from "@effect/vitest"
import { Arbitrary, Schema } from "effect"
import { domains } from "../src/Domains.ts"
import { histories } from "../src/laws/RandomCommands.ts"
import { laws } from "./Laws.ts"

/** Milliseconds between two commands: mostly few, at times so many that whatever waits is due. */
const pauses = Arbitrary.schema(Schema.Literals([0, 1, 1_000, 100_000, 10_000_000_000]))

describe.each(domains.map((domain) => [domain.type, domain] as const))("%s", (_, domain) => {
  const steps = Arbitrary.map(
    Arbitrary.all([
      histories(domain.contract)({ minLength: 10, maxLength: 30 }, (index) => `c${index}`),
      Arbitrary.array(pauses, { minLength: 1 })
    ]),
    ([commands, pauses]) => {
      let now = 1_767_225_600_000
      return commands.map((command, index) => ({ command, now: (now += pauses[index % pauses.length]!) }))
    }
  )
  const keepsLaws = laws(domain, "eu_a")
  it.prop("keeps the laws of every domain, whatever is asked of it", [steps], ([steps]) => {
    keepsLaws(steps)
  })
})
