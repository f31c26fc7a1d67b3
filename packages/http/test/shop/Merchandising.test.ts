import { assert, layer } from "@effect/vitest"
import * as Projection from "@halles/engine/projections/Projection"
import { ProductTable } from "@halles/entities/catalogue/ProductTable"
import { CategoryTable } from "@halles/entities/category/CategoryTable"
import { ProductModelTable } from "@halles/entities/productmodel/ProductModelTable"
import { SearchRuleTable } from "@halles/entities/searchrule/SearchRuleTable"
import { ReleaseTable } from "@halles/entities/release/ReleaseTable"
import { Reads, RegionDatabases } from "@halles/entities/routes/Reads"
import { Effect, Layer, Schedule } from "effect"
import { SqlClient } from "effect/sql"
import { EdgeTest, importToken } from "../EdgeTest.ts"
import * as ShopTest from "./ShopTest.ts"

const authorised = { authorization: `Bearer ${importToken}` }
/** What a merchandiser sends, who has seen the version. */
const put = (path: string, body: unknown, version: number) =>
  Effect.flatMap(EdgeTest, ({ send }) =>
    send("PUT", `${path}?region=eu`, body, { ...authorised, "if-match": `"${version}"` })
  )
const get = (path: string) => Effect.flatMap(EdgeTest, ({ send }) => send("GET", path))

const listing = (title: string) => ({ title, price: { amount: "495", currency: "GBP" }, taxRate: 2000 })
const attributes = [
  { kind: "choice", code: "origin", title: "Origin", options: [{ code: "assam", title: "Assam" }], facetable: true },
  { kind: "number", code: "net_weight", title: "Net weight", unit: "g", required: true },
  { kind: "date", code: "constructor", title: "Picked on" },
  { kind: "localised_text", code: "brewing", title: "How to brew it" }
]

const redirect = (target: object) => ({ title: "R", effect: { kind: "redirect", queries: ["sale"], target } })
const mugLine = (sku: string, ...cells: ReadonlyArray<string>) => `eu;${sku};Mug;900;EUR;700;mug;${cells.join(";")}`
const variant = (sku: string, size: string) => ({ sku, attributes: { size } })

/** Read tables are as the journal has it, at once. */
const follow = Effect.forEach(
  [CategoryTable, ProductModelTable, ProductTable, ReleaseTable, SearchRuleTable],
  (table) => Effect.flatMap(Projection.make(table), ({ rebuild }) => rebuild)
)

const Shop = EdgeTest.layerOver(ShopTest.layer, Reads.layer.pipe(Layer.provide(RegionDatabases.layerOne)))

