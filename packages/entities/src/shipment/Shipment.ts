import { Address } from "@halles/shared/Address"
import { commandFields } from "@halles/shared/Command"
import { OrderId, ReturnId, SkuCode, WarehouseId } from "@halles/shared/Ids"
import { Quantity } from "@halles/shared/Quantity"
import { Schema } from "effect"
import * as Contract from "@halles/engine/eventsourced/Contract"
import { NotFound } from "@halles/engine/eventsourced/EntityErrors"
import { TimerFired } from "@halles/engine/eventsourced/TimerFired"

export const ParcelLine = Schema.Struct({ sku: SkuCode, quantity: Quantity })
/** What leaves one warehouse together. */
export const Parcel = Schema.Struct({ warehouse: WarehouseId, lines: Schema.Array(ParcelLine) })
export type Parcel = typeof Parcel.Type

/** Books the parcels with the carrier; one shipment an order. */
export class Create extends Schema.TaggedClass<Create>()("Create", {
  ...commandFields,
  orderId: OrderId,
  parcels: Schema.Array(Parcel),
  address: Address
}) {}
export class CancelShipment extends Schema.TaggedClass<CancelShipment>()("CancelShipment", commandFields) {}
/** Asks the carrier to bring goods back. */
export class Collect extends Schema.TaggedClass<Collect>()("Collect", {
  ...commandFields,
  returnId: ReturnId,
  lines: Schema.Array(ParcelLine)
}) {}
/** A signed webhook of the carrier; may come late or twice. */
export class CarrierNotice extends Schema.TaggedClass<CarrierNotice>()("CarrierNotice", {
  ...commandFields,
  eventId: Schema.String.check(Schema.isMaxLength(100)),
  type: Schema.Literals(["shipment.dispatched", "shipment.delivered", "return.received"]),
  returnId: Schema.optionalKey(Schema.String.check(Schema.isMaxLength(60)))
}) {}

export const CreateResult = Schema.Union([
  Schema.TaggedStruct("Booked", { trackingNumbers: Schema.Array(Schema.String) }),
  Schema.TaggedStruct("Refused", { reason: Schema.String }),
  Schema.TaggedStruct("Pending", {})
])
export type CreateResult = typeof CreateResult.Type
export const CancelResult = Schema.Union([
  Schema.TaggedStruct("Cancelled", {}),
  Schema.TaggedStruct("AlreadyDispatched", {}),
  /** For another reason than that the goods have left; it may be asked for again. */
  Schema.TaggedStruct("Refused", { reason: Schema.String }),
  Schema.TaggedStruct("Pending", {})
])
export type CancelResult = typeof CancelResult.Type
export const CollectResult = Schema.Union([
  Schema.TaggedStruct("Labelled", { label: Schema.String }),
  Schema.TaggedStruct("Refused", { reason: Schema.String }),
  Schema.TaggedStruct("Pending", {})
])
export type CollectResult = typeof CollectResult.Type

export class ShipmentView extends Schema.Class<ShipmentView>("ShipmentView")({
  orderId: OrderId,
  status: Schema.Literals(["requested", "booked", "refused", "cancelling", "cancelled", "dispatched", "delivered"]),
  trackingNumbers: Schema.Array(Schema.String),
  parcels: Schema.Array(Parcel),
  returns: Schema.Array(
    Schema.Struct({
      returnId: Schema.String,
      status: Schema.Literals(["requested", "labelled", "refused", "received"])
    })
  ),
  seq: Schema.Int
}) {}

export const Shipment = Contract.make("Shipment", [
  Contract.command(Create, CreateResult),
  Contract.command(CancelShipment, CancelResult),
  Contract.command(Collect, CollectResult, NotFound),
  Contract.command(CarrierNotice, Schema.Void, NotFound),
  Contract.command(TimerFired, Schema.Void),
  Contract.view(ShipmentView)
])
