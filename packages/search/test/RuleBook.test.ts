import { assert, describe, it } from "@effect/vitest"
import type { Description } from "@halles/entities/searchrule/SearchRule"
import { SkuCode } from "@halles/shared/Ids"
import { RuleBook } from "@halles/search/rules/RuleBook"
import type { Language } from "@halles/search/index/Language"
import type { Query } from "@halles/search/index/SearchIndex"
import { Schema } from "effect"
import { indexOf, product, query, ruleRow } from "./Sample.ts"

const index = indexOf(
  product("eu_1", "Leather sofa", { attributes: { colour: ["black"] } }),
  product("eu_2", "Corner couch", { attributes: { colour: ["grey"] } }),
  product("eu_3", "Television set with remote", { price: 5_000 }),
  product("eu_4", "TV stand, oak"),
  product("eu_5", "Sofa bed", { attributes: { colour: ["grey"] } })
)
const book = (...rules: ReadonlyArray<readonly [code: string, description: Omit<Description, "title">]>) => {
  const made = new RuleBook()
  for (const [code, description] of rules) made.put(ruleRow(code, description))
  return made
}
const asked = { language: "en", channel: null, now: 1_000 } as const
const search = (rules: RuleBook, text: string, more: Partial<Query> & { readonly language?: Language } = {}) =>
  index.search(query(text, { applied: rules.for({ ...asked, text, ...more }), ...more }))
const ids = (rules: RuleBook, text: string, more: Partial<Query> = {}) =>
  search(rules, text, more).hits.map(({ document }) => document.id)
const skus = (...codes: ReadonlyArray<string>) => codes.map((code) => SkuCode.make(code))

describe("RuleBook", () => {
  it("synonyms find each other, of one word or several, in the languages that they are for", () => {
    const rules = book(
      ["sofa", { effect: { kind: "synonyms", terms: ["sofa", "couch"] } }],
      ["tv", { effect: { kind: "synonyms", terms: ["TV", "television sets"] }, language: "en-GB" }]
    )
    assert.sameMembers(ids(rules, "sofas"), ["eu_1", "eu_2", "eu_5"])
    assert.strictEqual(search(rules, "couch").corrected, null)
    assert.sameMembers(ids(rules, "television set"), ["eu_3", "eu_4"])
    assert.sameMembers(ids(rules, "tv"), ["eu_3", "eu_4"])
    assert.sameMembers(ids(rules, "tv", { language: "de" }), ["eu_4"])
  })

  it("a root finds its terms, which do not find it", () => {
    const rules = book(["seat", { effect: { kind: "synonyms", root: "seat", terms: ["sofa", "couch"] } }])
    assert.sameMembers(ids(rules, "seats"), ["eu_1", "eu_2", "eu_5"])
    assert.deepStrictEqual(ids(rules, "couch"), ["eu_2"])
  })

  it("a rule is for its query however it is inflected, in its time and its channels", () => {
    const effect = { kind: "redirect", queries: ["garden chairs"], target: { path: "/garden" } } as const
    const rules = book(["garden", { effect, channels: ["web"], from: 1_000, until: 2_000 }])
    const at = (now: number, text = "Garden chair", channel: "web" | "pos" | null = "web") =>
      rules.for({ text, language: "en", channel, now }).redirect
    assert.deepStrictEqual(
      [999, 1_000, 1_999, 2_000].map((now) => at(now) !== null),
      [false, true, true, false]
    )
    assert.deepStrictEqual(at(1_500), { path: "/garden" })
    assert.isNull(at(1_500, "chair"))
    assert.isNull(at(1_500, "garden chair", "pos"))
    assert.isNull(at(1_500, "garden chair", null))
    rules.put({ ...ruleRow("garden", { effect }, 2), removed: true })
    assert.isNull(at(1_500))
    assert.isFalse(rules.put(ruleRow("garden", { effect }, 2)))
  })

  it("pins stand first where they pass the filters, and are counted; other orders know nothing of them", () => {
    const rules = book([
      "pins",
      { effect: { kind: "pins", queries: ["sofa"], skus: skus("3", "5", "GONE"), badge: "sponsored" } }
    ])
    const { facets, hits, total } = search(rules, "sofa", { facets: ["colour"] })
    assert.deepStrictEqual(
      hits.map(({ badge, document, isPinned }) => [document.id, isPinned, badge]),
      [
        ["eu_3", true, "sponsored"],
        ["eu_5", true, "sponsored"],
        ["eu_1", false, null]
      ]
    )
    assert.strictEqual(total, 3)
    assert.deepStrictEqual(
      facets.get("colour")?.values.map(({ count }) => count),
      [1, 1]
    )
    assert.deepStrictEqual(ids(rules, "sofa", { priceTo: 2_000 }), ["eu_5", "eu_1"])
    assert.sameMembers(ids(rules, "sofa", { filters: new Map([["colour", ["black"]]]) }), ["eu_1"])
    assert.sameMembers(ids(rules, "sofa", { sort: "price" }), ["eu_1", "eu_5"])
    assert.deepStrictEqual(ids(rules, "sofa", { offset: 1, limit: 1 }), ["eu_5"])
  })

  it("boosts move products up and down, for a query or for all", () => {
    const rules = book(
      ["down", { effect: { kind: "boost", queries: [], skus: skus("1"), factor: 0.1 } }],
      ["up", { effect: { kind: "boost", queries: ["tv"], skus: skus("4"), factor: 2 } }]
    )
    assert.deepStrictEqual(ids(rules, "sofa"), ["eu_5", "eu_1"])
    assert.strictEqual(ids(rules, "").at(-1), "eu_1")
    assert.isTrue(rules.for({ ...asked, text: "tv" }).isForQuery)
    assert.isFalse(rules.for({ ...asked, text: "sofa" }).isForQuery)
  })
})

