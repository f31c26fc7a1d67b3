import * as Json from "../catalogue/ProductJson.ts"
import { Details, faultsOf } from "../catalogue/Details.ts"
import type { ProductView } from "../catalogue/Product.ts"
import * as Texts from "../catalogue/Translations.ts"
import { type AttributesJson, jsonOf, type Value } from "../producttype/Attributes.ts"
import type { Declaration } from "../producttype/Declaration.ts"
import type { SkuCode } from "@halles/shared/Ids"
import * as Faults from "@halles/shared/wire/Faults"
import type { Fault } from "@halles/shared/wire/EdgeErrors"
import { Equal, Result, Schema, Struct } from "effect"
import { attributeCell, items } from "./Columns.ts"

/** A description as clients send it. */
export type Description = typeof Json.DescriptionJson.Type
type Patch = Readonly<Record<string, unknown>>

const isObject = (value: unknown): value is Patch =>
  typeof value === "object" && value !== null && !Array.isArray(value)

/** RFC 7396: `null` removes a member, and an object changes the members that it names. */
const merged = (target: unknown, patch: unknown): unknown => {
  if (!isObject(patch)) return patch
  const members = new Map(isObject(target) ? Object.entries(target) : [])
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) members.delete(name)
    else members.set(name, merged(members.get(name), value))
  }
  return Object.fromEntries(members)
}
/** Without members that have no members of their own. */
const filled = (value: unknown): unknown =>
  isObject(value)
    ? Object.fromEntries(Object.entries(value).filter(([, one]) => !isObject(one) || Object.keys(one).length > 0))
    : value

const detailNames = Struct.keys(Details.fields)
/** The details of a view. */
export const detailsIn = (view: ProductView): Details => Struct.pick(view, detailNames) as Details
const descriptionIn = (details: Details): Description => {
  const { attributes, ...rest } = details
  return attributes === undefined ? rest : { ...rest, attributes: jsonOf(attributes) }
}

const amount = /^-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?$/
/** How Excel gives a day. */
const midnight = /T00:00:00(\.000)?Z$/

/** The value that a cell gives an attribute. One that is not as declared stays a text, for the rules of the type to refuse. */
const valueOf = (declaration: Declaration | undefined, cell: string): Value => {
  const word = cell.trim()
  switch (declaration?.kind) {
    case "number":
      return amount.test(word) ? Number(word) : cell
    case "boolean": {
      const said = word.toLowerCase()
      return said === "true" || said === "false" ? said === "true" : cell
    }
    case "date":
      return word.replace(midnight, "")
    case "choices":
      return items(word)
    case "choice":
    case "reference":
      return word
    default:
      return cell
  }
}

/** The attributes that cells say; one whose cell says what the product has already stays as it is, whatever its type declares now. */
const attributesOf = (
  before: AttributesJson,
  cells: ReadonlyMap<string, string | null>,
  declarations: ReadonlyArray<Declaration>
): Readonly<Record<string, Value | null>> => {
  const declared = new Map(declarations.map((one) => [one.code, one]))
  return Object.fromEntries(
    [...cells].map(([code, cell]) => {
      if (cell === null) return [code, null]
      const had = Object.hasOwn(before, code) ? before[code] : undefined
      const isSame = had !== undefined && !isObject(had) && String(attributeCell(had as never)) === cell
      return [code, isSame ? had : valueOf(declared.get(code), cell)]
    })
  )
}

const decode = Schema.decodeUnknownResult(Json.DescriptionJson, { errors: "all", onExcessProperty: "error" })
const decodeTexts = Schema.decodeUnknownResult(Texts.TranslationsJson, { errors: "all", onExcessProperty: "error" })

const unversioned = ({ productType, ...rest }: Details): object => ({ ...rest, productType: productType?.code })
/** Whether two details say the same, whatever version of their type they were checked with. */
export const isSame = (one: Details, other: Details): boolean => Equal.equals(unversioned(one), unversioned(other))

/** The code of the product type that the product has after the patch; `undefined` where it has none. */
export const typeAfter = ({ productType: had }: Details, patch: Patch): string | undefined => {
  const named = Object.hasOwn(patch, "productType") ? patch["productType"] : had
  return isObject(named) && typeof named["code"] === "string" ? named["code"] : undefined
}

/** The whole description after a patch, or its faults; `null` where it is what the product says already. */
export const describedBy = (
  sku: SkuCode,
  before: Details,
  patch: Patch,
  cells: ReadonlyMap<string, string | null>,
  declarations: ReadonlyArray<Declaration>
): Result.Result<Description | null, ReadonlyArray<Fault>> => {
  const had = descriptionIn(before)
  const given = patch["attributes"]
  const fromCells = cells.size === 0 ? undefined : attributesOf(had.attributes ?? {}, cells, declarations)
  const said = fromCells !== undefined && (given === undefined || isObject(given)) ? { ...given, ...fromCells } : given
  const { attributes, ...rest } = merged(had, said === undefined ? patch : { ...patch, attributes: said }) as Patch
  const kept = filled(attributes)
  const isNone = isObject(kept) && Object.keys(kept).length === 0 && (before.attributes ?? [1]).length > 0
  const decoded = decode(attributes === undefined || isNone ? rest : { ...rest, attributes: kept })
  if (Result.isFailure(decoded)) return Result.fail(Faults.faultsOf(decoded.failure.issue, "Payload"))
  const details = Json.detailsOf(decoded.success)
  if (isSame(details, before)) return Result.succeed(null)
  const faults = faultsOf(sku, details)
  return faults.length > 0 ? Result.fail(faults) : Result.succeed(decoded.success)
}

/** As `describedBy`, of the texts in other languages. */
export const translatedBy = (
  before: Texts.Translations,
  patch: unknown
): Result.Result<Texts.Translations | null, ReadonlyArray<Fault>> => {
  const decoded = decodeTexts(patch === null ? {} : filled(merged(filled(Texts.jsonOf(before)), patch)))
  if (Result.isFailure(decoded)) {
    const faults = Faults.faultsOf(decoded.failure.issue, "Payload")
    return Result.fail(faults.map((fault) => ({ ...fault, pointer: `/translations${fault.pointer ?? ""}` })))
  }
  const texts = Texts.translationsOf(decoded.success)
  const had = Texts.translationsOf(filled(Texts.jsonOf(before)) as typeof decoded.success)
  return Result.succeed(Equal.equals(texts, had) ? null : texts)
}
