import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit } from "effect"
import * as fc from "fast-check"
import { difference } from "@halles/entities/inspector/Difference"
import { table } from "../src/inspector/Output.ts"
import { looking } from "../src/inspector/SqlCommand.ts"
import { BadExpression, where } from "@halles/entities/inspector/Where"

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

const tried = (typed: string) => Effect.runSync(Effect.exit(looking(typed)))

describe("what halles sql runs", () => {
  it("is one statement that looks", () => {
    for (const typed of ["SELECT 1", " select 1;", "WITH a AS (SELECT 1) TABLE a", "TABLE journal", "VALUES (1)"]) {
      const exit = tried(typed)
      assert.include(Exit.isSuccess(exit) ? exit.value : "", "LIMIT 1000", typed)
    }
    for (const typed of ["EXPLAIN SELECT 1", "SHOW lock_timeout"]) assert.isTrue(Exit.isSuccess(tried(typed)), typed)
    const others =
      "INSERT UPDATE DELETE TRUNCATE DROP ALTER CREATE GRANT COPY DO CALL SET RESET LOCK LISTEN NOTIFY BEGIN COMMIT VACUUM".split(
        " "
      )
    for (const word of [
      ...others,
      "",
      "selectx",
      "-- a\nDROP",
      `SELECT '${"x".repeat(10_001)}'`,
      `SELECT '${"\u0001".repeat(2_000)}'`
    ]) {
      assert.isTrue(Exit.isFailure(tried(`${word} anything`)), word)
    }
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
