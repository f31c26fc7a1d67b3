import { Result, type Schema } from "effect"
import type { MembersInUse } from "../catalogue/ProductTable.ts"
import { faultOf, type RowFault } from "./RowFault.ts"
import type { Cells } from "./Workbook.ts"

// The columns beside those of a listing: what each says of a product, and how it is written in a cell.

type Json = typeof Schema.Json.Type

/** How a value is written in a cell. What an attribute is, its declaration says; its cell stays a text until that is known. */
interface Form {
  readonly read: (text: string) => Json
  readonly write: (value: Json) => string | number
}
export interface Column {
  readonly name: string
  /** Where the value stands in a row as JSON. */
  readonly path: ReadonlyArray<string>
  readonly form: Form
}

/** Codes have none of these, so that people may part them by what they are used to. */
const parting = /[\s,;|]+/
/** A list of nothing. An empty cell says that there is no list. */
const none = "-"
export const items = (text: string): ReadonlyArray<string> =>
  text.trim() === none ? [] : text.split(parting).filter((one) => one !== "")
const joined = (list: ReadonlyArray<string>): string => (list.length === 0 ? none : list.join("|"))

/** Decimal digits as a number, anything else as it stands, for the schema to refuse. */
export const whole = (text: string): Json => (/^[0-9]{1,15}$/.test(text.trim()) ? Number(text) : text)

const text: Form = { read: (cell) => cell, write: (value) => String(value) }
const code: Form = { read: (cell) => cell.trim(), write: (value) => String(value) }
const units: Form = { read: whole, write: (value) => Number(value) }
const codes: Form = { read: items, write: (value) => joined(value as ReadonlyArray<string>) }
/** `accessory:MUG-07|replacement:TEA-02` */
const relations: Form = {
  read: (cell) =>
    items(cell).map((item) => {
      const [kind = "", ...sku] = item.split(":")
      return { kind, sku: sku.join(":") }
    }),
  write: (value) =>
    joined((value as ReadonlyArray<{ kind: string; sku: string }>).map(({ kind, sku }) => `${kind}:${sku}`))
}
/** `TEA-01:2|MUG-07:1` */
const parts: Form = {
  read: (cell) =>
    items(cell).map((item) => {
      const [sku = "", ...quantity] = item.split(":")
      return { sku, quantity: whole(quantity.join(":")) }
    }),
  write: (value) =>
    joined((value as ReadonlyArray<{ sku: string; quantity: number }>).map(({ quantity, sku }) => `${sku}:${quantity}`))
}

/** How the value of an attribute that is no text in languages stands in a cell. */
export const attributeCell = (value: Json): string | number =>
  Array.isArray(value) ? joined(value as ReadonlyArray<string>) : typeof value === "number" ? value : String(value)
const attribute: Form = { read: (cell) => cell, write: attributeCell }

const fixed: ReadonlyArray<Column> = [
  { name: "product_type", path: ["productType", "code"], form: code },
  { name: "model", path: ["model"], form: code },
  { name: "gtin", path: ["gtin"], form: code },
  { name: "weight_g", path: ["weightGrams"], form: units },
  { name: "length_mm", path: ["dimensionsMm", "length"], form: units },
  { name: "width_mm", path: ["dimensionsMm", "width"], form: units },
  { name: "height_mm", path: ["dimensionsMm", "height"], form: units },
  { name: "categories", path: ["categories"], form: codes },
  { name: "channels", path: ["channels"], form: codes },
  { name: "relations", path: ["relations"], form: relations },
  { name: "parts", path: ["parts"], form: parts },
  { name: "media", path: ["media"], form: codes },
  { name: "slug", path: ["slug"], form: code }
]
export const fixedNames: ReadonlyArray<string> = fixed.map(({ name }) => name)
const byName = new Map(fixed.map((column) => [column.name, column]))

/** Texts of a product that may stand in other languages, by the first part of the column's name. */
const translated = new Map([
  ["title", "title"],
  ["description", "description"],
  ["seo_title", "seoTitle"],
  ["seo_description", "seoDescription"]
])
const languageForm = "([a-z]{2,3}(?:-[A-Za-z]{2})?)"
const ofText = new RegExp(`^(${[...translated.keys()].join("|")})\\.${languageForm}$`)
const ofAttribute = new RegExp(`^attributes\\.([a-z][a-z0-9_]{0,39})(?:\\.${languageForm})?$`)
/** Names of all columns but those of a listing, as a regular expression. */
export const extraPattern = `${fixedNames.join("|")}|(?:${[...translated.keys()].join("|")})\\.${languageForm}|attributes\\.[a-z][a-z0-9_]{0,39}(?:\\.${languageForm})?`

