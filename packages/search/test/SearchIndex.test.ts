import { assert, describe, it } from "@effect/vitest"
import type { Filters } from "@halles/search/index/FacetValues"
import type { Language } from "@halles/search/index/Language"
import { SearchIndex } from "@halles/search/index/SearchIndex"
import { Schema } from "effect"
import { found, indexOf, product, query } from "./Sample.ts"

const shop = indexOf(
  product("bag", "Laptop bag, black", { brand: "Targus", price: 2_000, attributes: { colour: ["black"] } }),
  product("sleeve", "Laptop sleeve with a small bag", {
    brand: "Targus",
    price: 1_500,
    attributes: { colour: ["grey"] }
  }),
  product("hub", "USB hub 4 ports", { brand: "Equip", attributes: { colour: ["black"] } }),
  product("disk", "External hard drive 2TB", { brand: "Philips", available: false }),
  product("watch", "Smartwatch for runners", { description: "Counts steps" }),
  product("tea", "Thé vert du Japon, boîtes de 250 g"),
  product("ocha", "抹茶入り緑茶 250g")
)

describe("SearchIndex", () => {
  it("finds forms of a word, words written apart or together, and measures", () => {
    assert.deepStrictEqual(found(shop, "laptops bags"), ["bag", "sleeve"])
    assert.deepStrictEqual(found(shop, "smart watch"), ["watch"])
    assert.deepStrictEqual(found(shop, "usbhub"), ["hub"])
    assert.deepStrictEqual(found(shop, "boite the vert", { language: "fr" }), ["tea"])
    assert.deepStrictEqual(found(shop, "緑茶", { language: "ja" }), ["ocha"])
  })

  it("says what it took a misspelt query for", () => {
    const { corrected, hits } = shop.search(query("exernal hrad drive"))
    assert.strictEqual(corrected, "external hard drive")
    assert.strictEqual(hits[0]?.document.id, "disk")
    assert.strictEqual(shop.search(query("laptop")).corrected, null)
  })

  it("highlights places, not markup", () => {
    const title = "<b>Laptop</b> bag"
    const [hit] = indexOf(product("x", title)).search(query("laptop")).hits
    assert.deepStrictEqual(
      hit?.title.map(([start, end]) => title.slice(start, end)),
      ["Laptop"]
    )
    assert.strictEqual(hit?.document.title, title)
  })

  it("counts a facet among what the other filters leave", () => {
    const filters: Filters = new Map([["brand", ["Targus"]]])
    const { facets, total } = shop.search(query("", { filters, facets: ["brand", "colour"] }))
    assert.strictEqual(total, 2)
    assert.deepStrictEqual(
      facets.get("colour")?.values.map(({ count, value }) => [value, count]),
      [
        ["black", 1],
        ["grey", 1]
      ]
    )
    assert.strictEqual(facets.get("brand")?.values.length, 3)
  })

  it("counts a product once in a facet, though an attribute has the same name", () => {
    const attributes = { brand: ["Bosch", "Siemens"], price: ["high"], type: ["loose"], size: ["l"] }
    const index = indexOf(product("a", "Tea", { brand: "Bosch Siemens", productType: "tea", attributes, price: 600 }))
    const names = ["brand", "price", "type", "size", "attributes.price", "attributes.type", "attributes.brand"]
    const { facets } = index.search(query("", { facets: names }))
    assert.deepStrictEqual(
      [...facets].map(([name, { values }]) => [name, ...values.map(({ count, value }) => `${value} ${count}`)]),
      [
        ["brand", "Bosch 1", "Siemens 1"],
        ["price", "500 1"],
        ["type", "tea 1"],
        ["size", "l 1"],
        ["attributes.price", "high 1"],
        ["attributes.type", "loose 1"],
        ["attributes.brand"]
      ]
    )
    assert.deepStrictEqual(found(index, "", { filters: new Map([["price", ["high"]]]) }), [])
    assert.deepStrictEqual(found(index, "", { filters: new Map([["attributes.price", ["high"]]]) }), ["a"])
  })

  it("tells the category of a product from its type", () => {
    const index = indexOf(
      product("a", "Pan", { categories: ["kitchen"] }),
      product("b", "Clock", { productType: "kitchen" })
    )
    assert.deepStrictEqual(found(index, "", { filters: new Map([["category", ["kitchen"]]]) }), ["a"])
    assert.deepStrictEqual(found(index, "", { filters: new Map([["type", ["kitchen"]]]) }), ["b"])
    assert.sameMembers([...found(index, "kitchen")], ["a", "b"])
  })

  it("counts a text for each language once, for the language of the query, and finds by what is not counted", () => {
    const colour = { colour: ["rot", "red"], size: ["l"] }
    const more = { attributes: colour, languages: new Map([["colour", ["de", "en-GB"]]]), counted: new Set(["colour"]) }
    const index = indexOf(
      product("a", "Tea", more),
      product("b", "Pot", { ...more, attributes: { ...colour, colour: ["Rot", "red"] } }),
      product("c", "Cup", { attributes: { colour: ["red"], size: ["l"], constructor: ["by hand"] } })
    )
    const counts = (language: Language) =>
      [...index.search(query("", { facets: ["colour", "size"], language })).facets].map(([, { values }]) =>
        values.map(({ count, value }) => `${value} ${count}`)
      )
    assert.deepStrictEqual(counts("en"), [["red 3"], ["l 1"]])
    assert.deepStrictEqual(counts("de"), [["Rot 1", "red 1", "rot 1"], ["l 1"]])
    // Where there is no text in the language, the first one is shown.
    assert.deepStrictEqual(counts("fr"), counts("de"))
    const having = (name: string, value: string, language: Language = "en") =>
      found(index, "", { filters: new Map([[name, [value]]]), language }).toSorted()
    assert.deepStrictEqual(having("colour", "red"), ["a", "b", "c"])
    assert.deepStrictEqual(having("colour", "rot", "de"), ["a"])
    assert.deepStrictEqual(having("size", "l"), ["a", "b", "c"])
  })

  it("counts the brand once too, also where it has a text for each language, and is not declared as a facet", () => {
    const attributes = { brand: ["Douceur", "Dove"] }
    const languages = new Map([["brand", ["fr", "en"]]])
    const index = indexOf(product("a", "Soap", { brand: "Douceur Dove", attributes, languages, counted: new Set() }))
    for (const [language, value] of [
      ["en", "Dove"],
      ["fr", "Douceur"]
    ] as const) {
      const { facets } = index.search(query("", { facets: ["brand"], language }))
      assert.deepStrictEqual(facets.get("brand")?.values, [{ value, count: 1 }])
    }
  })

  it("suggests no category in which nothing stands any more", () => {
    const index = indexOf(product("a", "Tea", { categories: ["hot"] }), product("b", "Pot", { categories: ["home"] }))
    assert.deepStrictEqual(index.suggest("ho", "en").categories, ["hot", "home"])
    index.note("a", { standsIn: [] })
    assert.deepStrictEqual(index.suggest("ho", "en").categories, ["home"])
    index.remove("b")
    assert.deepStrictEqual(index.suggest("ho", "en").categories, [])
  })

  it("sorts, and limits by price", () => {
    assert.deepStrictEqual(found(shop, "laptop", { sort: "price" }), ["sleeve", "bag"])
    assert.deepStrictEqual(found(shop, "laptop", { priceTo: 1_800 }), ["sleeve"])
    assert.deepStrictEqual(found(shop, "", { sort: "title", limit: 2 }), ["disk", "bag"])
  })

  it("suggests from the first letter on", () => {
    const { brands, products } = shop.suggest("t", "en")
    assert.deepStrictEqual(brands, ["Targus"])
    assert.isTrue(products.some(({ id }) => id === "tea"))
  })
})

