import { assert, it } from "@effect/vitest"
import { SkuCode } from "@halles/shared/Ids"
import { Effect, Equal, Result, Schema, Stream } from "effect"
import * as fc from "fast-check"
import type { Details } from "../catalogue/Details.ts"
import { ProductView } from "../catalogue/Product.ts"
import { DescriptionJson, detailsOf } from "../catalogue/ProductJson.ts"
import type { MembersInUse } from "../catalogue/ProductTable.ts"
import { TranslationsJson, translationsOf } from "../catalogue/Translations.ts"
import type { Declaration } from "../producttype/Declaration.ts"
import { headOf, rowOf, sheetOf, textOf } from "./CatalogExport.ts"
import { columnsFor } from "./Columns.ts"
import { describedBy, isSame, translatedBy } from "./DetailsPatch.ts"
import * as Rows from "./ImportRows.ts"
import * as Workbook from "./Workbook.ts"

const options = ["assam", "a-1", "b_2"].map((code) => ({ code, title: code }))
/** As many kinds as there are, and a name that objects have by themselves. */
const declarations: ReadonlyArray<Declaration> = [
  { kind: "text", code: "constructor", title: "Text" },
  { kind: "localised_text", code: "story", title: "Texts" },
  { kind: "number", code: "weight", title: "Number" },
  { kind: "boolean", code: "bio", title: "Flag" },
  { kind: "date", code: "picked", title: "Day" },
  { kind: "choice", code: "origin", title: "Choice", options },
  { kind: "choices", code: "tastes", title: "Choices", options },
  { kind: "reference", code: "cup", title: "Reference" }
]

/** What makes trouble in a cell. */
const text = fc
  .array(fc.constantFrom('"', ",", ";", "\n", "\r\n", "=1+1", "é", "日本", "a b", "|", "-", "true", "0", "1e3"), {
    minLength: 1,
    maxLength: 5
  })
  .map((parts) => `x${parts.join("")}`)
const language = fc.constantFrom("de", "ja", "pt-BR")
const sku = fc.stringMatching(/^[A-Z0-9]{1,12}$/)
const optional = <A>(one: fc.Arbitrary<A>) => fc.option(one, { nil: undefined })
const present = (fields: Record<string, unknown>) =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined))
const records = (fields: Record<string, fc.Arbitrary<unknown>>) =>
  fc.record(Object.fromEntries(Object.entries(fields).map(([name, one]) => [name, optional(one)]))).map(present)

const description = records({
  productType: fc.constant({ code: "tea", version: 3 }),
  model: fc.constant("tea"),
  attributes: records({
    constructor: text,
    story: fc.dictionary(language, text, { minKeys: 1 }),
    weight: fc.double({ noDefaultInfinity: true, noNaN: true }).map((value) => (value === 0 ? 0 : value)),
    bio: fc.boolean(),
    picked: fc.constant("2026-04-30"),
    origin: fc.constant("assam"),
    tastes: fc.subarray(options.map(({ code }) => code)),
    cup: sku
  }),
  gtin: fc.constantFrom("4006381333931", "00012345678905"),
  weightGrams: fc.nat(1_000_000),
  dimensionsMm: fc.record({
    length: fc.integer({ min: 1, max: 9_999 }),
    width: fc.constant(2),
    height: fc.constant(3)
  }),
  categories: fc.uniqueArray(fc.constantFrom("tea", "black-tea", "cups")),
  channels: fc.subarray(["web", "pos"]),
  relations: fc.array(fc.record({ kind: fc.constantFrom("accessory", "spare_part"), sku }), { maxLength: 3 }),
  parts: fc.uniqueArray(fc.record({ sku, quantity: fc.integer({ min: 1, max: 9 }) }), {
    minLength: 1,
    maxLength: 3,
    selector: (one) => one.sku
  }),
  media: fc.uniqueArray(fc.constantFrom("eu_tin", "eu_cup"))
})
const translations = fc.dictionary(
  language,
  fc.oneof(records({ title: text, description: text }), fc.constant({ seoTitle: "Tea", seoDescription: "Buy it" }))
)
const item = fc
  .record({ description, translations, slug: fc.constantFrom("green-tea", undefined) })
  .map(({ description, slug, translations }) => {
    const details = detailsOf(Schema.decodeUnknownSync(DescriptionJson)(description))
    const texts = translationsOf(Schema.decodeUnknownSync(TranslationsJson)(translations))
    const price = { amount: 495, currency: "GBP", taxRate: 700 } as const
    const listed = { sku: SkuCode.make("SOME-OTHER-1"), region: "eu", title: "Tea", description: "", price } as const
    const product = ProductView.make({ ...listed, listed: true, status: "active", ...details, seq: 1 })
    const named = slug === undefined ? product : ProductView.make({ ...product, slug: slug as never })
    return { details, texts, row: rowOf({ product: named, translations: texts }, undefined), slug }
  })

