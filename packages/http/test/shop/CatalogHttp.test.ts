import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { EdgeTest, importToken } from "../EdgeTest.ts"
import { received } from "../EntityDoubles.ts"

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

const windows = (text: string) =>
  Buffer.from(text.replaceAll("€", "\x80").replaceAll("“", "\x93").replaceAll("”", "\x94"), "latin1")

layer(EdgeTest.layer, { excludeTestServices: true, timeout: "60 seconds" })("catalogue", (it) => {
  it.effect("takes NDJSON, each row under the id of the import", () =>
    Effect.gen(function* () {
      const body = [row("A", { stock: 5 }), row("B", { warehouse: "eu-north", stock: 0 })]
      const answer = yield* ndjson(body.map((line) => JSON.stringify(line)).join("\n"), { "import-id": "i1" })
      assert.strictEqual(answer.status, 200, answer.text)
      assert.strictEqual(answer.headers.get("import-id"), "i1")
      assert.deepStrictEqual(lines(answer.text), [{ type: "done", importId: "i1", rows: 2, accepted: 2, rejected: 0 }])
      const { send } = yield* EdgeTest
      const commands = received.filter((line) => /^\w+ eu_[AB] /.test(line)).map((line) => line.split(" ").slice(0, 3))
      assert.sameDeepMembers(commands, [
        ["Product", "eu_A", "ListProduct(A)"],
        ["Product", "eu_B", "ListProduct(B)"],
        ["Sku", "eu_A", "Receive"]
      ])
      const product = yield* send("GET", "/v1/products/A?region=eu")
      assert.deepInclude(product.json, { sku: "A", price: { amount: "495", currency: "GBP" }, taxRate: 2000 })
      // Who only looks need not say where; who changes something must.
      assert.deepStrictEqual((yield* send("GET", "/v1/products/A")).json, product.json)
      const list = yield* send("GET", "/v1/products")
      assert.deepStrictEqual([list.status, list.text], [200, (yield* send("GET", "/v1/products?region=eu")).text])
      const removed = yield* send("DELETE", "/v1/products/A", undefined, { authorization: `Bearer ${importToken}` })
      assert.deepStrictEqual([removed.status, removed.json.errors[0]?.parameter], [400, "region"])
    })
  )

  it.effect("names each faulty row and goes on", () =>
    Effect.gen(function* () {
      const long = JSON.stringify(row("L", { description: "x".repeat(1_100_000) }))
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
      assert.isFalse(received.some((line) => line.startsWith("Product eu_E ")))
      yield* ndjson(body, { "import-id": "i3" })
      const twice = received.filter((line) => line.startsWith("Product eu_F "))
      assert.deepStrictEqual(twice, [twice[0]!, twice[0]!])
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
      assert.isTrue(received.some((line) => line.startsWith("Sku eu_H Receive import:receive:")))
    })
  )

  it.effect("ends with `failed` when the rest cannot be read", () =>
    Effect.gen(function* () {
      const header = "region,sku,title,price,currency,tax_rate"
      const wrong = yield* csv("region,sku,colour\neu,K,red\n")
      assert.deepInclude(lines(wrong.text).at(-1), { type: "failed", code: "invalid_header" })
      for (const [what, faulty, body] of [
        ["a column twice", "Columns that stand twice: title", `${header},title\neu,K,Right,1,GBP,0,Wrong\n`],
        ["nothing", "Expected a header", ""],
        ["no header", "Unknown columns", "eu,K,Title,1,GBP,0\n"],
        ["a header that does not end", "Quotes do not match", `"${header}\n`]
      ] as const) {
        const end = lines((yield* csv(body)).text).at(-1)
        assert.deepInclude(end, { type: "failed", code: "invalid_header", row: 0 }, what)
        assert.include(end?.["detail"], faulty, what)
      }
      const empty = lines((yield* csv(`${header}\n`, { "import-id": "none" })).text)
      assert.deepStrictEqual(empty, [{ type: "done", importId: "none", rows: 0, accepted: 0, rejected: 0 }])
    })
  )

  it.effect("takes the rows behind one whose quotes do not match", () =>
    Effect.gen(function* () {
      const header = "region,sku,title,price,currency,tax_rate"
      const rows = [`eu,K1,Pipe 12" long,1,GBP,0`, `eu,K2,"never ends,1,GBP,0`, `eu,K3,"Best" pipe,1,GBP,0`]
      const long = `eu,K4,"${"x".repeat(1_100_000)}",1,GBP,0`
      const all = lines((yield* csv([header, ...rows, long, `eu,K5,"Good, one",1,GBP,0`, ""].join("\r\n"))).text)
      // A busy machine takes so long that there is progress to report.
      const said = all.filter(({ type }) => type !== "progress")
      assert.deepStrictEqual(
        said.map(({ code = null, row = null, type }) => [type, row, code]),
        [
          ["error", 2, "invalid_csv"],
          ["error", 3, "invalid_csv"],
          ["error", 4, "row_too_large"],
          ["done", null, null]
        ]
      )
      const { send } = yield* EdgeTest
      assert.strictEqual((yield* send("GET", "/v1/products/K1?region=eu")).json.title, 'Pipe 12" long')
      assert.strictEqual((yield* send("GET", "/v1/products/K5?region=eu")).json.title, "Good, one")
    })
  )

  it.effect("takes what spreadsheets make of it", () =>
    Effect.gen(function* () {
      const { send } = yield* EdgeTest
      const head = "Region;SKU;Title;Price;Currency;Tax_Rate;Stock;"
      for (const [what, body] of [
        ["semicolons", `${head}\r\neu;L1;"Tee; gr\u00fcn";\u00a01995 ;EUR;1900;3;\r\n`],
        ["a stated delimiter", `sep=;\r\n${head}\r\neu;L1;"Tee; gr\u00fcn";1995;EUR;1900;3;\r\n`],
        ["tabs and a mark", `\ufeff${head.replaceAll(";", "\t")}\neu\tL1\tTee; gr\u00fcn\t1995\tEUR\t1900\t3\t\n`],
        ["line ends of old", `${head}\reu;L1;Tee\\; gr\u00fcn;1995;EUR;1900;3;\r`.replace("\\;", ",")]
      ] as const) {
        const [end] = lines((yield* csv(body)).text)
        assert.deepInclude(end, { type: "done", accepted: 1 }, `${what}: ${JSON.stringify(end)}`)
        const { title } = (yield* send("GET", "/v1/products/L1?region=eu")).json
        assert.strictEqual(title.replace(",", ";"), "Tee; gr\u00fcn", what)
      }
      const numbers = ["19,95", "19.95", "1e3", "1.234,50", "-1", "\u0661"]
      const answer = yield* csv(`${head}\n${numbers.map((price) => `eu;L2;x;${price};EUR;1900;;`).join("\n")}\n`)
      assert.lengthOf(
        lines(answer.text).filter(
          ({ detail, type }) => type === "error" && detail.startsWith("price: Expected digits")
        ),
        numbers.length
      )
    })
  )

  it.effect("reads the encoding that is declared or marked, and refuses a whole file that is none", () =>
    Effect.gen(function* () {
      const { fetch, send } = yield* EdgeTest
      const upload = (body: Uint8Array, type = "text/csv") =>
        Effect.flatMap(
          fetch("/v1/catalog/import", {
            method: "POST",
            headers: { ...authorised, "content-type": type },
            body: Buffer.from(body)
          }),
          (response) =>
            Effect.map(
              Effect.promise(() => response.text()),
              (text) => ({ status: response.status, text })
            )
        )
      const titled = (sku: string) => Effect.map(send("GET", `/v1/products/${sku}?region=eu`), ({ json }) => json.title)
      const head = "region,sku,title,price,currency,tax_rate\n"
      const file = (sku: string) => `${head}eu,${sku}-FIRST,Plain,1,EUR,0\neu,${sku},Café “Crème” €,1,EUR,0\n`
      const utf16 = Buffer.from(`\ufeff${file("M3")}`, "utf16le")
      for (const [sku, body, type] of [
        ["M1", windows(file("M1")), "text/csv; charset=windows-1252"],
        ["M2", windows(file("M2")), 'Text/CSV;header=present; Charset="CP1252"'],
        ["M3", utf16, "text/csv"],
        ["M4", Buffer.from(`\ufeff${file("M4")}`, "utf16le").swap16(), "text/csv; charset=utf-8"],
        ["M5", Buffer.from(`\ufeff${file("M5")}`), "text/csv; charset=windows-1252"],
        ["M6", Buffer.from(file("M6")), "text/csv"]
      ] as const) {
        const end = lines((yield* upload(body, type)).text).at(-1)
        assert.deepInclude(end, { type: "done", accepted: 2, rejected: 0 }, sku)
        assert.strictEqual(yield* titled(sku), "Café “Crème” €", sku)
      }
      for (const [sku, body, type] of [
        ["N1", windows(file("N1")), "text/csv"],
        ["N2", windows(file("N2")), "text/csv; charset=utf-8"],
        ["N3", utf16.subarray(0, utf16.length - 1), "text/csv"],
        ["N4", Buffer.concat([Buffer.from(file("N4")), Buffer.from([0xc3])]), "text/csv"]
      ] as const) {
        const [end, ...more] = lines((yield* upload(body, type)).text)
        assert.deepStrictEqual([end?.["type"], end?.["code"], more], ["failed", "wrong_encoding", []], sku)
        if (sku < "N3") assert.include(end?.["detail"], "Line 3 ", sku)
        assert.strictEqual((yield* send("GET", `/v1/products/${sku}-FIRST?region=eu`)).status, 404, sku)
      }
      for (const charset of ["utf-7", "nonsense", ""])
        assert.strictEqual(
          (yield* upload(Buffer.from(file("N5")), `text/csv; charset=${charset}`)).status,
          400,
          charset
        )
      const json = Buffer.from(
        `${JSON.stringify(row("N6", { title: "Café" }))}\n${JSON.stringify(row("N7"))}\n`,
        "latin1"
      )
      const answer = lines((yield* upload(json, "application/x-ndjson")).text)
      assert.deepInclude(answer[0], { type: "error", row: 1, code: "wrong_encoding" })
      assert.deepInclude(answer[1], { type: "done", accepted: 1, rejected: 1 })
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
