import * as Contract from "@halles/engine/eventsourced/Contract"
import { NotFound, PreconditionFailed } from "@halles/engine/eventsourced/EntityErrors"
import { commandFields } from "@halles/shared/Command"
import { SkuCode, SkuId } from "@halles/shared/Ids"
import { Amount, Currency } from "@halles/shared/Money"
import { Region } from "@halles/shared/Region"
import { Schema } from "effect"

/** What one unit of a product costs the merchant, before tax. Apart from the product, so that no answer about a product can show it. */
export const Description = Schema.Struct({ cost: Schema.Struct({ amount: Amount, currency: Currency }) })

/** Replaces the cost; the same again writes no event. */
export class PutUnitCost extends Schema.TaggedClass<PutUnitCost>()("PutUnitCost", {
  ...commandFields,
  ...Description.fields
}) {}

/** The cost is not known any more. */
export class RemoveUnitCost extends Schema.TaggedClass<RemoveUnitCost>()("RemoveUnitCost", commandFields) {}

export class UnitCostView extends Schema.Class<UnitCostView>("UnitCostView")({
  region: Region,
  sku: SkuCode,
  ...Description.fields,
  removed: Schema.Boolean,
  seq: Schema.Int
}) {}

/** Of the product with the same id. */
export const UnitCostId = SkuId
export type UnitCostId = SkuId

export const UnitCost = Contract.make("UnitCost", [
  Contract.command(PutUnitCost, UnitCostView, PreconditionFailed),
  Contract.command(RemoveUnitCost, UnitCostView, NotFound, PreconditionFailed),
  Contract.view(UnitCostView)
])
