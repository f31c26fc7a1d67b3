import type { SkuCode } from "@halles/shared/Ids"
import type { Region } from "@halles/shared/Region"
import { Effect } from "effect"
import { CategoryTree, categoryTreeId } from "../category/CategoryTree.ts"
import { mediaFaults } from "../media/MediaKnown.ts"
import { ProductModel, type ProductModelCode, productModelId } from "../productmodel/ProductModel.ts"
import * as AttributeRules from "../producttype/AttributeRules.ts"
import { type AttributesJson, faultsOf } from "../producttype/Attributes.ts"
import type { ProductTypeView } from "../producttype/ProductType.ts"
import { ContentRefused } from "../routes/ContentRefused.ts"
import { Edge } from "../routes/Edge.ts"
import { claimedValues } from "./ClaimedValues.ts"
import { partFaults } from "./PartFaults.ts"
import type { DescriptionJson } from "./ProductJson.ts"

type Description = typeof DescriptionJson.Type

const wrong = (pointer: string, detail: string) => [{ pointer, detail }]

/**
 * The edge checks a description before it sends `DescribeProduct`: the tree has its categories, the media are kept, its attributes are as the
 * product type declares them now, and its parts make a bundle. It adds the version of the type that it checked with. With `claims` it claims
 * the values of unique attributes.
 */
export const declaring = Effect.gen(function* () {
  const edge = yield* Edge
  const typeOf = yield* AttributeRules.typeOf
  const tree = yield* edge.entity(CategoryTree)
  const productModel = yield* edge.entity(ProductModel)
  const valueFaults = yield* claimedValues
  const bundleFaults = yield* partFaults
  const faultsOfMedia = yield* mediaFaults
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
  return Effect.fnUntraced(function* (
    region: Region,
    sku: SkuCode,
    payload: Description,
    claims: boolean
  ): Effect.fn.Return<Description, unknown> {
    const { attributes = {}, categories = [], model: code, parts, productType: asked } = payload
    const unfit = parts === undefined ? [] : yield* bundleFaults(region, sku, parts)
    if (unfit.length > 0) return yield* new ContentRefused({ errors: unfit })
    const missing =
      categories.length === 0 ? [] : yield* edge.call(tree(categoryTreeId(region)).Missing({ categories }))
    if (missing.length > 0) {
      const detail = "It does not stand in the tree of the region"
      const errors = missing.map((one) => ({ pointer: `/categories/${categories.indexOf(one)}`, detail }))
      return yield* new ContentRefused({ errors })
    }
    const unknown = yield* faultsOfMedia(region, payload.media ?? [])
    if (unknown.length > 0) return yield* new ContentRefused({ errors: unknown })
    if (asked === undefined) {
      if (Object.keys(attributes).length === 0 && code === undefined) return payload
      return yield* ContentRefused.at("/productType", "Required where there are attributes or a model")
    }
    const type = yield* typeOf(region, asked)
    const errors =
      code === undefined
        ? faultsOf(type.attributes, attributes)
        : yield* variantFaults(region, sku, code, type, attributes)
    if (errors.length > 0) return yield* new ContentRefused({ errors })
    const taken = claims ? yield* valueFaults(region, sku, type, attributes) : []
    if (taken.length > 0) return yield* new ContentRefused({ errors: taken })
    return { ...payload, productType: AttributeRules.checkedTypeOf(type) }
  })
})

/** A request with a description that is as declared. */
export const asDeclared = Effect.map(
  declaring,
  (declared) =>
    <
      Request extends {
        readonly params: { readonly sku: SkuCode }
        readonly query: { readonly region: Region }
        readonly payload: Description
      }
    >(
      request: Request
    ) =>
      Effect.map(declared(request.query.region, request.params.sku, request.payload, true), (payload) => ({
        ...request,
        payload
      }))
)
