import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { EdgeTest, importToken } from "./EdgeTest.ts"
import { received } from "./EntityDoubles.ts"

const authorised = { authorization: `Bearer ${importToken}` }
const row = (sku: string, more: object = {}) => ({
  region: "eu",
  sku,
  title: sku,
  price: { amount: "495", currency: "GBP" },
  taxRate: 2000,
  ...more
})
const lines = (text: string) =>
  text
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line))

const ndjson = (body: string, headers: Readonly<Record<string, string>> = {}, query = "") =>
  Effect.flatMap(EdgeTest, ({ send }) =>
    send("POST", `/v1/catalog/import${query}`, body, {
      ...authorised,
      "content-type": "application/x-ndjson",
      ...headers
    })
  )
const csv = (body: string, headers: Readonly<Record<string, string>> = {}) =>
  ndjson(body, { "content-type": "text/csv; charset=utf-8", ...headers })

layer(EdgeTest.layer, { excludeTestServices: true, timeout: "60 seconds" })("catalogue", (it) => {
  it.effect("takes NDJSON, each row under the id of the import", () =>
    Effect.gen(function* () {
      const body = [row("A", { stock: 5 }), row("B", { warehouse: "eu-north", stock: 0 })]
      const answer = yield* ndjson(body.map((line) => JSON.stringify(line)).join("\n"), { "import-id": "i1" })
      assert.strictEqual(answer.status, 200, answer.text)
      assert.strictEqual(answer.headers.get("import-id"), "i1")
      assert.deepStrictEqual(lines(answer.text), [{ type: "done", importId: "i1", rows: 2, accepted: 2, rejected: 0 }])
      assert.deepStrictEqual(
        received.filter((line) => line.includes("import:i1:")),
        [
          "Product eu_A ListProduct(A) import:i1:1:list",
          "Product eu_B ListProduct(B) import:i1:2:list",
          "Sku eu_A Receive import:i1:1:receive"
        ].toSorted((left, right) => (received.indexOf(left) < received.indexOf(right) ? -1 : 1))
      )
      const { send } = yield* EdgeTest
      const product = yield* send("GET", "/v1/products/A?region=eu")
      assert.deepInclude(product.json, { sku: "A", price: { amount: "495", currency: "GBP" }, taxRate: 2000 })
    })
  )

  it.effect("names each faulty row and goes on", () =>
    Effect.gen(function* () {
      const long = JSON.stringify(row("L", { description: "x".repeat(70_000) }))
      const body = ["nonsense", JSON.stringify(row("C", { taxRate: "20" })), long, "", JSON.stringify(row("D"))]
      const answer = yield* ndjson(`${body.join("\n")}\n`, { "import-id": "i2" })
      const [first, second, third, done] = lines(answer.text)
      assert.deepInclude(first, { type: "error", row: 1, code: "invalid_row" })
      assert.deepInclude(second, { type: "error", row: 2, code: "invalid_row" })
      assert.include(second.detail, "/taxRate")
      assert.deepInclude(third, { type: "error", row: 3, code: "row_too_large" })
      assert.deepStrictEqual(done, { type: "done", importId: "i2", rows: 4, accepted: 1, rejected: 3 })
    })
  )

  it.effect("resumes at a row, with the same commands", () =>
    Effect.gen(function* () {
      const body = [row("E"), row("F")].map((line) => JSON.stringify(line)).join("\n")
      const answer = yield* ndjson(body, { "import-id": "i3" }, "?from=2")
      assert.deepStrictEqual(lines(answer.text), [{ type: "done", importId: "i3", rows: 1, accepted: 1, rejected: 0 }])
      assert.deepStrictEqual(
        received.filter((line) => line.includes("import:i3:")),
        ["Product eu_F ListProduct(F) import:i3:2:list"]
      )
    })
  )

  it.effect("keeps the rows of one product in order, so that the last one wins", () =>
    Effect.gen(function* () {
      const body = [row("G", { title: "Slow" }), row("G", { title: "Last" })]
      yield* ndjson(body.map((line) => JSON.stringify(line)).join("\n"))
      const { send } = yield* EdgeTest
      assert.strictEqual((yield* send("GET", "/v1/products/G?region=eu")).json.title, "Last")
    })
  )

  it.effect("takes CSV by RFC 4180", () =>
    Effect.gen(function* () {
      const answer = yield* csv(
        [
          "region,sku,title,description,price,currency,tax_rate,warehouse,stock",
          'eu,H,"Tea, ""strong""",,495,GBP,2000,,7',
          "eu,I,Cheese,,12.90,GBP,2000,,",
          "eu,J,Short"
        ].join("\r\n"),
        { "import-id": "i4" }
      )
      const [invalid, short, done] = lines(answer.text)
      assert.deepInclude(invalid, { type: "error", row: 2, code: "invalid_row" })
      assert.deepInclude(short, { type: "error", row: 3, code: "invalid_row" })
      assert.deepInclude(done, { type: "done", rows: 3, accepted: 1, rejected: 2 })
      const { send } = yield* EdgeTest
      assert.strictEqual((yield* send("GET", "/v1/products/H?region=eu")).json.title, 'Tea, "strong"')
      assert.include(received, "Sku eu_H Receive import:i4:1:receive")
    })
  )

  it.effect("ends with `failed` when the rest cannot be read", () =>
    Effect.gen(function* () {
      const header = "region,sku,title,price,currency,tax_rate"
      const wrong = yield* csv("region,sku,colour\neu,K,red\n")
      assert.deepInclude(lines(wrong.text).at(-1), { type: "failed", code: "invalid_header" })
      const quote = yield* csv(`${header}\neu,K,"never ends,1,GBP,0\n`)
      assert.deepInclude(lines(quote.text).at(-1), { type: "failed", code: "invalid_csv" })
      const long = yield* csv(`${header}\neu,K,"${"x".repeat(70_000)}",1,GBP,0\n`)
      assert.deepInclude(lines(long.text).at(-1), { type: "failed", code: "row_too_large" })
    })
  )

  it.effect("reports progress while a long body is still on its way", () =>
    Effect.gen(function* () {
      const { fetch } = yield* EdgeTest
      let rest: (() => void) | undefined
      const body = new ReadableStream<Uint8Array>({
        start(controller) {
          const encode = (from: number, to: number) => {
            for (let index = from; index < to; index++) {
              controller.enqueue(Buffer.from(`${JSON.stringify(row(`P${index % 50}`))}\n`))
            }
          }
          encode(0, 600)
          rest = () => {
            encode(600, 1_000)
            controller.close()
          }
        }
      })
      const response = yield* fetch("/v1/catalog/import", {
        method: "POST",
        headers: { ...authorised, "content-type": "application/x-ndjson" },
        body,
        duplex: "half"
      } as RequestInit)
      const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader()
      const first = yield* Effect.promise(() => reader.read())
      // After 500 rows, or after a second on a slow machine: in any case before the rest is sent.
      const progress = lines(first.value!)[0]
      assert.deepInclude(progress, { type: "progress", rejected: 0 })
      assert.isAtMost(Number(progress?.["rows"]), 600)
      rest?.()
      let text = ""
      for (let part = yield* Effect.promise(() => reader.read()); !part.done;) {
        text += part.value
        part = yield* Effect.promise(() => reader.read())
      }
      assert.deepInclude(lines(text).at(-1), { type: "done", rows: 1_000, accepted: 1_000 })
    })
  )

  it.effect("adjusts stock for importers, under a key", () =>
    Effect.gen(function* () {
      const { send } = yield* EdgeTest
      const body = { warehouse: "eu-main", expectedOnHand: 5, onHand: 4, reason: "counted" }
      const path = "/v1/skus/eu/TEA/adjustments"
      const answer = yield* send("POST", path, body, { ...authorised, "idempotency-key": "a1" })
      assert.strictEqual(answer.status, 200, answer.text)
      assert.deepStrictEqual(answer.json.warehouses, [
        { warehouse: "eu-main", onHand: 5, held: 1, reserved: 1, available: 3 }
      ])
      assert.strictEqual((yield* send("POST", path, body, authorised)).json.code, "idempotency_key_required")
      assert.strictEqual((yield* send("POST", path, body, { "idempotency-key": "a1" })).status, 401)
      assert.deepInclude((yield* send("GET", "/v1/skus/eu/TEA")).json, { region: "eu", sku: "TEA" })
    })
  )
})
