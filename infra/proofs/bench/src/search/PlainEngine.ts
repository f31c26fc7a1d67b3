import type { ProductDocument } from "@halles/search/index/ProductDocument"
import { fields, fieldsOf } from "@halles/search/index/ProductDocument"
import { DatabaseSync } from "node:sqlite"

/** SQLite's FTS5 over the same documents: Porter's stems, any of the words, titles three times. What our ranking is measured by. */
export const make = (documents: ReadonlyArray<ProductDocument>) => {
  const database = new DatabaseSync(":memory:")
  const columns = fields.map(({ name }) => name).join(", ")
  database.exec(`CREATE VIRTUAL TABLE product USING fts5(id UNINDEXED, ${columns}, tokenize = 'porter unicode61')`)
  const insert = database.prepare(`INSERT INTO product VALUES (?${", ?".repeat(fields.length)})`)
  database.exec("BEGIN")
  for (const document of documents) insert.run(document.id, ...fieldsOf(document).map((texts) => texts.join(" ")))
  database.exec("COMMIT")
  const weights = fields.map(({ name }) => (name === "title" ? 3 : 1)).join(", ")
  const select = database.prepare(
    `SELECT id FROM product WHERE product MATCH ? ORDER BY bm25(product, 0, ${weights}) LIMIT 10`
  )
  return (query: string): ReadonlyArray<string> => {
    const any = query
      .split(/\s+/)
      .map((word) => `"${word.replaceAll('"', '""')}"`)
      .join(" OR ")
    return select.all(any).map(({ id }) => String(id))
  }
}
