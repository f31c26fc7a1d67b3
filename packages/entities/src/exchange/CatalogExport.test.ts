import { assert, it } from "@effect/vitest"
import { SkuCode, WarehouseId } from "@halles/shared/Ids"
import { Effect, Result, Schema, Stream } from "effect"
import * as fc from "fast-check"
import { zipSync } from "fflate"
import { type Form, headOf, sheetOf, textOf } from "./CatalogExport.ts"
import * as Rows from "./ImportRows.ts"
import * as Workbook from "./Workbook.ts"

const isRow = Schema.is(Rows.ImportRow)
/** What makes trouble in a cell, in words that a product may have. */
const text = fc
  .array(fc.constantFrom('"', ",", ";", "\n", "\r\n", "=1+1", "é", "日本", "a b", '12"', "|", "'", "0", " "), {
    minLength: 1,
    maxLength: 12
  })
  .map((parts) => parts.join(""))
const row = fc
  .record(
    {
      region: fc.constantFrom("eu", "am", "ap"),
      sku: fc.stringMatching(/^[A-Z0-9]{1,12}$/).map((code) => SkuCode.make(code)),
      title: text,
      description: text,
      price: fc.record({
        amount: fc.integer({ min: 0, max: 9_999_999 }),
        currency: fc.constantFrom("EUR", "JPY", "KWD")
      }),
      taxRate: fc.integer({ min: 0, max: 10_000 }),
      warehouse: fc.constantFrom(WarehouseId.make("eu-main"), WarehouseId.make("am-west")),
      stock: fc.integer({ min: 0, max: 1_000_000 })
    },
    { requiredKeys: ["region", "sku", "title", "price", "taxRate"] }
  )
  .filter(isRow)
/** A table has a cell for the description of each row. */
const told = (one: Rows.ImportRow): Rows.ImportRow => ({ ...one, description: one.description ?? "" })
const rows = fc.array(row, { maxLength: 8 })

const read = (form: Form, written: string, size: number) => {
  const pieces = (written.match(new RegExp(`[^]{1,${size}}`, "gu")) ?? []).map((piece) => piece)
  const found: Stream.Stream<Rows.Row, unknown> =
    form === "csv"
      ? Rows.fromCsv(Stream.fromIterable(pieces))
      : Rows.fromNdjson(Stream.encodeText(Stream.fromIterable(pieces)))
  return Effect.runPromise(Stream.runCollect(found))
}

it.each<Form>(["csv", "ndjson"])("an import of %s reads what the export wrote", async (form) => {
  await fc.assert(
    fc.asyncProperty(rows, fc.integer({ min: 1, max: 60 }), async (written, size) => {
      const found = await read(form, headOf(form, []) + textOf(form, written, []), size)
      assert.deepStrictEqual(
        found.map((one) => Result.getOrThrow(one)),
        form === "csv" ? written.map(told) : written
      )
    }),
    { numRuns: 300 }
  )
})

it("an import reads the workbook that the export wrote", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(row, { minLength: 1, maxLength: 60 }), async (written) => {
      const bytes = await Effect.runPromise(Workbook.written(sheetOf(written, [])))
      const found = await Effect.runPromise(
        Stream.runCollect(Rows.fromRecords(Workbook.recordsOf(Stream.succeed(bytes)), new Map()))
      )
      assert.deepStrictEqual(
        found.map((one) => Result.getOrThrow(one)),
        written.map(told)
      )
    }),
    { numRuns: 3 }
  )
})

const refusal = async (bytes: Uint8Array) => {
  const error = await Effect.runPromise(Effect.flip(Stream.runDrain(Workbook.recordsOf(Stream.succeed(bytes)))))
  return error.code
}

it("a workbook that is none, or is too large when it is unpacked, is refused", async () => {
  assert.strictEqual(await refusal(Buffer.from("region;sku")), "invalid_workbook")
  assert.strictEqual(await refusal(new Uint8Array(Workbook.packedMax + 1)), "file_too_large")
  const nothing = new Uint8Array(Workbook.unpackedMax + 1)
  const bomb = zipSync({ "xl/worksheets/sheet1.xml": [nothing, { level: 1 }] })
  assert.isBelow(bomb.length, 1_000_000)
  assert.strictEqual(await refusal(bomb), "file_too_large")
})

it("columns may have other names, and columns that nobody needs may be there", async () => {
  const columns = Rows.columnsOf("Artikel:sku, Bezeichnung:title, Preis:price, Notiz:-, Lager:-, Bestand:stock")!
  const text = [
    "Lager;Artikel;Bezeichnung;Notiz;region;Preis;currency;tax_rate;Bestand",
    'x;T1;"Tee; grün";ab Montag;eu;495;EUR;700;12',
    ""
  ].join("\r\n")
  const found = await Effect.runPromise(
    Stream.runCollect(Rows.fromCsv(Stream.succeed(text), { columns, delimiter: ";" }))
  )
  assert.deepStrictEqual(found.map(Result.getOrThrow), [
    {
      region: "eu",
      sku: SkuCode.make("T1"),
      title: "Tee; grün",
      price: { amount: 495, currency: "EUR" },
      taxRate: 700,
      stock: 12
    }
  ])
})

it.each(["sku", "a:nothing", ":sku", "a:sku,a:title", "a:sku,"])("%s names no columns", (text) => {
  assert.isNull(Rows.columnsOf(text))
})
