import { Schema, SchemaAST } from "effect"
import type { Column, Folded, Projection, ViewRow } from "./Projection.ts"

/** By name, in snake case: what a column holds, as the row of a fold and of a list has it. */
export type Columns = Readonly<Record<string, Schema.Top>>

export type RowOf<C extends Columns> = { readonly [Name in keyof C]: C[Name]["Type"] }

/** A read table of one entity type, with the types of its columns. */
export interface Table<C extends Columns = Columns> extends Projection {
  readonly schemas: C
  fold(before: RowOf<C> | null, entry: Folded): RowOf<C>
}

/** Unix milliseconds; in the table a `timestamptz`. */
export const Time = Schema.Int.annotate({ sqlType: "timestamptz" })

/** Text, whole numbers, flags and times have types of their own; whatever has members is `jsonb`. */
const columnOf = (ast: SchemaAST.AST): Column => {
  if (SchemaAST.resolve(ast)?.["sqlType"] === "timestamptz") return { type: "timestamptz", isNullable: false }
  switch (ast._tag) {
    case "String":
    case "Literal":
      return { type: "text", isNullable: false }
    case "Number":
      return { type: "bigint", isNullable: false }
    case "Boolean":
      return { type: "boolean", isNullable: false }
    case "Arrays":
    case "Objects":
      return { type: "jsonb", isNullable: false }
    case "Union": {
      const all = ast.types.filter(({ _tag }) => _tag !== "Null").map(columnOf)
      const [first] = all
      if (first === undefined || all.some(({ type }) => type !== first.type)) break
      return { type: first.type, isNullable: all.length < ast.types.length || all.some(({ isNullable }) => isNullable) }
    }
  }
  throw new Error(`No column holds ${ast._tag}`)
}

/**
 * A read table whose rows follow from the events of one entity type: its SQL types, its DDL and what is read and written of it
 * follow from the schemas of its columns. `id` and `seq` stand before them.
 */
export const make = <Event extends { readonly _tag: string }, const C extends Columns>(
  model: { readonly type: string; readonly Event: Schema.Codec<Event, unknown> },
  options: {
    readonly name: string
    /** Raised when `fold` or the columns change: the table is then rebuilt. */
    readonly version: number
    readonly columns: C
    /** By name: what an index is on. */
    readonly indexes?: Readonly<Record<string, string>>
    /** Columns whose words are looked for. */
    readonly search?: ReadonlyArray<keyof C & string>
    /** The row after an event of an entry that was written at that Unix millisecond; `null` where no history begins with such an event. */
    readonly fold: (row: RowOf<C> | null, event: Event, at: number) => RowOf<C> | null
    /** What is kept in Redis of a row, if anything. */
    readonly cached?: {
      readonly prefix: string
      readonly ttlSeconds: number
      value(row: RowOf<C> & ViewRow): unknown
    }
  }
): Table<C> => {
  const { cached = null, columns, fold, indexes = {}, name, search = [], version } = options
  const table = `${name}_view`
  const words = `to_tsvector('simple', ${search.join(" || ' ' || ")})`
  const named = Object.entries(indexes).map(([index, on]) => [`${table}_${index}`, on] as const)
  return {
    name,
    version,
    entityType: model.type,
    table,
    schemas: columns,
    columns: Object.fromEntries(Object.entries(columns).map(([column, { ast }]) => [column, columnOf(ast)])),
    cached,
    derived: search.length === 0 ? {} : { search: `tsvector NOT NULL GENERATED ALWAYS AS (${words}) STORED` },
    indexes: Object.fromEntries([
      ...named,
      ...(search.length === 0 ? [] : [[`${table}_search`, "USING gin (search)"]])
    ]),
    fold: (before, { at, events }) => {
      let row = before
      for (const event of events as ReadonlyArray<Event>) {
        row = fold(row, event, at)
        if (!row) throw new Error(`a history of ${model.type} does not go on with ${event._tag}`)
      }
      if (row === null) throw new Error(`a history of ${model.type} does not begin without an event`)
      return row
    }
  }
}
