import { Console, Effect } from "effect"
import { Flag } from "effect/cli"

const formats = ["table", "json", "jsonl", "ids"] as const
export type Format = (typeof formats)[number]

export const output = Flag.Literals("output", formats).pipe(
  Flag.withAlias("o"),
  Flag.withDescription("table for eyes, json as one array, jsonl one object a line, ids for the next command"),
  Flag.withDefault("table" as const)
)

/** Characters of one cell of a table. */
const cellMax = 80

type Item = Readonly<Record<string, unknown>>

const textOf = (value: unknown): string => {
  if (value === null || value === undefined) return ""
  if (typeof value === "string" || typeof value === "bigint") return String(value)
  return JSON.stringify(value, bigintText) ?? ""
}
const cell = (value: unknown): string => {
  const text = textOf(value).replaceAll(/\s+/g, " ")
  return text.length > cellMax ? `${text.slice(0, cellMax - 1)}…` : text
}
const bigintText = (_: string, value: unknown): unknown => (typeof value === "bigint" ? value.toString() : value)

/** Columns as wide as their widest cell, numbers to the right. */
export const table = (items: ReadonlyArray<Item>, columns: ReadonlyArray<string>): string => {
  const rows = items.map((item) => columns.map((column) => cell(item[column])))
  const widths = columns.map((column, at) => Math.max(column.length, ...rows.map((row) => row[at]!.length)))
  const isNumber = columns.map((column) => items.every((item) => ["number", "bigint"].includes(typeof item[column])))
  const line = (cells: ReadonlyArray<string>) =>
    cells
      .map((text, at) => (isNumber[at] === true ? text.padStart(widths[at]!) : text.padEnd(widths[at]!)))
      .join("  ")
      .trimEnd()
  return [line(columns), ...rows.map(line)].join("\n")
}

/** A state as a tree of `path: value` lines. */
export const tree = (value: unknown, indent = ""): string => {
  if (typeof value !== "object" || value === null) return `${indent}${textOf(value)}`
  return Object.entries(value)
    .map(([key, inner]) =>
      typeof inner === "object" && inner !== null && Object.keys(inner).length > 0
        ? `${indent}${key}:\n${tree(inner, `${indent}  `)}`
        : `${indent}${key}: ${textOf(inner)}`
    )
    .join("\n")
}

/** Prints a list in the wanted format, as it is: whoever has personal data hides it. `idOf` names the entity that an item is about. */
export const printList = (
  format: Format,
  items: ReadonlyArray<Item>,
  columns: ReadonlyArray<string>,
  idOf: (item: Item) => string
): Effect.Effect<void> => {
  switch (format) {
    case "ids":
      return Effect.forEach([...new Set(items.map(idOf))], (id) => Console.log(id), { discard: true })
    case "json":
      return Console.log(JSON.stringify(items, bigintText, 2))
    case "jsonl":
      return Effect.forEach(items, (item) => Console.log(JSON.stringify(item, bigintText)), { discard: true })
    case "table":
      return Console.log(table(items, columns))
  }
}

/** `2026-11-23 09:41:07.123`, in UTC. */
export const clockTime = (at: number): string => new Date(at).toISOString().replace("T", " ").slice(0, 23)

/** `412 ms`, `3.1 s`, `4 min`, `7 h`, `12 d`. */
export const duration = (ms: number): string => {
  if (ms < 1_000) return `${Math.round(ms)} ms`
  if (ms < 60_000) return `${(ms / 1_000).toFixed(1)} s`
  if (ms < 3_600_000) return `${Math.round(ms / 60_000)} min`
  return ms < 86_400_000 ? `${Math.round(ms / 3_600_000)} h` : `${Math.round(ms / 86_400_000)} d`
}