const Change = Schema.Struct({
  id: Schema.Literals(["a", "b", "c", "d", "e"]),
  title: Schema.Literals(["red tea", "green tea", "tea pot", "pot", "red pot of tea"]),
  brand: Schema.Literals(["", "Lipton", "Twinings"]),
  colour: Schema.Literals(["red", "green"]),
  isSold: Schema.Boolean
})
const Changes = Schema.Array(Change).check(Schema.isMaxLength(40))

/** The documents that are left of a history. */
const left = (changes: typeof Changes.Type) => {
  const last = new Map(changes.map((change) => [change.id, change]))
  return [...last.values()].filter(({ isSold }) => isSold)
}

const apply = (changes: typeof Changes.Type): SearchIndex => {
  const index = new SearchIndex()
  for (const { brand, colour, id, isSold, title } of changes)
    if (isSold) index.put(product(id, title, { brand, attributes: { colour: [colour] } }))
    else index.remove(id)
  return index
}

const all = (index: SearchIndex) => index.search(query("", { limit: 100 })).hits.map(({ document }) => document)

describe("SearchIndex, after any history", () => {
  it.prop("what it shows is what was said last, and nothing else", [Changes], ([changes]) => {
    const index = apply(changes)
    const all = index.search(query("", { limit: 100 })).hits.map(({ document }) => `${document.id} ${document.title}`)
    assert.deepStrictEqual(
      all.toSorted(),
      left(changes)
        .map(({ id, title }) => `${id} ${title}`)
        .toSorted()
    )
    const tea = index.search(query("tea", { limit: 100 })).hits.map(({ document }) => document.id)
    assert.deepStrictEqual(
      tea.toSorted(),
      left(changes)
        .filter(({ title }) => title.includes("tea"))
        .map(({ id }) => id)
        .toSorted()
    )
  })

  it.prop("facets are what counting gives", [Changes, Schema.Literals(["red", "green"])], ([changes, colour]) => {
    const filters: Filters = new Map([["colour", [colour]]])
    const { facets, total } = apply(changes).search(query("", { filters, facets: ["colour", "brand"] }))
    const all = left(changes)
    const chosen = all.filter((one) => one.colour === colour)
    assert.strictEqual(total, chosen.length)
    for (const { count, value } of facets.get("colour")?.values ?? [])
      assert.strictEqual(count, all.filter((one) => one.colour === value).length)
    const branded = chosen.filter(({ brand }) => brand !== "")
    assert.strictEqual(
      (facets.get("brand")?.values ?? []).reduce((sum, { count }) => sum + count, 0),
      branded.length
    )
  })

  it.prop("making it anew changes no answer", [Changes], ([changes]) => {
    const index = apply(changes)
    const before = index.search(query("red tea", { limit: 100, facets: ["brand"] }))
    const after = indexOf(...all(index)).search(query("red tea", { limit: 100, facets: ["brand"] }))
    assert.deepStrictEqual(
      after.hits.map(({ document }) => document.id).toSorted(),
      before.hits.map(({ document }) => document.id).toSorted()
    )
    assert.deepStrictEqual(after.facets, before.facets)
  })
})