layer(Shop, { excludeTestServices: true, timeout: "120 seconds" })("merchants", (it) => {
  it.effect("describe products as their type declares, and hear of each field that is not so", () =>
    Effect.gen(function* () {
      const type = yield* put("/v1/product-types/tea", { title: "Tea", attributes }, 0)
      assert.strictEqual(type.status, 200, type.text)
      assert.deepInclude((yield* get("/v1/product-types/tea")).json, { code: "tea", title: "Tea", attributes, seq: 1 })
      yield* put("/v1/products/T1", listing("Assam"), 0)
      const details = {
        productType: { code: "tea" },
        attributes: { origin: "assam", net_weight: 250.5, brewing: { en: "Hot <b>water</b>", ja: "熱湯" } },
        gtin: "4006381333931",
        weightGrams: 270,
        relations: [{ kind: "accessory", sku: "MUG" }]
      }
      const described = yield* put("/v1/products/T1/details", details, 1)
      assert.strictEqual(described.status, 200, described.text)
      const known = { ...details, productType: { code: "tea", version: 1 } }
      assert.deepInclude((yield* get("/v1/products/T1")).json, { title: "Assam", listed: true, ...known, seq: 2 })
      // A new price takes nothing of it away.
      const dearer = yield* put("/v1/products/T1", { ...listing("Assam"), taxRate: 700 }, 2)
      assert.deepInclude(dearer.json, { taxRate: 700, ...known, seq: 3 })

      const refused = (body: unknown) => Effect.map(put("/v1/products/T1/details", body, 3), ({ json }) => json.errors)
      const wrong = { origin: "mars", net_weight: "much", constructor: "2026-02-30", brewing: "hot", color: "red" }
      assert.deepStrictEqual(yield* refused({ ...details, attributes: wrong }), [
        { pointer: "/attributes/origin", detail: "Expected one of assam" },
        { pointer: "/attributes/net_weight", detail: "Expected a number of g" },
        { pointer: "/attributes/constructor", detail: "Expected a day of the calendar, such as 2026-04-30" },
        {
          pointer: "/attributes/brewing",
          detail: 'Expected a text for each language, such as {"en":"Tea","de":"Tee"}'
        },
        { pointer: "/attributes/color", detail: "The product type declares no such attribute" }
      ])
      assert.deepStrictEqual(yield* refused({ ...details, attributes: {} }), [
        { pointer: "/attributes/net_weight", detail: "Required" }
      ])
      assert.deepStrictEqual(yield* refused({ productType: { code: "coffee" } }), [
        { pointer: "/productType/code", detail: "There is no such product type" }
      ])
      assert.deepInclude((yield* refused({ ...details, gtin: "4006381333930" }))[0], { pointer: "/gtin" })
      assert.deepStrictEqual(yield* refused({ media: ["am_tin"] }), [
        { pointer: "/media/0", detail: "Expected a file of the region eu" }
      ])
      const strange = { net_weight: { a: { b: 1 } }, Weight: 1, origin: null }
      assert.deepStrictEqual(yield* refused({ ...details, attributes: strange }), [
        { pointer: "/attributes/Weight", detail: "Unknown field" },
        { pointer: "/attributes/net_weight/a", detail: "Unknown field" },
        {
          pointer: "/attributes/origin",
          detail: "Expected a text, a number, true, false, a list of options or a text for each language"
        }
      ])

      const [, weight] = attributes
      const declared = (...more: ReadonlyArray<unknown>) =>
        put("/v1/product-types/tea", { title: "Tea", attributes: [...attributes, ...more] }, 1)
      const faults = (yield* declared({ kind: "number", code: "x" }, { kind: "nonsense" })).json.errors
      assert.deepStrictEqual(
        faults.map(({ pointer }: { readonly pointer: string }) => pointer),
        ["/attributes/4/title", "/attributes/5"]
      )
      assert.deepStrictEqual((yield* declared(weight)).json.errors, [
        { pointer: "/attributes/4/code", detail: "net_weight stands twice" }
      ])
      const other = yield* put(
        "/v1/product-types/tea",
        { title: "Tea", attributes: [{ ...attributes[2], kind: "text" }] },
        1
      )
      assert.deepStrictEqual([other.status, other.json.code], [409, "attribute_kind_fixed"])
    })
  )

  it.effect("arrange categories, whose products move with them", () =>
    Effect.gen(function* () {
      const { send } = yield* EdgeTest
      const describe = (code: string, more: object = {}) =>
        put(`/v1/categories/${code}`, { title: code.toUpperCase(), ...more }, 0)
      const place = (code: string, parent: string | null, before?: string | null) =>
        send("PUT", `/v1/categories/${code}/place?region=eu`, { parent, before }, authorised)
      const drinks = { attributes: { hot: true, age: 0 }, translations: { de: { title: "Getränke" } } }
      yield* describe("drinks", drinks)
      yield* describe("tea", { attributes: { age: 3 } })
      yield* describe("black", { channels: ["web"] })
      yield* describe("sale", { hidden: true })
      for (const [code, parent] of [
        ["drinks", null],
        ["sale", null],
        ["tea", "drinks"],
        ["black", "tea"]
      ] as const) {
        const placed = yield* place(code, parent)
        assert.strictEqual(placed.status, 200, placed.text)
      }
      yield* put("/v1/products/T2", listing("Darjeeling"), 0)
      const named = yield* put("/v1/products/T2/details", { categories: ["black", "nowhere"] }, 1)
      assert.deepStrictEqual(
        [named.status, named.json.errors],
        [422, [{ pointer: "/categories/1", detail: "It does not stand in the tree of the region" }]]
      )
      yield* put("/v1/products/T2/details", { categories: ["black"] }, 1)
      yield* follow

      const black = (yield* get("/v1/categories/black")).json
      assert.deepInclude(black, { title: "BLACK", children: 0, inherited: { hot: true, age: 3 } })
      assert.deepStrictEqual(black.path, [
        { code: "drinks", title: "DRINKS" },
        { code: "tea", title: "TEA" },
        { code: "black", title: "BLACK" }
      ])
      const below = (query: string) => Effect.map(get(`/v1/categories?${query}`), ({ json }) => json.items)
      assert.deepStrictEqual(yield* below("language=de"), [{ code: "drinks", title: "Getränke", children: 1 }])
      assert.deepStrictEqual(yield* below("parent=tea&channel=web"), [{ code: "black", title: "BLACK", children: 0 }])
      assert.deepStrictEqual(yield* below("parent=tea&channel=pos"), [])
      assert.deepStrictEqual(yield* below("parent=sale"), [])

      const productsOf = (code: string) =>
        Effect.map(get(`/v1/categories/${code}/products`), ({ json }) =>
          json.items.map(({ sku }: { readonly sku: string }) => sku)
        )
      const standing = () => Effect.forEach(["drinks", "tea", "sale"], productsOf)
      assert.deepStrictEqual(yield* standing(), [["T2"], ["T2"], []])
      const cycle = yield* place("drinks", "black")
      assert.deepStrictEqual([cycle.status, cycle.json.code], [409, "category_cycle"])
      yield* place("black", "sale")
      assert.deepStrictEqual(yield* standing(), [[], [], ["T2"]])
      const moves = (query = "") =>
        Effect.map(
          send("GET", `/v1/categories/black/moves?region=eu${query}`, undefined, authorised),
          ({ json }) => json
        )
      const newest = yield* moves("&limit=1")
      assert.deepInclude(newest.items[0], {
        seq: 5,
        changes: [{ field: "place", before: { parent: "tea", before: null }, after: { parent: "sale", before: null } }]
      })
      const oldest = yield* moves(`&cursor=${newest.next}`)
      assert.deepInclude(oldest.items[0], {
        seq: 4,
        changes: [{ field: "place", before: null, after: { parent: "tea", before: null } }]
      })
      assert.deepStrictEqual([newest.items.length, oldest.items.length, oldest.next], [1, 1, null])

      // What is on sale for less than 5 pounds, wherever it stands; and what grew in Assam.
      const cheap = { category: "sale", priceBelow: { amount: "500", currency: "GBP" } }
      const collection = yield* describe("cheap", { rule: cheap })
      assert.deepStrictEqual([collection.status, collection.json.rule], [200, cheap], collection.text)
      yield* describe("assam", { rule: { productType: "tea", attributes: { origin: "assam" } } })
      yield* describe("dear", { rule: { priceFrom: { amount: "496", currency: "GBP" } } })
      yield* describe("euro", { rule: { priceBelow: { amount: "500", currency: "EUR" } } })
      assert.deepStrictEqual(yield* Effect.forEach(["cheap", "assam", "dear", "euro"], productsOf), [
        ["T2"],
        ["T1"],
        [],
        []
      ])
      const empty = yield* describe("everything", { rule: { attributes: {} } })
      assert.deepStrictEqual([empty.status, empty.json.errors[0]?.pointer], [422, "/rule"])
    })
  )

  it.effect("give variants of a model what they have in common, and tell them apart", () =>
    Effect.gen(function* () {
      const size = { kind: "choice", code: "size", title: "Size", perVariant: true, required: true }
      const sizes = ["s", "l"].map((code) => ({ code, title: code.toUpperCase() }))
      yield* put(
        "/v1/product-types/pot",
        {
          title: "Pot",
          attributes: [
            { kind: "text", code: "material", title: "Material", required: true },
            { ...size, options: sizes },
            { kind: "number", code: "height", title: "Height", unit: "mm", perVariant: true, required: true }
          ]
        },
        0
      )
      const model = {
        title: "Teapot",
        productType: { code: "pot" },
        attributes: { material: "Clay" },
        axes: ["size"],
        variants: [variant("POT-S", "s"), variant("POT-L", "l")]
      }
      const wrong = yield* put(
        "/v1/product-models/teapot",
        { ...model, axes: ["material"], variants: [variant("POT-S", "xl")], attributes: { size: "s" } },
        0
      )
      assert.deepStrictEqual(
        [wrong.status, wrong.json.errors.map(({ pointer }: { readonly pointer: string }) => pointer)],
        [422, ["/axes/0", "/attributes/size", "/attributes/material", "/variants/0/attributes/size"]]
      )
      const said = yield* put("/v1/product-models/teapot", model, 0)
      assert.strictEqual(said.status, 200, said.text)
      const known = { ...model, productType: { code: "pot", version: 1 } }
      assert.deepInclude((yield* get("/v1/product-models/teapot")).json, known)

      yield* put("/v1/products/POT-S", listing("Teapot, small"), 0)
      const describe = (model: string, attributes: object) =>
        put("/v1/products/POT-S/details", { productType: { code: "pot" }, model, attributes }, 1)
      const refused = (model: string, attributes: object) =>
        Effect.map(describe(model, attributes), ({ json }) => json.errors)
      assert.deepStrictEqual(yield* refused("teapot", { material: "Tin", size: "s" }), [
        { pointer: "/attributes/material", detail: "This is for its product model to say" },
        { pointer: "/attributes/size", detail: "This is for its product model to say" },
        { pointer: "/attributes/height", detail: "Required" }
      ])
      assert.deepStrictEqual(yield* refused("kettle", { height: 90 }), [
        { pointer: "/model", detail: "There is no such product model" }
      ])
      const described = yield* describe("teapot", { height: 90 })
      assert.deepInclude(described.json, { model: "teapot", attributes: { height: 90 } })
      yield* follow
      const having = (yield* get("/v1/product-models?sku=POT-L")).json.items
      assert.deepStrictEqual([having.length, having[0]?.code], [1, "teapot"])
      assert.deepStrictEqual((yield* get("/v1/product-models?sku=T1")).json.items, [])
    })
  )

  it.effect("say what products cost them, which no answer about a product shows", () =>
    Effect.gen(function* () {
      const { send } = yield* EdgeTest
      const path = "/v1/products/T1/cost"
      const said = yield* put(path, { cost: { amount: "217", currency: "GBP" } }, 0)
      assert.strictEqual(said.status, 200, said.text)
      const look = yield* send("GET", `${path}?region=eu`, undefined, authorised)
      assert.deepInclude(look.json, { sku: "T1", cost: { amount: "217", currency: "GBP" }, removed: false, seq: 1 })
      assert.strictEqual((yield* get(`${path}?region=eu`)).status, 401)
      assert.notInclude((yield* get("/v1/products/T1")).text, "217")
      assert.strictEqual((yield* put(path, { cost: { amount: "-1", currency: "GBP" } }, 1)).status, 400)
      assert.strictEqual((yield* put(path, { cost: { amount: "1", currency: "GBP" } }, 0)).status, 412)
      const removed = yield* send("DELETE", `${path}?region=eu`, undefined, authorised)
      assert.deepInclude(removed.json, { removed: true, seq: 2 }, removed.text)
    })
  )

  it.effect("put rules for searches, as many as a region keeps", () =>
    Effect.gen(function* () {
      const { send } = yield* EdgeTest
      const path = "/v1/search/rules/winter-tea"
      const effect = { kind: "pins", queries: ["tea"], skus: ["T1", "T2"], badge: "sponsored" }
      const rule = { title: "Winter", effect, language: "en", channels: ["web"] }
      const dates = { from: "2026-12-01T08:00+01:00", until: "2027-03-01T08:00:00Z" }
      const said = yield* put(path, { ...rule, ...dates }, 0)
      assert.strictEqual(said.status, 200, said.text)
      const known = { ...rule, from: "2026-12-01T07:00:00.000Z", until: "2027-03-01T08:00:00.000Z" }
      const look = (path: string) => send("GET", path, undefined, authorised)
      assert.deepInclude((yield* look(`${path}?region=eu`)).json, { ...known, removed: false, seq: 1 })
      assert.strictEqual((yield* get(`${path}?region=eu`)).status, 401)
      // What was answered can be sent again, and changes nothing.
      assert.strictEqual((yield* put(path, known, 1)).json.seq, 1)
      assert.strictEqual((yield* put(path, { ...rule, title: "Spring" }, 0)).status, 412)
      for (const path of ["//elsewhere.example", "https://elsewhere.example", "/\\elsewhere", "/sale now"])
        assert.strictEqual((yield* put("/v1/search/rules/r", redirect({ path }), 0)).status, 400, path)
      assert.strictEqual((yield* put("/v1/search/rules/r", { ...rule, from: "2026-02-30T25:00Z" }, 0)).status, 400)
      const over = yield* put("/v1/search/rules/r", { ...rule, from: dates.until, until: dates.from }, 0)
      assert.deepStrictEqual([over.status, over.json.errors[0].pointer], [422, "/until"])
      yield* put("/v1/search/rules/sale", redirect({ path: "/sale" }), 0)
      yield* follow
      const codes = (query: string) =>
        Effect.map(look(`/v1/search/rules?region=eu&${query}`), ({ json }) =>
          json.items.map(({ code }: { readonly code: string }) => code)
        )
      assert.deepStrictEqual(yield* codes(""), ["sale", "winter-tea"])
      assert.deepStrictEqual(yield* codes("kind=pins"), ["winter-tea"])
      assert.deepStrictEqual(yield* codes("q=wint"), ["winter-tea"])
      const sql = yield* SqlClient.SqlClient
      yield* sql`
        INSERT INTO search_rule_view (id, seq, title, kind, description, removed)
        SELECT 'eu_r' || n, 1, 'R', 'pins', '{}', false FROM generate_series(1, 1999) n`
      const full = yield* put("/v1/search/rules/r", redirect({ path: "/sale" }), 0)
      assert.deepStrictEqual([full.status, full.json.code], [409, "too_many_search_rules"], full.text)
      assert.strictEqual((yield* put(path, { ...rule, title: "Spring" }, 1)).status, 200)
      yield* sql`DELETE FROM search_rule_view WHERE description = '{}'`
      const removed = yield* send("DELETE", `${path}?region=eu`, undefined, authorised)
      assert.deepInclude(removed.json, { removed: true, seq: 3 }, removed.text)
      yield* sql`INSERT INTO search_count VALUES (current_date, 'tea', 40, 1, 10, 25)`
      assert.deepStrictEqual((yield* look("/v1/search/reports/click-through?region=eu&days=2")).json, {
        items: [{ query: "tea", asked: 40, withoutResult: 1, clicks: 10, clickThrough: 0.25, meanPosition: 2.5 }],
        next: null
      })
      yield* follow
      assert.deepStrictEqual(yield* codes(""), ["sale"])
    })
  )

  it.effect("keep drafts to themselves, and let products change at a time to come", () =>
    Effect.gen(function* () {
      const { send } = yield* EdgeTest
      const path = "/v1/products/D1"
      const draft = yield* put(path, { ...listing("Secret"), status: "draft" }, 0)
      assert.deepInclude(draft.json, { listed: false, status: "draft", seq: 1 })
      assert.strictEqual((yield* get(path)).status, 404)
      assert.strictEqual((yield* get(`${path}/translations`)).status, 404)
      assert.strictEqual((yield* get(`${path}/details?region=eu`)).status, 401)
      const change = (id: string, body: object) =>
        send("PUT", `${path}/changes/${id}?region=eu`, { ...body, price: undefined }, authorised)
      const monday = { at: "2026-12-07T06:00", timeZone: "Europe/Paris", listed: true }
      const scheduled = yield* change("launch", { ...monday, reason: "Winter <launch>" })
      assert.deepInclude(scheduled.json, { status: "scheduled" }, scheduled.text)
      const edited = () => send("GET", `${path}/details?region=eu`, undefined, authorised)
      assert.deepStrictEqual((yield* edited()).json.scheduled, [
        { changeId: "launch", dueAt: Date.UTC(2026, 11, 7, 5), listed: true, reason: "Winter <launch>" }
      ])
      const faults = (body: object) =>
        Effect.map(change("x", body), ({ json }) => json.errors.map((one: { readonly pointer: string }) => one.pointer))
      assert.deepStrictEqual(yield* faults({ ...monday, at: "2027-02-30T06:00" }), ["/at"])
      assert.deepStrictEqual(yield* faults({ ...monday, timeZone: "Mars/Olympus" }), ["/timeZone"])
      assert.deepStrictEqual(yield* faults({ at: monday.at, listed: true, taxRate: 7 }), ["/timeZone", "/price"])
      assert.deepStrictEqual(yield* faults({ ...monday, at: "2001-01-01T00:00Z" }), ["/at"])
      const withdrawn = yield* send("DELETE", `${path}/changes/launch?region=eu`, undefined, authorised)
      assert.deepInclude(withdrawn.json, { status: "draft" })
      assert.deepInclude((yield* put(path, listing("Secret"), withdrawn.json.seq)).json, { status: "active" })
      assert.strictEqual((yield* get(path)).status, 200)
    })
  )

  it.effect("name products for addresses, whose old names redirect, and say texts in other languages", () =>
    Effect.gen(function* () {
      const { fetch, send } = yield* EdgeTest
      for (const sku of ["S1", "S2"]) yield* put(`/v1/products/${sku}`, listing(sku), 0)
      const name = (sku: string, slug: string) =>
        send("PUT", `/v1/products/${sku}/slug?region=eu`, { slug }, authorised)
      assert.deepInclude((yield* name("S1", "green-tea")).json, { slug: "green-tea", seq: 2 })
      const taken = yield* name("S2", "green-tea")
      assert.deepStrictEqual([taken.status, taken.json.code], [409, "slug_taken"])
      yield* name("S1", "fine-green-tea")
      assert.deepInclude((yield* get("/v1/slugs/fine-green-tea")).json, { sku: "S1", slug: "fine-green-tea" })
      const old = yield* fetch("/v1/slugs/green-tea", { redirect: "manual" })
      assert.deepStrictEqual([old.status, old.headers.get("location")], [301, "/v1/slugs/fine-green-tea?region=eu"])
      // It is still its own: nobody else gets it, and it can have it back.
      assert.strictEqual((yield* name("S2", "green-tea")).status, 409)
      assert.deepInclude((yield* name("S1", "green-tea")).json, { slug: "green-tea" })
      for (const slug of ["чай", "Green", "a--b", "x".repeat(61)]) {
        const wrong = yield* name("S2", slug)
        assert.deepStrictEqual([wrong.status, wrong.json.errors[0]?.pointer], [400, "/slug"], slug)
      }
      // A request for another version takes no name away.
      const late = yield* send(
        "PUT",
        "/v1/products/S2/slug?region=eu",
        { slug: "free-tea" },
        { ...authorised, "if-match": '"7"' }
      )
      assert.strictEqual(late.status, 412, late.text)
      assert.strictEqual((yield* name("NONE", "free-tea")).status, 404)
      assert.strictEqual((yield* get("/v1/slugs/free-tea")).status, 404)

      const german = { de: { title: "Grüner <i>Tee</i>", description: "" }, ja: { seoTitle: "緑茶" } }
      const translated = yield* put("/v1/products/S1/translations", german, 4)
      assert.strictEqual(translated.status, 200, translated.text)
      assert.deepStrictEqual((yield* get("/v1/products/S1/translations")).json, german)
      const long = yield* put("/v1/products/S1/translations", { de: { description: "x".repeat(4_001) } }, 5)
      assert.deepStrictEqual([long.status, long.json.errors[0]?.pointer], [400, "/de/description"])
      const huge = yield* put("/v1/products/S1/translations", { de: { description: "x".repeat(5_000_000) } }, 5)
      assert.strictEqual(huge.status, 413)
    })
  )

  it.effect("give no two products a value that is to be unique", () =>
    Effect.gen(function* () {
      const isbn = { kind: "text", code: "isbn", title: "ISBN", unique: true }
      yield* put("/v1/product-types/book", { title: "Book", attributes: [isbn] }, 0)
      for (const sku of ["U1", "U2"]) yield* put(`/v1/products/${sku}`, listing(sku), 0)
      const describe = (sku: string, isbn: string) =>
        put(`/v1/products/${sku}/details`, { productType: { code: "book" }, attributes: { isbn } }, 1)
      const both = yield* Effect.all([describe("U1", "3-16"), describe("U2", "3-16")], { concurrency: 2 })
      assert.deepStrictEqual(both.map(({ status }) => status).toSorted(), [200, 422])
      const refused = both.find(({ status }) => status === 422)
      assert.deepInclude(refused?.json.errors[0], { pointer: "/attributes/isbn" })
      const loser = both[0].status === 422 ? "U1" : "U2"
      assert.strictEqual((yield* describe(loser, "3-17")).status, 200)
    })
  )

  it.effect("read who changed a product and why, and what it was at every version", () =>
    Effect.gen(function* () {
      const { send } = yield* EdgeTest
      const path = "/v1/products/H1"
      const change = (method: "PUT" | "DELETE", at: string, body?: object, more: object = {}) =>
        send(method, `${path}${at}?region=eu`, body, { ...authorised, "if-match": "*", ...more })
      const read = (at: string) => send("GET", `${path}/${at}`, undefined, authorised)
      const title = { ...listing("Pu-erh"), description: "Aged" }
      const changes = [
        () => change("PUT", "", { ...title, status: "draft" }, { "if-match": '"0"' }),
        () => change("PUT", "/details", { weightGrams: 357 }, { "change-reason": "Weighed again, 10%25 off" }),
        () => change("PUT", "/translations", { fr: { title: "Pu-erh" } }),
        () => change("PUT", "", { ...title, taxRate: 700 }, { "change-reason": "F%C3%BCr den Fr%C3%BChling" }),
        () => change("PUT", "/details", {}),
        () => change("DELETE", "")
      ]
      const seen: Array<{ readonly json: unknown; readonly at: string }> = []
      for (const one of changes) {
        const { status, text } = yield* one()
        assert.strictEqual(status, 200, text)
        seen.push({ json: (yield* read("details?region=eu")).json, at: new Date().toISOString() })
        yield* Effect.sleep("2 millis")
      }
      for (const [index, { at, json }] of seen.entries()) {
        assert.deepStrictEqual((yield* read(`details?region=eu&version=${index + 1}`)).json, json)
        assert.deepStrictEqual((yield* read(`details?region=eu&at=${at}`)).json, json)
      }
      const past = yield* Effect.forEach(
        ["version=7", "at=2001-01-01T00:00Z", "at=2026-02-30T00:00Z", "version=1&at=2001-01-01T00:00Z"],
        (when) => Effect.map(read(`details?region=eu&${when}`), ({ status }) => status)
      )
      assert.deepStrictEqual(past, [404, 404, 400, 404])

      const history = yield* read("history?region=eu&limit=4")
      assert.deepStrictEqual(
        history.json.items.map(({ seq, ...one }: { readonly seq: number; readonly author: string }) => [
          seq,
          one.author
        ]),
        [6, 5, 4, 3].map((seq) => [seq, "service:import"]),
        history.text
      )
      assert.deepStrictEqual(history.json.items[2].reason, "Für den Frühling")
      assert.deepStrictEqual(history.json.items[2].changes, [
        { field: "taxRate", before: 2000, after: 700 },
        { field: "listed", before: false, after: true },
        { field: "status", before: "draft", after: "active" }
      ])
      const rest = (yield* read(`history?region=eu&cursor=${history.json.next}`)).json
      assert.deepInclude(rest.items[0], {
        seq: 2,
        reason: "Weighed again, 10% off",
        changes: [{ field: "weightGrams", before: null, after: 357 }]
      })
      assert.deepStrictEqual([rest.items.length, rest.items[1].reason, rest.next], [2, null, null])
      const { versions } = (yield* read("details?region=eu")).json
      assert.deepInclude(versions, { title: 1, price: 1, translations: 3, taxRate: 4, weightGrams: 5, status: 6 })
      for (const wrong of ["100%", "%FF", "%00", "x".repeat(301)]) {
        const refused = yield* change("DELETE", "", undefined, { "change-reason": wrong })
        assert.deepStrictEqual([refused.status, refused.json.errors?.[0]?.header], [400, "change-reason"], refused.text)
      }
      assert.strictEqual((yield* get(`${path}/history?region=eu`)).status, 401)
      assert.strictEqual((yield* send("GET", "/v1/products/H0/history?region=eu", undefined, authorised)).status, 404)

      const things = {
        "/v1/categories/aged": { title: "Aged", description: "", attributes: {} },
        "/v1/product-types/cake": { title: "Aged", attributes: [] },
        "/v1/product-models/cakes": {
          title: "Aged",
          description: "",
          productType: { code: "cake" },
          attributes: {},
          axes: [],
          variants: []
        }
      }
      yield* put("/v1/product-types/cake", { title: "Cake", attributes: [] }, 0)
      for (const [thing, body] of Object.entries(things)) {
        const first =
          thing === "/v1/product-types/cake" ? 1 : (yield* put(thing, { ...body, title: "Cake" }, 0)).json.seq
        assert.strictEqual((yield* put(thing, body, first)).status, 200, thing)
        const about = (at: string) =>
          Effect.map(send("GET", `${thing}/${at}`, undefined, authorised), ({ json }) => json)
        const { items } = yield* about("history?region=eu")
        assert.deepStrictEqual(
          [items.length, items[0].changes],
          [2, [{ field: "title", before: "Cake", after: "Aged" }]]
        )
        assert.deepInclude((yield* about("details?region=eu")).versions, { title: 2, removed: 1 })
        assert.deepInclude(yield* about("details?region=eu&version=1"), { title: "Cake", seq: 1 })
      }
    })
  )

  it.effect("give and take details in files", () =>
    Effect.gen(function* () {
      const { send } = yield* EdgeTest
      const kinds = [
        { kind: "text", code: "colour", title: "Colour", required: true },
        { kind: "number", code: "volume", title: "Volume", unit: "ml" },
        { kind: "boolean", code: "lid", title: "Lid" },
        { kind: "localised_text", code: "care", title: "Care" }
      ]
      yield* put("/v1/product-types/mug", { title: "Mug", attributes: kinds }, 0)
      const importOf = (id: string, body: string, query = "", type = "text/csv") =>
        Effect.map(
          send("POST", `/v1/catalog/import${query}`, body, { ...authorised, "content-type": type, "import-id": id }),
          ({ text }) =>
            text
              .trim()
              .split("\n")
              .map((line) => JSON.parse(line))
        )
      const header =
        "region;sku;title;price;currency;tax_rate;product_type;weight_g;relations;slug;title.de;attributes.colour;attributes.volume;attributes.lid;attributes.care.de"
      const file = [
        header,
        mugLine("M1", "300", "accessory:M2", "red-mug", "Rote Tasse", "red", "250", "TRUE", "Spülmaschine"),
        mugLine("M2", "", "", "", "", "blue", "", "", ""),
        mugLine("M3", "10", "", "red-mug", "", "green", "2,5", "", ""),
        mugLine("M4", "ten", "", "", "", "", "", "", "")
      ].join("\r\n")
      const errors = [
        { row: 3, errors: [{ pointer: "/attributes/volume", detail: "Expected a number of ml" }] },
        { row: 4, errors: [{ pointer: "/weightGrams", detail: "Expected a number of grams" }] }
      ]
      for (const query of ["?dryRun=true", "", ""]) {
        const lines = yield* importOf("mugs", file, query)
        assert.deepInclude(lines.at(-1), { type: "done", accepted: 2, rejected: 2 }, JSON.stringify(lines))
        assert.deepStrictEqual(
          lines
            .filter(({ type }) => type === "error")
            .map(({ errors: [{ pointer }], row }) => [row, pointer])
            .toSorted(),
          errors.map(({ errors: [one], row }) => [row, one!.pointer])
        )
        const there = (yield* get("/v1/products/M1")).status
        assert.strictEqual(there, query === "" ? 200 : 404)
        assert.strictEqual((yield* get("/v1/products/M3")).status, 404)
      }
      const first = (yield* get("/v1/products/M1")).json
      assert.deepInclude(first, {
        productType: { code: "mug", version: 1 },
        attributes: { care: { de: "Spülmaschine" }, colour: "red", lid: true, volume: 250 },
        weightGrams: 300,
        relations: [{ kind: "accessory", sku: "M2" }],
        slug: "red-mug",
        seq: 4
      })
      assert.deepStrictEqual((yield* get("/v1/products/M1/translations")).json, { de: { title: "Rote Tasse" } })
      // NDJSON changes what it names, and somebody's later word stands when it is sent again.
      const row = { region: "eu", sku: "M1", title: "Mug", price: { amount: "900", currency: "EUR" }, taxRate: 700 }
      const patch = JSON.stringify({ ...row, weightGrams: null, attributes: { volume: 300 }, slug: "red-mug" })
      const patched = () => importOf("patch", patch, "", "application/x-ndjson")
      assert.deepInclude((yield* patched()).at(-1), { accepted: 1 })
      const changed = (yield* get("/v1/products/M1")).json
      assert.deepInclude(changed, { attributes: { ...first.attributes, volume: 300 }, seq: 5 })
      assert.notProperty(changed, "weightGrams")
      const { productType, attributes } = changed
      yield* put("/v1/products/M1/details", { productType, attributes: { ...attributes, volume: 350 } }, 5)
      assert.deepInclude((yield* patched()).at(-1), { accepted: 0, superseded: 1 })
      const taken = JSON.stringify({ ...row, sku: "M5", slug: "red-mug" })
      const [error] = yield* importOf("taken", taken, "", "application/x-ndjson")
      assert.deepStrictEqual(error.errors, [{ pointer: "/slug", detail: "It leads to M1, or did once" }])
      assert.strictEqual((yield* get("/v1/products/M5")).status, 404)

      yield* follow
      const seqs = Effect.forEach(["M1", "M2"], (sku) => Effect.map(get(`/v1/products/${sku}`), ({ json }) => json.seq))
      const was = yield* seqs
      const exported = (format: string) =>
        Effect.map(
          send("GET", `/v1/catalog/export?region=eu&format=${format}`, undefined, authorised),
          ({ text }) => text
        )
      for (const [format, type] of [
        ["csv", "text/csv"],
        ["ndjson", "application/x-ndjson"]
      ] as const) {
        const text = yield* exported(format)
        assert.include(text, format === "csv" ? "attributes.care.de" : '"care":{"de":"Spülmaschine"}')
        const lines = yield* importOf(`again-${format}`, text, "?stock=set", type)
        assert.deepInclude(lines.at(-1), { rejected: 0 }, JSON.stringify(lines))
        assert.deepStrictEqual(yield* seqs, was)
      }
    })
  )

  it.effect("let products go live together as a release", () =>
    Effect.gen(function* () {
      const { send } = yield* EdgeTest
      const path = "/v1/releases/spring"
      const plan = (body: object) =>
        send("PUT", `${path}?region=eu`, { title: "Spring", ...body }, { ...authorised, "if-match": "*" })
      const read = (at: string) => Effect.map(send("GET", `${at}?region=eu`, undefined, authorised), ({ json }) => json)
      for (const sku of ["L1", "L2", "L3"])
        yield* put(`/v1/products/${sku}`, { ...listing(sku), ...(sku === "L1" ? { status: "draft" } : {}) }, 0)
      const price = { amount: "395", currency: "GBP" }
      const members = [
        { sku: "L1", listed: true, version: 1 },
        { sku: "L2", listed: false, version: 9 },
        { sku: "L3", price, taxRate: 700 }
      ]
      const faults = (body: object) =>
        Effect.map(plan(body), ({ json }) => json.errors?.map((one: { readonly pointer: string }) => one.pointer))
      assert.deepStrictEqual(yield* faults({ members: [{ sku: "NONE", listed: true }] }), ["/members/0/sku"])
      assert.deepStrictEqual(yield* faults({ members: [members[0], { sku: "L3", price }] }), ["/members/1/taxRate"])
      assert.deepStrictEqual(yield* faults({ members: [members[0], members[0]] }), ["/members/1/sku"])
      assert.deepStrictEqual(yield* faults({ members, at: "2001-01-01T06:00Z" }), ["/at"])
      assert.deepStrictEqual(yield* faults({ members, at: "2027-01-01T06:00" }), ["/timeZone"])
      const scheduled = yield* plan({ members, at: "2026-12-24T06:00", timeZone: "Europe/Paris" })
      assert.deepInclude(scheduled.json, { status: "scheduled", dueAt: Date.UTC(2026, 11, 24, 5) }, scheduled.text)
      const withdraw = () => send("DELETE", `${path}?region=eu`, undefined, authorised)
      assert.deepInclude((yield* withdraw()).json, { status: "withdrawn" })
      assert.deepInclude((yield* plan({ members })).json, { status: "draft" })
      assert.strictEqual((yield* get("/v1/products/L1")).status, 404)

      const publish = () => send("POST", `${path}/publish?region=eu`, {}, authorised)
      assert.include(["publishing", "published"], (yield* publish()).json.status)
      const published = yield* Effect.repeat(read(path), {
        until: ({ status }) => status === "published",
        schedule: Schedule.spaced("20 millis")
      })
      assert.deepStrictEqual(published.members, [
        { ...members[0], outcome: "done" },
        { ...members[1], outcome: "changed" },
        { ...members[2], outcome: "done" }
      ])
      assert.deepInclude((yield* get("/v1/products/L1")).json, { status: "active", seq: 2 })
      assert.deepInclude((yield* get("/v1/products/L2")).json, { status: "active", seq: 1 })
      assert.deepInclude((yield* get("/v1/products/L3")).json, { price, taxRate: 700, seq: 2 })
      const [newest] = (yield* read("/v1/products/L3/history")).items
      assert.deepInclude(newest, { author: "release:eu_spring", reason: "Spring" })
      yield* follow
      const [listed] = (yield* read("/v1/releases")).items
      assert.deepInclude(listed, { code: "spring", status: "published", members: 3, done: 2, refused: 1 })
      for (const late of [yield* withdraw(), yield* plan({ members })])
        assert.deepStrictEqual([late.status, late.json.code], [409, "release_closed"])
      assert.deepInclude((yield* publish()).json, { status: "published", seq: published.seq })
      assert.strictEqual((yield* get(`${path}?region=eu`)).status, 401)
    })
  )
})
