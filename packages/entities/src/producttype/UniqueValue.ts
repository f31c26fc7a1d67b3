import * as Contract from "@halles/engine/eventsourced/Contract"
import { PreconditionFailed } from "@halles/engine/eventsourced/EntityErrors"
import { commandFields } from "@halles/shared/Command"
import { Regional, SkuCode } from "@halles/shared/Ids"
import type { Region } from "@halles/shared/Region"
import { Refusal } from "@halles/shared/wire/Refusal"
import { Schema } from "effect"
import { hash } from "node:crypto"
import type { Value } from "./Attributes.ts"

/** One value of an attribute that is unique among the products of a type in a region: `eu_` and 132 bits of the hash of type, attribute and value. */
export const UniqueValueId = Regional.pipe(Schema.brand("UniqueValueId"))
export type UniqueValueId = typeof UniqueValueId.Type

export const uniqueValueId = (region: Region, type: string, attribute: string, value: Value): UniqueValueId => {
  const named = hash("sha256", JSON.stringify([type, attribute, value]), "base64url").slice(0, 22)
  return UniqueValueId.make(`${region}_${named}`)
}

/** Claims the value for a product, before the product takes it. `from` is the product that had claimed it, if the sender has asked that product and it does not have the value. */
export class ClaimValue extends Schema.TaggedClass<ClaimValue>()("ClaimValue", {
  ...commandFields,
  sku: SkuCode,
  from: Schema.optionalKey(SkuCode)
}) {}

/** Another product has claimed the value. */
export class ValueTaken extends Refusal<ValueTaken>()("ValueTaken", {
  status: 409,
  title: "Another product has this value",
  fields: { sku: SkuCode },
  sample: { sku: "TEA-01" },
  detail: ({ sku }) => `${sku} has this value, which no two products may have.`
}) {}

export class UniqueValueView extends Schema.Class<UniqueValueView>("UniqueValueView")({
  sku: SkuCode,
  seq: Schema.Int
}) {}

export const UniqueValue = Contract.make("UniqueValue", [
  Contract.command(ClaimValue, UniqueValueView, ValueTaken, PreconditionFailed),
  Contract.view(UniqueValueView)
])
