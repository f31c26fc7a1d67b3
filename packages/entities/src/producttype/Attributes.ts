import { isWithinBytes } from "@halles/shared/Bytes"
import { SkuCode } from "@halles/shared/Ids"
import { copy } from "@halles/shared/Text"
import type { Fault } from "@halles/shared/wire/EdgeErrors"
import { Schema } from "effect"
import { AttributeCode, attributesMax, type Declaration, OptionCode } from "./Declaration.ts"

/** Most languages of one text. */
export const languagesMax = 30
/** Most options that one value names. */
export const chosenMax = 50
/** Of all attributes of one product, as JSON. Every answer about a product has them, also to a cart that asks for the price only. */
export const attributesBytesMax = 32 * 1_024

/** `de`, `pt-BR`. */
export const Language = Schema.String.check(
  Schema.isPattern(/^[a-z]{2,3}(-[A-Z]{2})?$/u, { expected: "a language such as de or pt-BR" })
).annotate({ examples: ["de"] })

/** JSON has no -0, and an event must be read back as it was written. */
const Amount = Schema.Finite.check(
  Schema.makeFilter((amount) => !Object.is(amount, -0), { expected: "a number other than -0" })
)
const Text = copy(4_000)
const Chosen = Schema.Array(OptionCode).check(Schema.isMaxLength(chosenMax), Schema.isUnique())
/** The value of one attribute as clients send it. Which form it must have follows from the declaration in the product type. */
export const Value = Schema.Union([
  Text,
  Schema.Finite,
  Schema.Boolean,
  Chosen,
  Schema.Record(Language, Text).check(Schema.isMinProperties(1), Schema.isMaxProperties(languagesMax))
]).annotate({ expected: "a text, a number, true, false, a list of options or a text for each language" })
export type Value = typeof Value.Type

/** Attributes in requests and answers: values by the codes of their attributes. */
export const AttributesJson = Schema.Record(AttributeCode, Value).check(Schema.isMaxProperties(attributesMax))
export type AttributesJson = typeof AttributesJson.Type

const code = AttributeCode
const LocalisedText = Schema.Struct({ language: Language, text: Text })
/** One attribute in events and states. Each form has a field name of its own, so that `Masked.ts` can hide texts and show numbers. */
const Attribute = Schema.Union([
  Schema.Struct({ code, text: Text }),
  Schema.Struct({ code, number: Amount }),
  Schema.Struct({ code, flag: Schema.Boolean }),
  Schema.Struct({ code, options: Chosen }),
  Schema.Struct({
    code,
    texts: Schema.Array(LocalisedText).check(Schema.isMinLength(1), Schema.isMaxLength(languagesMax))
  })
])
type Attribute = typeof Attribute.Type

/** Attributes in events and states, in the order of their codes. */
export const Attributes = Schema.Array(Attribute).check(Schema.isMaxLength(attributesMax))
export type Attributes = typeof Attributes.Type

const byName = ([a]: readonly [string, unknown], [b]: readonly [string, unknown]) => (a < b ? -1 : 1)
const attributeOf = (code: string, value: Value): Attribute => {
  switch (typeof value) {
    case "string":
      return { code, text: value }
    case "number":
      return { code, number: Object.is(value, -0) ? 0 : value }
    case "boolean":
      return { code, flag: value }
  }
  if (isChosen(value)) return { code, options: value }
  return {
    code,
    texts: Object.entries(value)
      .toSorted(byName)
      .map(([language, text]) => ({ language, text }))
  }
}
const isChosen = (value: Value): value is typeof Chosen.Type => Array.isArray(value)

/** In the order of their codes, however they were sent: the same attributes again are an equal description. */
export const attributesOf = (json: AttributesJson): Attributes =>
  Object.entries(json)
    .toSorted(byName)
    .map(([code, value]) => attributeOf(code, value))

const valueOf = (attribute: Attribute): Value => {
  if ("text" in attribute) return attribute.text
  if ("number" in attribute) return attribute.number
  if ("flag" in attribute) return attribute.flag
  if ("options" in attribute) return attribute.options
  return Object.fromEntries(attribute.texts.map(({ language, text }) => [language, text]))
}
export const jsonOf = (attributes: Attributes): AttributesJson =>
  Object.fromEntries(attributes.map((attribute) => [attribute.code, valueOf(attribute)]))

const isDay = (value: Value): boolean => {
  if (typeof value !== "string" || !/^[0-9]{4}-[0-9]{2}-[0-9]{2}$/.test(value)) return false
  const day = new Date(`${value}T00:00:00Z`)
  return !Number.isNaN(day.getTime()) && day.toISOString().startsWith(value)
}
const isSku = Schema.is(SkuCode)
/** Most options that one refusal names. */
const shownMax = 20
const optionsOf = (options: ReadonlyArray<{ readonly code: string }>): string => {
  const shown = options.slice(0, shownMax).map(({ code }) => code)
  return options.length > shownMax ? `${shown.join(", ")}, …` : shown.join(", ")
}

/** What the declaration expects instead of the value; `null` where the value is as declared. */
const expected = (declaration: Declaration, value: Value): string | null => {
  switch (declaration.kind) {
    case "text":
      return typeof value === "string" ? null : "Expected a text"
    case "localised_text":
      return typeof value === "object" && !isChosen(value)
        ? null
        : 'Expected a text for each language, such as {"en":"Tea","de":"Tee"}'
    case "number": {
      const { unit } = declaration
      return typeof value === "number" ? null : `Expected a number${unit === undefined ? "" : ` of ${unit}`}`
    }
    case "boolean":
      return typeof value === "boolean" ? null : "Expected true or false"
    case "date":
      return isDay(value) ? null : "Expected a day of the calendar, such as 2026-04-30"
    case "choice": {
      const { options } = declaration
      return options.some(({ code }) => code === value) ? null : `Expected one of ${optionsOf(options)}`
    }
    case "choices": {
      const { options } = declaration
      const known = new Set(options.map(({ code }) => code))
      return typeof value === "object" && isChosen(value) && value.every((one) => known.has(one))
        ? null
        : `Expected a list of some of ${optionsOf(options)}`
    }
    case "reference":
      return isSku(value) ? null : "Expected the SKU of a product"
  }
}

/** A fault where the attributes together take more bytes than an entity keeps. */
export const boundFaults = (attributes: Attributes): ReadonlyArray<Fault> =>
  isWithinBytes(JSON.stringify(attributes), attributesBytesMax)
    ? []
    : [{ pointer: "/attributes", detail: `Expected at most ${attributesBytesMax / 1_024} KiB of attributes` }]

/** The faults of attributes by the declarations of their type. `at` is the pointer to the object that has the attributes. */
export const faultsOf = (
  declarations: ReadonlyArray<Declaration>,
  attributes: AttributesJson,
  at = ""
): ReadonlyArray<Fault> => {
  const fault = (code: string, detail: string): Fault => ({ pointer: `${at}/attributes/${code}`, detail })
  const declared = new Map(declarations.map((declaration) => [declaration.code, declaration]))
  const wrong = Object.entries(attributes).flatMap(([code, value]) => {
    const declaration = declared.get(code)
    if (declaration === undefined) return [fault(code, "The product type declares no such attribute")]
    const detail = expected(declaration, value)
    return detail === null ? [] : [fault(code, detail)]
  })
  const missing = declarations.flatMap(({ code, required }) =>
    required === true && !Object.hasOwn(attributes, code) ? [fault(code, "Required")] : []
  )
  return [...wrong, ...missing]
}
