import type { Region } from "@halles/shared/Region"
import type { Fault } from "@halles/shared/wire/EdgeErrors"
import { Effect, Schema } from "effect"
import { ContentRefused } from "../routes/ContentRefused.ts"
import { Edge } from "../routes/Edge.ts"
import { type AttributesJson, faultsOf } from "./Attributes.ts"
import type { Declaration } from "./Declaration.ts"
import { ProductType, ProductTypeCode, productTypeId, type ProductTypeView, type CheckedType } from "./ProductType.ts"

// The edge checks the attributes of a product or a model with these rules before it sends the command.

/** How a client names the product type of a product or a model. */
export const TypeGiven = Schema.Struct({
  code: ProductTypeCode,
  /** Clients may send it back as they read it. The edge ignores it, and checks attributes with the current version of the type. */
  version: Schema.optionalKey(Schema.Int)
})

/** The product type as a command has it. `asDeclared` has put the version into the body by then, so 0 is never sent. */
export const asChecked = (given: typeof TypeGiven.Type): CheckedType => ({ version: 0, ...given })

export const checkedTypeOf = ({ code, seq }: ProductTypeView): CheckedType => ({ code, version: seq })

/** Asks the product type that a body names. Where there is none, or it was removed, the body is refused. */
export const typeOf = Effect.gen(function* () {
  const edge = yield* Edge
  const productType = yield* edge.entity(ProductType)
  return Effect.fnUntraced(function* (region: Region, { code }: typeof TypeGiven.Type) {
    const type = yield* edge
      .call(productType(productTypeId(region, code)).View())
      .pipe(Effect.catchTag("NotFound", () => Effect.succeed(null)))
    if (type !== null && !type.removed) return type
    return yield* ContentRefused.at("/productType/code", "There is no such product type")
  })
})

const isUnique = (one: Declaration): boolean => "unique" in one && one.unique === true
/** A value that no two products may have is none that variants share. */
const isOfVariant = (one: Declaration): boolean => one.perVariant === true || isUnique(one)

/** The faults of a model: of the attributes that its variants have in common, and of the values that each variant has on the axes. */
export const modelFaults = (
  declarations: ReadonlyArray<Declaration>,
  model: {
    readonly attributes: AttributesJson
    readonly axes: ReadonlyArray<string>
    readonly variants: ReadonlyArray<{ readonly attributes: AttributesJson }>
  }
): ReadonlyArray<Fault> => {
  const axes = declarations.filter((one) => one.perVariant === true && !isUnique(one) && model.axes.includes(one.code))
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

/** The faults of the attributes of one variant. Its model has the common ones and those of the axes, so the variant may not repeat them. */
export const variantFaults = (
  declarations: ReadonlyArray<Declaration>,
  axes: ReadonlyArray<string>,
  attributes: AttributesJson
): ReadonlyArray<Fault> => {
  const isOwn = (one: Declaration): boolean => isOfVariant(one) && !axes.includes(one.code)
  const said = declarations.flatMap((one) =>
    !isOwn(one) && Object.hasOwn(attributes, one.code)
      ? [{ pointer: `/attributes/${one.code}`, detail: "This is for its product model to say" }]
      : []
  )
  const known = new Set(said.map(({ pointer }) => pointer))
  const rest = faultsOf(declarations.filter(isOwn), attributes).filter(({ pointer = "" }) => !known.has(pointer))
  return [...said, ...rest]
}