/** What the read table says of the same products. */
const inUse = (
  items: ReadonlyArray<{ readonly details: Details; readonly texts: typeof TranslationsJson.Type | object }>
) => {
  const details = new Set(["slug"])
  const texts = new Map<string, MembersInUse["texts"][number]>()
  const attributes = new Map<string, MembersInUse["attributes"][number]>()
  for (const one of items) {
    for (const name of Object.keys(one.details)) details.add(name)
    for (const { language, ...said } of one.texts as ReturnType<typeof translationsOf>)
      for (const member of Object.keys(said)) texts.set(`${language}/${member}`, { language, member })
    for (const attribute of one.details.attributes ?? []) {
      const { code } = attribute
      if ("texts" in attribute)
        for (const { language } of attribute.texts) attributes.set(`${code}/${language}`, { code, language })
      else attributes.set(code, { code, language: null })
    }
  }
  return { details, texts: [...texts.values()], attributes: [...attributes.values()] }
}

type Item = typeof item extends fc.Arbitrary<infer A> ? A : never
const afresh = { sku: SkuCode.make("SOME-OTHER-1"), none: new Map<string, string | null>() }
/** A table has no column for what no product has, and so none of attributes without any. */
const full = (one: Details): Details => (one.attributes?.length === 0 ? { ...one, attributes: undefined! } : one)
/** A row says again what is there, makes the same of a product that says nothing, and removes what an empty cell is about. */
const saysThat = ({ details, slug, texts }: Item, found: Rows.Row, isTable: boolean) => {
  const row = Result.getOrThrow(found)
  const { slug: named, translations: said, ...patch } = Rows.patchOf(row) ?? {}
  const cells = row.cells ?? afresh.none
  assert.deepStrictEqual(Result.getOrThrow(describedBy(afresh.sku, details, patch, cells, declarations)), null)
  assert.deepStrictEqual(Result.getOrThrow(describedBy(afresh.sku, details, patch, cells, [])), null)
  const made = (before: Details) => {
    const description = Result.getOrThrow(describedBy(afresh.sku, before, patch, cells, declarations))
    return description === null ? before : detailsOf(description)
  }
  assert.isTrue(isSame(full(made({})), full(details)), JSON.stringify([made({}), details]))
  if (isTable) assert.isTrue(isSame(full(made({ ...details, gtin: "96385074" })), full(details)))
  if (said !== undefined) {
    assert.deepStrictEqual(Result.getOrThrow(translatedBy(texts, said)), null)
    const fresh = Result.getOrThrow(translatedBy([], said)) ?? []
    assert.isTrue(
      Equal.equals(
        fresh,
        texts.filter((one) => Object.keys(one).length > 1)
      )
    )
  }
  assert.strictEqual(named, slug as typeof named)
}

it("an import makes of a product what the export wrote, and changes nothing of what is there", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(item, { minLength: 1, maxLength: 5 }), async (items) => {
      const columns = columnsFor({ ...inUse(items), details: new Set([...inUse(items).details, "gtin"]) })
      const rows = items.map(({ row }) => row)
      const csv = await Effect.runPromise(
        Stream.runCollect(Rows.fromCsv(Stream.succeed(headOf("csv", columns) + textOf("csv", rows, columns))))
      )
      const ndjson = await Effect.runPromise(
        Stream.runCollect(Rows.fromNdjson(Stream.encodeText(Stream.succeed(textOf("ndjson", rows, [])))))
      )
      assert.lengthOf(csv, items.length)
      assert.lengthOf(ndjson, items.length)
      for (const [index, one] of items.entries()) {
        saysThat(one, csv[index]!, true)
        saysThat(one, ndjson[index]!, false)
      }
    }),
    { numRuns: 60 }
  )
})

