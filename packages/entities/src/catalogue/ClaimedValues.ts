import { CommandId, type SkuCode, skuId } from "@halles/shared/Ids"
import type { Region } from "@halles/shared/Region"
import type { Fault } from "@halles/shared/wire/EdgeErrors"
import { given } from "@halles/shared/wire/Stamp"
import { Effect, Equal } from "effect"
import { randomUUID } from "node:crypto"
import { type AttributesJson, jsonOf, type Value } from "../producttype/Attributes.ts"
import type { ProductTypeView } from "../producttype/ProductType.ts"
import { ClaimValue, UniqueValue, uniqueValueId } from "../producttype/UniqueValue.ts"
import { Edge } from "../routes/Edge.ts"
import { Product } from "./Product.ts"

/** Values of one product that are claimed at a time. */
const claimsAtOnce = 8

/** Claims the values of those attributes that the type declares as unique; a fault for each value that another product has. */
export const claimedValues = Effect.gen(function* () {
  const edge = yield* Edge
  const unique = yield* edge.entity(UniqueValue)
  const product = yield* edge.entity(Product)
  const claimed = Effect.fnUntraced(function* (
    region: Region,
    sku: SkuCode,
    type: ProductTypeView,
    [attribute, value]: readonly [string, Value]
  ): Effect.fn.Return<ReadonlyArray<Fault>, unknown> {
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
    const hasIt =
      other?.productType?.code === type.code && Equal.equals(jsonOf(other.attributes ?? [])[attribute], value)
    const taken = hasIt ? first : yield* claim(first)
    const detail = `${taken} has this value, or had it a moment ago`
    return taken === null ? [] : [{ pointer: `/attributes/${attribute}`, detail }]
  })
  return (region: Region, sku: SkuCode, type: ProductTypeView, attributes: AttributesJson) => {
    const codes = new Set(type.attributes.flatMap((one) => ("unique" in one && one.unique ? [one.code] : [])))
    const claims = Object.entries(attributes).filter(([attribute]) => codes.has(attribute))
    const faults = Effect.forEach(claims, (one) => claimed(region, sku, type, one), { concurrency: claimsAtOnce })
    return Effect.map(faults, (each) => each.flat())
  }
})