const Codes = Schema.Array(Schema.Literals(["1", "2", "3", "4", "5", "6"])).check(Schema.isMaxLength(6))
const Text = Schema.Literals(["sofa", "couch", "oak", "", "zzz"])

describe("RuleBook, whatever it says", () => {
  it.prop(
    "nothing is shown that is not on sale, and nothing twice; pins come first",
    [Codes, Codes, Text],
    ([pinned, gone, text]) => {
      const shop = indexOf(...[1, 2, 3, 4, 5].map((code) => product(`eu_${code}`, `Sofa ${code}`)))
      for (const code of gone) shop.remove(`eu_${code}`)
      const rules = new RuleBook()
      if (pinned.length > 0)
        rules.put(ruleRow("p", { effect: { kind: "pins", queries: [], skus: skus(...new Set(pinned)) } }))
      const { hits, total } = shop.search(query(text, { applied: rules.for({ ...asked, text }) }))
      const shown = hits.map(({ document }) => document.id)
      assert.strictEqual(new Set(shown).size, total)
      assert.isTrue(shown.every((id) => shop.get(id) !== undefined && !gone.some((code) => id === `eu_${code}`)))
      const first = [...new Set(pinned)].map((code) => `eu_${code}`).filter((id) => shop.get(id) !== undefined)
      assert.deepStrictEqual(shown.slice(0, first.length), first)
      assert.deepStrictEqual(
        hits.map(({ isPinned }) => isPinned),
        shown.map((_, at) => at < first.length)
      )
    }
  )

  it.prop(
    "rules that came one after the other are those that came at once",
    [Schema.Array(Schema.Tuple([Codes, Text])).check(Schema.isMaxLength(12))],
    ([history]) => {
      const rows = history.map(([codes, text], at) => ({
        ...ruleRow(
          `r${at % 3}`,
          { effect: { kind: "pins", queries: text === "" ? [] : [text], skus: skus(...new Set(["1", ...codes])) } },
          at + 1
        ),
        removed: codes.length === 0
      }))
      const followed = new RuleBook()
      followed.for({ ...asked, text: "sofa" })
      for (const row of rows) followed.put(row)
      const whole = new RuleBook()
      for (const row of rows.toReversed()) whole.put(row)
      for (const text of Text.literals)
        assert.deepStrictEqual([...followed.for({ ...asked, text }).pins], [...whole.for({ ...asked, text }).pins])
    }
  )
})