it("a workbook too", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(item, { minLength: 1, maxLength: 20 }), async (items) => {
      const columns = columnsFor({ ...inUse(items), details: new Set([...inUse(items).details, "gtin"]) })
      const bytes = await Effect.runPromise(
        Workbook.written(
          sheetOf(
            items.map(({ row }) => row),
            columns
          )
        )
      )
      const found = await Effect.runPromise(
        Stream.runCollect(Rows.fromRecords(Workbook.recordsOf(Stream.succeed(bytes)), new Map()))
      )
      for (const [index, one] of items.entries()) saysThat(one, found[index]!, true)
    }),
    { numRuns: 1 }
  )
})

const read = async (header: string, line: string) => {
  const table = `region,sku,title,price,currency,tax_rate,${header}\neu,T1,Tea,495,GBP,700,${line}\n`
  const [found] = await Effect.runPromise(Stream.runCollect(Rows.fromCsv(Stream.succeed(table))))
  return found!
}
const before: Details = detailsOf(
  Schema.decodeUnknownSync(DescriptionJson)({
    productType: { code: "tea", version: 3 },
    attributes: { weight: 250, story: { de: "Tee", ja: "茶" }, old: "gone from the type" },
    dimensionsMm: { length: 1, width: 2, height: 3 }
  })
)

it.each<[string, string, object]>([
  [
    "attributes.weight,attributes.bio",
    "1e2,TRUE",
    { bio: true, old: "gone from the type", story: { de: "Tee", ja: "茶" }, weight: 100 }
  ],
  [
    "attributes.picked",
    "2026-04-30T00:00:00.000Z",
    { old: "gone from the type", picked: "2026-04-30", story: { de: "Tee", ja: "茶" }, weight: 250 }
  ],
  [
    "attributes.story.de,attributes.story.pt-br",
    ",Chá",
    { old: "gone from the type", story: { ja: "茶", "pt-BR": "Chá" }, weight: 250 }
  ],
  ["attributes.story.de,attributes.story.ja,attributes.old", ",,", { weight: 250 }],
  [
    "attributes.tastes",
    '"b_2, assam ;a-1"',
    { old: "gone from the type", story: { de: "Tee", ja: "茶" }, tastes: ["b_2", "assam", "a-1"], weight: 250 }
  ]
])("cells of %s say %s", async (header, line, attributes) => {
  const row = Result.getOrThrow(await read(header, line))
  const after = describedBy(row.sku, before, Rows.patchOf(row)!, row.cells!, declarations)
  assert.deepStrictEqual(Result.getOrThrow(after)?.attributes, attributes as never)
})

it.each([
  ["weight_g", "heavy", "/weightGrams"],
  ["length_mm,width_mm", "1,", "/dimensionsMm/width"],
  ["relations", "cup:MUG", "/relations/0/kind"],
  ["parts", "MUG:two", "/parts/0/quantity"],
  ["gtin", "4006381333930", "/gtin"],
  ["channels", "web|web", "/channels"],
  ["product_type", "No Type", "/productType/code"],
  ["media", "tin.jpg", "/media/0"]
])("a fault of a cell of %s names its field", async (header, line, pointer) => {
  const row = Result.getOrThrow(await read(header, line))
  const faults = Result.getOrThrow(Result.flip(describedBy(row.sku, before, Rows.patchOf(row)!, row.cells!, [])))
  assert.deepStrictEqual(
    faults.map((one) => one.pointer),
    [pointer]
  )
})

it("an attribute has its value in one column", async () => {
  const fault = Result.getOrThrow(Result.flip(await read("attributes.a,attributes.a.de", "x,y")))
  assert.deepInclude(fault, {
    code: "invalid_row",
    errors: [{ pointer: "/attributes/a", detail: "It stands in two columns" }]
  })
  // No column of a file reaches what all objects have.
  await read("attributes.constructor.de", "polluted")
  assert.isFalse(Object.hasOwn(Object, "de"))
})
