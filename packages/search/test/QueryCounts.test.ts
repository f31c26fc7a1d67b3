import { assert, describe, it } from "@effect/vitest"
import { askedMin, countedAs, countedMax, QueryCounts } from "@halles/search/process/QueryCounts"
import { Schema } from "effect"

const day = 86_400_000
const noon = 20_000 * day + day / 2

describe("QueryCounts", () => {
  it("a query is kept without what may be somebody's", () => {
    assert.strictEqual(countedAs("  Crème BRÛLÉE,  2 kg "), "creme brulee 2 kg")
    assert.strictEqual(countedAs("order of ada.l@example.org please"), "order of please")
    assert.strictEqual(countedAs("call +44 (20) 7946-0958"), "call")
    assert.strictEqual(countedAs("4111 1111 1111 1111"), "")
    assert.strictEqual(countedAs("ssd 1920 x 1080 2.5"), "ssd 1920 x 1080 2.5")
  })

  it("what is asked seldom is not kept, and is forgotten with its day", () => {
    const counts = new QueryCounts()
    for (let times = 1; times < askedMin; times++) counts.noteAsked("tea", true, noon)
    assert.deepStrictEqual(counts.take(noon), [])
    counts.noteAsked("tea", false, noon)
    const [first, ...others] = counts.take(noon)
    assert.deepInclude(first, { query: "tea", asked: askedMin, withoutResult: 1 })
    assert.deepStrictEqual([others, counts.take(noon)], [[], []])
    // Once it is kept, all that comes on that day is; what is lost is given back.
    counts.noteClick("tea", 4, noon)
    const taken = counts.take(noon)
    assert.deepInclude(taken[0], { asked: 0, clicks: 1, positions: 4 })
    counts.giveBack(taken)
    counts.noteAsked("tea", true, noon + day)
    assert.deepStrictEqual(counts.take(noon + day), taken)
    assert.deepStrictEqual(counts.take(noon + 2 * day), [])
  })

  it("clicks on what another process was asked are added there", () => {
    const counts = new QueryCounts()
    counts.noteClick("tea", 2, noon)
    const [click] = counts.seldom(10)
    counts.noteClick("tea", 3, noon)
    counts.added([click!])
    assert.deepInclude(counts.take(noon)[0], { query: "tea", clicks: 1, positions: 3 })
  })

  it("so many queries are counted and no more, and those asked often stay", () => {
    const counts = new QueryCounts()
    for (let times = 0; times < askedMin; times++) counts.noteAsked("tea", true, noon)
    for (let at = 0; at < 3 * countedMax; at++) counts.noteAsked(`query ${at}`, true, noon)
    counts.noteAsked("tea", true, noon)
    assert.deepInclude(counts.take(noon)[0], { query: "tea", asked: askedMin + 1 })
  })
})

const Events = Schema.Array(
  Schema.Struct({
    query: Schema.Literals(["a", "b", "c"]),
    what: Schema.Literals(["asked", "failed", "clicked", "taken", "lost"])
  })
).check(Schema.isMaxLength(60))

describe("QueryCounts, whatever happens", () => {
  it.prop("what is kept of a query is all that was counted, or nothing", [Events], ([events]) => {
    const counts = new QueryCounts()
    const kept = new Map<string, number>()
    const take = () => {
      for (const { asked, clicks, query } of counts.take(noon))
        kept.set(query, (kept.get(query) ?? 0) + asked + 1_000 * clicks)
    }
    for (const { query, what } of events) {
      if (what === "asked" || what === "failed") counts.noteAsked(query, what === "asked", noon)
      if (what === "clicked") counts.noteClick(query, 1, noon)
      if (what === "taken") take()
      if (what === "lost") counts.giveBack(counts.take(noon))
    }
    take()
    for (const one of ["a", "b", "c"]) {
      const own = events.filter(({ query }) => query === one)
      const asked = own.filter(({ what }) => what === "asked" || what === "failed").length
      const clicks = own.filter(({ what }) => what === "clicked").length
      assert.strictEqual(kept.get(one) ?? 0, asked >= askedMin ? asked + 1_000 * clicks : 0)
    }
  })
})
