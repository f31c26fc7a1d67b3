import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { difference } from "@halles/entities/Inspector/Difference"
import { masked } from "@halles/entities/Inspector/Masked"
import { table } from "../src/inspector/Output.ts"
import { BadExpression, where } from "@halles/entities/Inspector/Where"

const json = fc.jsonValue({ maxDepth: 4 })

/** Puts what `difference` found back, member by member. */
const patched = (value: unknown, changes: ReturnType<typeof difference>): unknown => {
  const copy = { root: structuredClone(value) } as Record<string, unknown>
  for (const { after, path } of changes) {
    const keys = ["root", ...(path === "" ? [] : path.split("."))]
    const last = keys.pop()!
    let node = copy
    for (const key of keys) node = node[key] as Record<string, unknown>
    node[last] = after
  }
  return copy["root"]
}

describe("difference", () => {
  it("of a value to itself is nothing", () => {
    fc.assert(fc.property(json, (value) => difference(value, structuredClone(value)).length === 0))
  })

  it("leads from one value to the other", () => {
    const state = fc.record({ a: fc.integer(), b: fc.record({ c: fc.string(), d: fc.boolean() }), e: fc.constant("x") })
    fc.assert(
      fc.property(state, state, (before, after) => {
        assert.deepStrictEqual(patched(before, difference(before, after)), after)
      })
    )
  })
})

describe("masked", () => {
  it("shows no personal text, wherever it stands, and changes nothing else", () => {
    const person = fc.record({
      email: fc.emailAddress(),
      name: fc.string({ minLength: 2 }),
      country: fc.constant("GB")
    })
    fc.assert(
      fc.property(person, fc.integer(), (person, total) => {
        const shown = masked({ total, buyer: [{ address: person }] })
        const text = JSON.stringify(shown)
        assert.notInclude(text, JSON.stringify(person.email))
        assert.deepInclude(shown as object, { total })
        assert.include(text, '"country":"GB"')
      })
    )
  })
})

describe("where", () => {
  const order = { status: "confirmed", totals: { total: 1200 }, lines: [{ sku: "TEA" }, { sku: "MUG" }] }

  it("holds what all of its conditions hold", () => {
    for (const [expression, holds] of [
      ["status=confirmed", true],
      ["status != confirmed", false],
      ["totals.total>1000 and lines.*.sku=MUG", true],
      ["totals.total>1000 and lines.*.sku=POT", false],
      ["totals.total<=1200", true],
      ["status~CONF", true],
      ["nothing.here=1", false]
    ] as const) {
      assert.strictEqual(where(expression)(order), holds, expression)
    }
  })

  it("refuses what is no condition, and says so", () => {
    for (const expression of ["", "status", "and", "status=a and "]) {
      assert.throws(() => where(expression), BadExpression as never, undefined, expression)
    }
  })
})

it("a table has a line an item, and no cell breaks it", () => {
  const items = fc.array(fc.record({ a: fc.string(), b: fc.integer() }), { minLength: 1, maxLength: 20 })
  fc.assert(fc.property(items, (items) => table(items, ["a", "b"]).split("\n").length === items.length + 1))
})
