import { assert, describe, it } from "@effect/vitest"
import { mutated } from "../src/mutants/Mutation.ts"
import { mutants } from "../src/mutants/MutantList.ts"

describe("the list of mutants", () => {
  it("fits the source: what each replaces is there exactly once", () => {
    for (const mutant of mutants) assert.notStrictEqual(mutated(mutant), "", mutant.name)
  })

  it("has no name twice", () => {
    assert.strictEqual(new Set(mutants.map(({ name }) => name)).size, mutants.length)
  })

  it("refuses one that has rotted", () => {
    const [first] = mutants
    assert.throws(() => mutated({ ...first!, find: "no such text" }), /0 times/)
    assert.throws(() => mutated({ ...first!, find: "const " }), /not once/)
  })
})
