import { assert, describe, it } from "@effect/vitest"
import * as Snapshot from "@halles/search/process/Snapshot"
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { productRow } from "./Sample.ts"

const damages: Readonly<Record<string, (file: string) => void>> = {
  "is no database": (file) => writeFileSync(file, "no database, but long enough to be taken for one".repeat(100)),
  "is cut off": (file) => truncateSync(file, 5_000)
}

describe("Snapshot", () => {
  for (const [name, damage] of Object.entries(damages))
    it(`a file that ${name} is made anew`, () => {
      const folder = mkdtempSync(join(tmpdir(), "halles-snapshot-"))
      const file = join(folder, "eu.sqlite")
      const rows = Array.from({ length: 100 }, (_, at) => productRow(`A${at}`, "Tea", "leaf ".repeat(100)))
      try {
        const before = Snapshot.open(file)
        const products = before.section("product", "1")
        before.section("search_rule", "1").save(rows.slice(0, 1), 9, [])
        products.save(rows, 7, [["eu_A3", 5]])
        before.close()
        const whole = Snapshot.open(file)
        assert.deepInclude(whole.section("product", "1").load(), { streamSeq: 7, gaps: [["eu_A3", 5]] })
        assert.isNull(whole.section("product", "2").load())
        assert.lengthOf(whole.section("search_rule", "1").load()?.rows ?? [], 1)
        whole.close()
        damage(file)
        const after = Snapshot.open(file)
        assert.isNull(after.section("product", "1").load())
        after.section("product", "1").save(rows, 8, [])
        assert.strictEqual(after.section("product", "1").load()?.rows.length, 100)
        after.close()
      } finally {
        rmSync(folder, { recursive: true })
      }
    })
})
