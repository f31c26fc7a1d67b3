import { CommandId, type SkuCode, skuId } from "@halles/shared/Ids"
import type { Region } from "@halles/shared/Region"
import { given } from "@halles/shared/wire/Stamp"
import { Effect, Equal } from "effect"
import { randomUUID } from "node:crypto"
import { CategoryTree, categoryTreeId } from "../category/CategoryTree.ts"
import { ProductModel, type ProductModelCode, productModelId } from "../productmodel/ProductModel.ts"
import * as AttributeRules from "../producttype/AttributeRules.ts"
import { type AttributesJson, faultsOf, jsonOf, type Value } from "../producttype/Attributes.ts"
import type { ProductTypeView } from "../producttype/ProductType.ts"
import { ClaimValue, UniqueValue, uniqueValueId } from "../producttype/UniqueValue.ts"
import { ContentRefused } from "../routes/ContentRefused.ts"
import { Edge } from "../routes/Edge.ts"
import { Product } from "./Product.ts"
import type { DescriptionJson } from "./ProductJson.ts"

/** Values of one product that are claimed at a time. */
const claimsAtOnce = 8

const wrong = (pointer: string, detail: string) => [{ pointer, detail }]

/** Its categories stand in the tree; its attributes are those that the type of the product declares now; the product says in which version. */
export const asDeclared = Effect.gen(function* () {
  const edge = yield* Edge
  const typeOf = yield* AttributeRules.typeOf
  const tree = yield* edge.entity(CategoryTree)
  const productModel = yield* edge.entity(ProductModel)
  const variantFaults = Effect.fnUntraced(function* (
    region: Region,
    sku: SkuCode,
    code: ProductModelCode,
    type: ProductTypeView,
    attributes: AttributesJson
  ) {
    const model = yield* edge
      .call(productModel(productModelId(region, code)).View())
      .pipe(Effect.catchTag("NotFound", () => Effect.succeed(null)))
    if (model === null || model.removed) return wrong("/model", "There is no such product model")
    if (!model.variants.some((variant) => variant.sku === sku)) return wrong("/model", "It has no such variant")
    if (model.productType.code !== type.code)
      return wrong("/productType/code", `Its product model is of the type ${model.productType.code}`)
    return AttributeRules.variantFaults(type.attributes, model.axes, attributes)
  })
  const unique = yield* edge.entity(UniqueValue)
  const product = yield* edge.entity(Product)
  /** The fault of an attribute whose value another product has. */
  const claimFaults = Effect.fnUntraced(function* (
    region: Region,
    sku: SkuCode,
    type: ProductTypeView,
    [attribute, value]: readonly [string, Value]
  ) {
    const holder = unique(uniqueValueId(region, type.code, attribute, value))
    const claim = (from?: SkuCode) => {
      const commandId = CommandId.make(`claim:${sku}:${randomUUID()}`)
      return edge.call(holder.ClaimValue(new ClaimValue({ commandId, sku, ...given("from", from) }))).pipe(
        Effect.as(null),
        Effect.catchTag("ValueTaken", (taken) => Effect.succeed(taken.sku))
      )
    }
    const first = yield* claim()
    if (first === null) return []
    const other = yield* edge
      .call(product(skuId(region, first)).View())
      .pipe(Effect.catchTag("NotFound", () => Effect.succeed(null)))
    const isSaid =
      other?.productType?.code === type.code && Equal.equals(jsonOf(other.attributes ?? [])[attribute], value)
    const taken = isSaid ? first : yield* claim(first)
    return taken === null ? [] : wrong(`/attributes/${attribute}`, `${taken} has this value, or had it a moment ago`)
  })
  return Effect.fnUntraced(function* <
    Request extends {
      readonly params: { readonly sku: SkuCode }
      readonly query: { readonly region: Region }
      readonly payload: typeof DescriptionJson.Type
    }
  >(request: Request) {
    const { attributes = {}, categories = [], model: code, productType: asked } = request.payload
    const missing =
      categories.length === 0
        ? []
        : yield* edge.call(tree(categoryTreeId(request.query.region)).Missing({ categories }))
    if (missing.length > 0) {
      const detail = "It does not stand in the tree of the region"
      const errors = missing.map((one) => ({ pointer: `/categories/${categories.indexOf(one)}`, detail }))
      return yield* new ContentRefused({ errors })
    }
    if (asked === undefined) {
      if (Object.keys(attributes).length === 0 && code === undefined) return request
      return yield* new ContentRefused({
        errors: wrong("/productType", "Required where there are attributes or a model")
      })
    }
    const type = yield* typeOf(request.query.region, asked)
    const errors =
      code === undefined
        ? faultsOf(type.attributes, attributes)
        : yield* variantFaults(request.query.region, request.params.sku, code, type, attributes)
    if (errors.length > 0) return yield* new ContentRefused({ errors })
    const uniqueCodes = new Set(type.attributes.flatMap((one) => ("unique" in one && one.unique ? [one.code] : [])))
    const claims = Object.entries(attributes).filter(([attribute]) => uniqueCodes.has(attribute))
    const taken = yield* Effect.forEach(
      claims,
      (one) => claimFaults(request.query.region, request.params.sku, type, one),
      { concurrency: claimsAtOnce }
    )
    if (taken.flat().length > 0) return yield* new ContentRefused({ errors: taken.flat() })
    return { ...request, payload: { ...request.payload, productType: AttributeRules.askedOf(type) } }
  })
})