/** `pt-br` is `pt-BR`. */
const languageOf = (tag: string): string => {
  const [language = "", region] = tag.split("-")
  return region === undefined ? language : `${language}-${region.toUpperCase()}`
}

/** The column of a name, such as `weight_g`, `title.de`, `attributes.colour` and `attributes.story.de`. */
export const columnOf = (name: string): Column | undefined => {
  const known = byName.get(name)
  if (known !== undefined) return known
  const [, said, language] = ofText.exec(name) ?? []
  if (said !== undefined && language !== undefined)
    return { name, path: ["translations", languageOf(language), translated.get(said)!], form: text }
  const [, attributeCode, tag] = ofAttribute.exec(name) ?? []
  if (attributeCode === undefined) return undefined
  return tag === undefined
    ? { name, path: ["attributes", attributeCode], form: attribute }
    : { name, path: ["attributes", attributeCode, languageOf(tag)], form: text }
}

/** The columns of what some product says: its details by name, its texts by language, and its attributes. */
export const columnsFor = ({ attributes, details, texts }: MembersInUse): ReadonlyArray<Column> => {
  const names = [...translated].map(([name, member]) => [member, name] as const)
  const ofTexts = texts.flatMap(({ language, member }) => {
    const name = names.find(([one]) => one === member)?.[1]
    return name === undefined ? [] : [`${name}.${language}`]
  })
  const ofAttributes = attributes.map(({ code, language }) =>
    language === null ? `attributes.${code}` : `attributes.${code}.${language}`
  )
  return [
    ...fixed.filter(({ path }) => details.has(path[0]!)),
    ...[...ofTexts, ...ofAttributes].flatMap((name) => columnOf(name) ?? [])
  ]
}

interface Tree {
  [name: string]: Json | Tree
}
const isTree = (value: unknown): value is Tree => typeof value === "object" && value !== null && !Array.isArray(value)
const place = (tree: Tree, [first, ...rest]: ReadonlyArray<string>, value: Json): void => {
  if (rest.length === 0) tree[first!] = value
  else {
    // An attribute may be called `constructor`.
    if (!Object.hasOwn(tree, first!)) tree[first!] = {}
    place(tree[first!] as Tree, rest, value)
  }
}
/** Whether nothing but `null` stands in it. */
const isEmpty = (value: Json | Tree | undefined): boolean =>
  value === undefined || value === null || (isTree(value) && Object.values(value).every(isEmpty))

/** What the cells say: a merge patch (RFC 7396), and the attributes whose kind is not known yet; `null` removes one. */
export interface Said {
  readonly patch: Readonly<Record<string, Json>>
  readonly cells: ReadonlyMap<string, string | null>
}

/** An empty cell removes what the column is about, except a slug, which a product keeps. */
export const read = (
  columns: ReadonlyArray<{ readonly at: number; readonly column: Column }>,
  row: ReadonlyArray<string>
): Result.Result<Said, RowFault> => {
  const patch: Tree = {}
  const cells = new Map<string, string | null>()
  for (const { at, column } of columns) {
    const cell = row[at] ?? ""
    const isBlank = cell.trim() === ""
    if (column.form === attribute) cells.set(column.path[1]!, isBlank ? null : cell)
    else if (!isBlank || column.name !== "slug") place(patch, column.path, isBlank ? null : column.form.read(cell))
  }
  for (const name of ["productType", "dimensionsMm"]) if (name in patch && isEmpty(patch[name])) patch[name] = null
  const attributes = (patch["attributes"] ?? {}) as Tree
  for (const [name, texts] of Object.entries(attributes)) {
    if (isEmpty(texts)) {
      delete attributes[name]
      cells.set(name, cells.get(name) ?? null)
    } else if (typeof cells.get(name) === "string")
      return Result.fail(faultOf([{ pointer: `/attributes/${name}`, detail: "It stands in two columns" }]))
    else cells.delete(name)
  }
  return Result.succeed({ patch: patch as Said["patch"], cells })
}

/** The cells of a row as JSON; an empty one where it says nothing. */
export const written = (columns: ReadonlyArray<Column>, row: object): Cells =>
  columns.map(({ form, path }) => {
    let value: unknown = row
    for (const name of path) value = isTree(value) && Object.hasOwn(value, name) ? value[name] : undefined
    // An attribute of one product may be a text in languages, and of another one a plain text.
    return value === undefined || value === null || (isTree(value) && form === attribute)
      ? ""
      : form.write(value as Json)
  })
