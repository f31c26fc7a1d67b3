import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import type { Mutant } from "../src/mutants/Mutant.ts"
import * as Pool from "../src/Pool.ts"

/** The list of domains with a toy in front. */
const withToy = (isSound: boolean): Mutant => ({
  name: "a toy among the domains",
  file: "packages/entities/src/Domains.ts",
  find: "export const domains = [",
  replace: `import { toy } from "../../../infra/proofs/sim/test/Toy.ts"\nexport const domains = [toy(${isSound}), `,
  caughtBy: "sim"
})
const violations = (isSound: boolean) =>
  Effect.map(
    Pool.run({ seeds: [{ from: 1, to: 20 }], workers: 1, mutant: withToy(isSound), stops: false, sums: Pool.none() }),
    (outcomes) => outcomes.flatMap((outcome) => outcome.violations)
  )

describe("a domain that lets anybody send something", () => {
  it.live(
    "is played, and held to the laws of all domains",
    () =>
      Effect.gen(function* () {
        assert.deepStrictEqual(yield* violations(true), [])
        const found = yield* violations(false)
        assert.isTrue(found.some((violation) => violation.startsWith("Toy/eu_any")))
      }),
    120_000
  )
})
