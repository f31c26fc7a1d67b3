import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { EdgeTest, importToken } from "../EdgeTest.ts"
import * as ShopTest from "./ShopTest.ts"

interface Line {
  readonly type: string
  readonly row?: number
  readonly code?: string
  readonly accepted?: number
  readonly rejected?: number
  readonly superseded?: number
  readonly dryRun?: boolean
}

const header = "region,sku,title,price,currency,tax_rate,warehouse,stock"
const importRows = (id: string, ...rows: ReadonlyArray<string>) => imported("", id, ...rows)
const imported = (query: string, id: string, ...rows: ReadonlyArray<string>) =>
  Effect.gen(function* () {
    const { send } = yield* EdgeTest
    const answer = yield* send("POST", `/v1/catalog/import${query}`, [header, ...rows, ""].join("\n"), {
      authorization: `Bearer ${importToken}`,
      "content-type": "text/csv",
      "import-id": id
    })
    return answer.text
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as Line)
  })
const row = (sku: string, price: number, stock: number, warehouse = "") =>
  `eu,${sku},Article ${sku},${price},EUR,2000,${warehouse},${stock}`

const onHand = (sku: string) =>
  Effect.flatMap(EdgeTest, ({ send }) =>
    Effect.map(send("GET", `/v1/skus/eu/${sku}`), ({ json }) => Number(json.totals.onHand))
  )
const priceOf = (sku: string) =>
  Effect.flatMap(EdgeTest, ({ send }) =>
    Effect.map(send("GET", `/v1/products/${sku}?region=eu`, undefined, { "cache-control": "no-cache" }), ({ json }) =>
      Number(json.price.amount)
    )
  )
const seqOf = (sku: string) =>
  Effect.flatMap(EdgeTest, ({ send }) => Effect.map(send("GET", `/v1/skus/eu/${sku}`), ({ json }) => Number(json.seq)))
const took = (lines: ReadonlyArray<Line>) => {
  const { accepted, rejected, superseded = 0, type } = lines.at(-1)!
  return [type, accepted, rejected, superseded]
}

layer(EdgeTest.layerOver(ShopTest.layer), { excludeTestServices: true, timeout: "120 seconds" })(
  "an import that is sent again under its id",
  (it) => {
    it.effect("changes nothing, wherever its rows stand by now", () =>
      Effect.gen(function* () {
        const rows = [row("A1", 1000, 5), row("A2", 1000, 5), row("A1", 2000, 7), row("A1", 2000, 7, "eu-north")]
        assert.deepStrictEqual(took(yield* importRows("a", ...rows)), ["done", 4, 0, 0])
        assert.deepStrictEqual([yield* onHand("A1"), yield* onHand("A2")], [19, 5])
        const seqs = [yield* seqOf("A1"), yield* seqOf("A2")]
        for (const again of [
          rows,
          [row("A3", 1, 1), ...rows],
          [rows[1]!, rows[0]!, rows[3]!, rows[2]!],
          rows.slice(0, 3).concat(row("A4", 1, 0), rows.slice(3))
        ]) {
          const answer = yield* importRows("a", ...again)
          assert.deepStrictEqual(took(answer), ["done", again.length, 0, 0], JSON.stringify(answer))
          assert.deepStrictEqual([yield* seqOf("A1"), yield* seqOf("A2")], seqs)
          assert.strictEqual(yield* priceOf("A1"), 2000)
        }
      })
    )

    it.effect("takes a row that was corrected, and what came in with it once", () =>
      Effect.gen(function* () {
        yield* importRows("b", row("B", 1000, 5))
        assert.deepStrictEqual(took(yield* importRows("b", row("B", 1500, 5))), ["done", 1, 0, 0])
        assert.deepStrictEqual([yield* priceOf("B"), yield* onHand("B")], [1500, 5])
      })
    )

    it.effect("refuses another count, with all that the row says", () =>
      Effect.gen(function* () {
        yield* importRows("c", row("C", 1000, 5))
        const [error, ...end] = yield* importRows("c", row("C", 1500, 50))
        assert.deepInclude(error, { type: "error", row: 1, code: "already_received" })
        assert.deepStrictEqual(took(end), ["done", 0, 1, 0])
        assert.deepStrictEqual([yield* priceOf("C"), yield* onHand("C")], [1000, 5])
      })
    )

    it.effect("says so when the product was changed since", () =>
      Effect.gen(function* () {
        yield* importRows("d", row("D", 1000, 0))
        yield* importRows("d", row("D", 2000, 0))
        const answer = yield* importRows("d", row("D", 1000, 0))
        assert.deepInclude(answer[0], { type: "error", row: 1, code: "row_superseded" })
        assert.deepStrictEqual(took(answer), ["done", 0, 0, 1])
        assert.strictEqual(yield* priceOf("D"), 2000)
        assert.deepStrictEqual(took(yield* importRows("d-2", row("D", 1000, 0))), ["done", 1, 0, 0])
        assert.strictEqual(yield* priceOf("D"), 1000)
      })
    )

    it.effect("sets what is there, once, if it is told to", () =>
      Effect.gen(function* () {
        yield* importRows("f", row("F", 1000, 5))
        for (const [id, stock] of [
          ["f-1", 12],
          ["f-2", 3],
          ["f-1", 12],
          ["f-3", 0]
        ] as const) {
          const answer = yield* imported("?stock=set", id, row("F", 1000, stock), row("F", 1000, stock + 1, "eu-north"))
          assert.deepStrictEqual(took(answer), ["done", 2, 0, 0], JSON.stringify(answer))
        }
        // What was set before is a repeat, and changes nothing.
        assert.strictEqual(yield* onHand("F"), 1)
        const again = [row("F", 1000, 4), row("F", 1000, 9)]
        assert.deepStrictEqual(took(yield* imported("?stock=set", "f-4", ...again)), ["done", 2, 0, 0])
        assert.strictEqual(yield* onHand("F"), 10)
      })
    )

    it.effect("does nothing when it is only tried", () =>
      Effect.gen(function* () {
        const lines = yield* imported("?dryRun=true", "g", row("G", 1000, 5), row("G G", 1000, 5))
        assert.deepStrictEqual(
          lines.map(({ code, row, type }) => [type, row, code]),
          [
            ["error", 2, "invalid_row"],
            ["done", undefined, undefined]
          ]
        )
        assert.deepInclude(lines.at(-1), { accepted: 1, rejected: 1, dryRun: true })
        const { send } = yield* EdgeTest
        for (const path of ["/v1/products/G?region=eu", "/v1/skus/eu/G"])
          assert.strictEqual((yield* send("GET", path)).status, 404, path)
      })
    )

    it.effect("without an id, or under another one, is another delivery", () =>
      Effect.gen(function* () {
        for (const id of ["e-1", "e-2"]) yield* importRows(id, row("E", 1000, 5), row("E", 1000, 5))
        assert.strictEqual(yield* onHand("E"), 20)
      })
    )
  }
)
