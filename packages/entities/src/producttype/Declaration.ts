import { line } from "@halles/shared/Text"
import type { Fault } from "@halles/shared/wire/EdgeErrors"
import { Schema } from "effect"

/** Most attributes that a product type declares at a time. */
export const attributesMax = 100
/** Most options of one choice. */
export const optionsMax = 200

/** `net_weight`: the name of an attribute in JSON. */
export const AttributeCode = Schema.String.check(
  Schema.isPattern(/^[a-z][a-z0-9_]{0,39}$/u, { expected: "a letter, then up to 39 of a-z, 0-9 and _" })
).annotate({
  examples: ["net_weight"]
})
export const OptionCode = Schema.String.check(
  Schema.isPattern(/^[a-z0-9][a-z0-9_-]{0,39}$/u, { expected: "1 to 40 of a-z, 0-9, - and _, the first no - or _" })
).annotate({
  examples: ["assam"]
})

const flag = Schema.optionalKey(Schema.Boolean)
const common = {
  code: AttributeCode,
  title: line(100),
  /** Every product of the type must have a value for it. */
  required: flag,
  /** Each variant of a model has a value of its own for it. Otherwise the model has one value for all. */
  perVariant: flag,
  /** A search counts the products that have each of its values. */
  facetable: flag
}
/** No two products of the type have the same value, so each variant of a model has its own. */
const unique = flag

const options = Schema.Array(Schema.Struct({ code: OptionCode, title: line(100) })).check(
  Schema.isMinLength(1),
  Schema.isMaxLength(optionsMax)
)

/** A fault for each element that has the code of an earlier one. */
const twice = (coded: ReadonlyArray<{ readonly code: string }>, at: string): ReadonlyArray<Fault> => {
  const seen = new Set<string>()
  return coded.flatMap(({ code }, index) => {
    const isSeen = seen.has(code)
    seen.add(code)
    return isSeen ? [{ pointer: `${at}/${index}/code`, detail: `${code} stands twice` }] : []
  })
}

/** Faults of declarations that no schema can state: codes that stand twice. */
export const faultsOf = (declarations: ReadonlyArray<Declaration>): ReadonlyArray<Fault> => [
  ...twice(declarations, "/attributes"),
  ...declarations.flatMap((one, index) => ("options" in one ? twice(one.options, `/attributes/${index}/options`) : []))
]

/** Declares one attribute: its kind, and so which values it takes. */
export const Declaration = Schema.Union([
  Schema.Struct({ kind: Schema.Literal("text"), ...common, unique }),
  /** A text for each language. */
  Schema.Struct({ kind: Schema.Literal("localised_text"), ...common }),
  /** In the unit, if there is one. */
  Schema.Struct({ kind: Schema.Literal("number"), ...common, unique, unit: Schema.optionalKey(line(20)) }),
  Schema.Struct({ kind: Schema.Literal("boolean"), ...common }),
  /** A day of the calendar: `2026-04-30`. */
  Schema.Struct({ kind: Schema.Literal("date"), ...common }),
  /** One of the options, by its code. */
  Schema.Struct({ kind: Schema.Literal("choice"), ...common, options }),
  /** Any of the options. */
  Schema.Struct({ kind: Schema.Literal("choices"), ...common, options }),
  /** Another product of the region, by its SKU. */
  Schema.Struct({ kind: Schema.Literal("reference"), ...common })
]).annotate({
  expected: "a kind of text, localised_text, number, boolean, date, choice, choices or reference"
})
export type Declaration = typeof Declaration.Type
export const Kind = Schema.Literals(Declaration.members.map(({ fields }) => fields.kind.literal))
