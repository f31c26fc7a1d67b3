import type { Region } from "@halles/shared/Region"
import type { Fault } from "@halles/shared/wire/EdgeErrors"
import { Effect, Schema } from "effect"
import { ContentRefused } from "../routes/ContentRefused.ts"
import { Edge } from "../routes/Edge.ts"
import { type AttributesJson, faultsOf } from "./Attributes.ts"
import type { Declaration } from "./Declaration.ts"
import { ProductType, ProductTypeCode, productTypeId, type ProductTypeView, type TypeAsked } from "./ProductType.ts"

// What the edge holds attributes against before a product or a model takes them.

/** How clients name a type. */
export const TypeGiven = Schema.Struct({
  code: ProductTypeCode,
  /** Of the answer that is sent back; attributes are held to the version of now. */
  version: Schema.optionalKey(Schema.Int)
})

export const askedOf = ({ code, seq }: ProductTypeView): TypeAsked => ({ code, version: seq })

/** The type as it is now, or a refusal of the field that names it. */
export const typeOf = Effect.gen(function* () {
  const edge = yield* Edge
  const productType = yield* edge.entity(ProductType)
  return Effect.fnUntraced(function* (region: Region, { code }: typeof TypeGiven.Type) {
    const type = yield* edge
      .call(productType(productTypeId(region, code)).View())
      .pipe(Effect.catchTag("NotFound", () => Effect.succeed(null)))
    if (type !== null && !type.removed) return type
    const detail = "There is no such product type"
    return yield* new ContentRefused({ errors: [{ pointer: "/productType/code", detail }] })
  })
})

const isOfVariant = ({ perVariant }: Declaration): boolean => perVariant === true

/** What is wrong with a model: what variants have in common, and where each stands on the axes. */
export const modelFaults = (
  declarations: ReadonlyArray<Declaration>,
  model: {
    readonly attributes: AttributesJson
    readonly axes: ReadonlyArray<string>
    readonly variants: ReadonlyArray<{ readonly attributes: AttributesJson }>
  }
): ReadonlyArray<Fault> => {
  const axes = declarations.filter((one) => isOfVariant(one) && model.axes.includes(one.code))
  const known = new Set(axes.map(({ code }) => code))
  const noAxes = model.axes.flatMap((code, index) =>
    known.has(code)
      ? []
      : [{ pointer: `/axes/${index}`, detail: "The product type declares no such attribute that differs by variant" }]
  )
  const common = faultsOf(
    declarations.filter((one) => !isOfVariant(one)),
    model.attributes
  )
  const placed = model.variants.flatMap(({ attributes }, index) =>
    faultsOf(
      axes.map((axis) => ({ ...axis, required: true })),
      attributes,
      `/variants/${index}`
    )
  )
  return [...noAxes, ...common, ...placed]
}

/** What is wrong with the attributes of one variant: its model says those that are common, and where it stands on the axes. */
export const variantFaults = (
  declarations: ReadonlyArray<Declaration>,
  axes: ReadonlyArray<string>,
  attributes: AttributesJson
): ReadonlyArray<Fault> => {
  const isOwn = (one: Declaration): boolean => isOfVariant(one) && !axes.includes(one.code)
  const said = declarations.flatMap((one) =>
    !isOwn(one) && Object.hasOwn(attributes, one.code)
      ? [{ pointer: `/attributes/${one.code}`, detail: "Its product model says this" }]
      : []
  )
  const known = new Set(said.map(({ pointer }) => pointer))
  const rest = faultsOf(declarations.filter(isOwn), attributes).filter(({ pointer = "" }) => !known.has(pointer))
  return [...said, ...rest]
}
