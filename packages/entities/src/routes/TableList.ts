import { type Projection, selected, type ViewRow } from "@halles/engine/projections/Projection"
import type { Columns, RowOf, Table } from "@halles/engine/projections/Table"
import { type BadCursor, bounded, Cursor, decodeCursor, type Page, pageOf } from "@halles/shared/Page"
import type { Region } from "@halles/shared/Region"
import { Effect, Schema } from "effect"
import { SqlClient, type Statement } from "effect/sql"
import type { Query } from "./Reads.ts"

/** What every list is asked with. */
export interface Asked {
  readonly region: Region
  readonly limit: number
  readonly cursor?: string | undefined
  /** Words that are looked for, by their beginnings, in a table that has a search. */
  readonly q?: string | undefined
}

/** A list of a read table. */
export interface TableList<Wanted, Item> {
  readonly table: Projection
  readonly page: (asked: Wanted & Asked) => Query<Page<Item>, BadCursor>
  readonly idOf: (item: Item) => string
  /** The order in which it has its items. */
  readonly compare: (a: Item, b: Item) => number
}

/** Words of one search; the rest is not looked at. */
const wordsMax = 8
/**
 * `red mug` finds what has words that begin with `red` and with `mug`; anything but letters with their marks and digits parts
 * words. Texts are composed (NFC), so what is looked for is too.
 */
const prefixQuery = (q: string | undefined): string | null => {
  const words = q?.normalize("NFC").match(/[\p{L}\p{M}\p{N}]+/gu) ?? []
  return words.length === 0
    ? null
    : words
        .slice(0, wordsMax)
        .map((word) => `'${word}':*`)
        .join(" & ")
}

/** A page at a time, in the order of the columns `by`, the last of which is `id`. */
export const make = <C extends Columns, Item, Wanted extends object = object, Read extends keyof C = keyof C>(
  table: Table<C>,
  options: {
    /** Names its cursors, and its queries in traces. */
    readonly name: string
    readonly by: readonly [...ReadonlyArray<keyof C & string>, "id"]
    readonly descending?: true
    /** The rows that it has. */
    readonly where: (sql: SqlClient.SqlClient, asked: Wanted & Asked) => Statement.Fragment
    /** The columns that items are made of beside `id` and `seq`; without it all. */
    readonly reads?: ReadonlyArray<Read>
    readonly item: (row: RowOf<Pick<C, Read>> & ViewRow, asked: Wanted & Asked) => Item
    /** The values of `by` in an item. */
    readonly key: (item: Item) => readonly [...ReadonlyArray<string | number>, id: string]
  }
): TableList<Wanted, Item> => {
  const { by, descending, item, key, name, reads, where } = options
  const typeOf = (column: string) => table.columns[column]?.type ?? "text"
  const schemaOf = (column: string) => (table.schemas[column] ?? Schema.String) as Schema.Codec<unknown, unknown>
  const cursors = Cursor(name, by.map(schemaOf))
  const direction = descending === true ? -1 : 1
  return {
    table,
    idOf: (one) => key(one).at(-1) as string,
    compare: (a, b) => {
      const before = key(b)
      for (const [index, value] of key(a).entries()) {
        if (value !== before[index]) return value < before[index]! ? -direction : direction
      }
      return 0
    },
    page: (asked) => ({
      name,
      run: Effect.gen(function* () {
        const sql = yield* SqlClient.SqlClient
        const limit = bounded(asked.limit)
        const after = yield* decodeCursor(cursors, asked.cursor)
        const words = table.derived["search"] === undefined ? null : prefixQuery(asked.q)
        const parameter = (value: unknown, column: string) => {
          if (typeOf(column) === "text") return sql`${value}`
          const isTime = typeOf(column) === "timestamptz"
          return isTime ? sql`to_timestamp(${String(value)}::text::float8 / 1000)` : sql`${String(value)}::text::bigint`
        }
        const conditions = [where(sql, asked)]
        if (words !== null) conditions.push(sql`search @@ to_tsquery('simple', ${words})`)
        if (after !== null) {
          const [, ...values] = after
          const last = sql.csv(values.map((value, index) => parameter(value, by[index]!)))
          conditions.push(sql`(${sql.literal(by.join(", "))}) ${sql.literal(descending ? "<" : ">")} (${last})`)
        }
        // Not by what is selected, which no index has.
        const order = by.map((column) => `v.${column}${descending ? " DESC" : ""}`).join(", ")
        const rows = yield* sql<RowOf<Pick<C, Read>> & ViewRow>`
          SELECT ${sql.literal(selected(table, reads))} FROM ${sql(table.table)} v
          WHERE ${sql.and(conditions)} ORDER BY ${sql.literal(order)} LIMIT ${limit + 1}`
        return pageOf(
          rows.map((row) => item(row, asked)),
          limit,
          (one) => one,
          (one) => [name, ...key(one)]
        )
      })
    })
  }
}
