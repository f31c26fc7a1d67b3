import { assert, describe, it } from "@effect/vitest"
import { Effect, FileSystem, type Scope } from "effect"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { existsSync, readdirSync } from "node:fs"
import { join } from "node:path"
import { gzipSync } from "node:zlib"
import * as Invoices from "../../src/replay/Invoices.ts"
import * as Plan from "../../src/replay/Plan.ts"
import * as Report from "../../src/replay/Report.ts"

const header = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country"

const fileOf = (content: Uint8Array): Effect.Effect<string, unknown, FileSystem.FileSystem | Scope.Scope> =>
  Effect.gen(function* () {
    const fs = yield* FileSystem.FileSystem
    const file = yield* fs.makeTempFileScoped({ suffix: ".csv.gz" })
    yield* fs.writeFile(file, content)
    return file
  })
const read = (...lines: ReadonlyArray<string>) =>
  Effect.flatMap(fileOf(gzipSync(lines.join("\n"))), Invoices.read).pipe(Effect.provide(NodeServices.layer))

describe("Invoices", () => {
  it.effect("reads quotes, blanks and odd numbers", () =>
    Effect.gen(function* () {
      const { malformed, rows } = yield* read(
        header,
        `1,10001,"A ""FINE"" CUP, BLUE",1e+05,2011-01-04T10:00:00,0.1,,EIRE`,
        `1,10002,NA,-2,2011-01-04 10:00:00,-11062.06,17850.0,Japan`,
        `1,10003,half " a quote,1,2011-01-04T10:00,1.255,NA,Japan`
      )
      assert.deepStrictEqual(malformed, [])
      assert.deepStrictEqual(
        rows.map(({ customer, description, pence, quantity, rounding }) => [
          description,
          quantity,
          pence,
          customer,
          rounding
        ]),
        [
          [`A "FINE" CUP, BLUE`, 100_000, 10, undefined, "none"],
          ["", -2, -1_106_206, "17850", "none"],
          [`half " a quote`, 1, 126, undefined, "changed"]
        ]
      )
    })
  )

  it.effect("counts rows that cannot be read, and goes on", () =>
    Effect.gen(function* () {
      const { malformed, rows } = yield* read(
        header,
        `,10001,CUP,1,2011-01-04T10:00:00,1.00,1,Japan`,
        `1,,CUP,1,2011-01-04T10:00:00,1.00,1,Japan`,
        `1,10001,CUP,1.5,2011-01-04T10:00:00,1.00,1,Japan`,
        `1,10001,CUP,1,yesterday,1.00,1,Japan`,
        `1,10001,CUP,1,2011-01-04T10:00:00,one,1,Japan`,
        `1,10001,CUP,1,2011-01-04T10:00:00,1.00,a b,Japan`,
        `1,10001,CUP,1`,
        ``,
        `1,10001,CUP,1,2011-01-04T10:00:00,1.00,1,Japan`,
        `1,10001,"no end,1,2011-01-04T10:00:00,1.00,1,Japan`
      )
      assert.deepStrictEqual(
        malformed.map(({ reason }) => reason),
        ["InvoiceNo", "StockCode", "Quantity", "InvoiceDate", "UnitPrice", "CustomerID", "columns", "quoting"]
      )
      assert.strictEqual(rows.length, 1)
    })
  )

  it.effect("names a file that is none", () =>
    Effect.gen(function* () {
      const notGzip = yield* Effect.flip(Effect.flatMap(fileOf(new TextEncoder().encode(header)), Invoices.read))
      const noColumn = yield* Effect.flip(read("InvoiceNo,StockCode", "1,2"))
      const empty = yield* Effect.flip(read(""))
      for (const error of [notGzip, noColumn, empty]) assert.instanceOf(error, Invoices.UnreadableFile)
    }).pipe(Effect.provide(NodeServices.layer))
  )
})

const months = join(import.meta.dirname, "../../../../../../shared/data/online-retail")
const present = existsSync(months)
const files = present ? readdirSync(months).filter((name) => name.endsWith(".csv.gz")) : []

describe("Real months", () => {
  if (!present) it.skip(`skipped: ${months} is not there`, () => {})
  it.effect.each(files)("%s: every row in one bucket, every order to the penny", (name) =>
    Effect.gen(function* () {
      const { malformed, rows } = yield* Invoices.read(join(months, name))
      const plan = Plan.make({ malformed, rows }, Number.MAX_SAFE_INTEGER)
      assert.deepStrictEqual(malformed, [])
      assert.isAbove(plan.sales.length, 1_000)
      assert.isAbove(plan.returns.length, 50)
      assert.isAbove((plan.buckets.get("ordered") ?? 0) / plan.rows, 0.95)
      Report.rows(plan)
      for (const sale of plan.sales) {
        const parts = [
          ...sale.lines.map((line) => line.quantity * line.pence),
          ...sale.charges.map(({ pence }) => pence)
        ]
        assert.strictEqual(
          parts.reduce((sum, part) => sum + part, 0),
          sale.total
        )
      }
    })
  )
})
