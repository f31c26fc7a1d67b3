import { Refusal } from "@halles/shared/wire/Refusal"
import { commandFields } from "@halles/shared/Command"
import { OrderId, SkuCode, SkuId, WarehouseId } from "@halles/shared/Ids"
import { Count, Quantity } from "@halles/shared/Quantity"
import { paragraph } from "@halles/shared/Text"
import { Schema } from "effect"
import { Rpc } from "effect/rpc"
import * as Contract from "@halles/engine/eventsourced/Contract"
import { CommandReused, NotFound, PreconditionFailed } from "@halles/engine/eventsourced/EntityErrors"
import { TimerFired } from "@halles/engine/eventsourced/TimerFired"

/** Orders for which one SKU may hold units, or have them reserved, at a time; the next hold is refused as if there were no stock. */
export const promisesMax = 60_000
export const warehousesMax = 32
/** An order that is not paid for after this is given up. The SKU asks it then; what it still needs becomes a reservation. */
export const holdTtlMs = 600_000

/** So many units from this warehouse. */
export const Allocation = Schema.Struct({ warehouse: WarehouseId, quantity: Quantity })
export type Allocation = typeof Allocation.Type

export class Receive extends Schema.TaggedClass<Receive>()("Receive", {
  ...commandFields,
  warehouse: WarehouseId,
  quantity: Quantity
}) {}
/** Compare and swap: sets what is on hand, if it is still what the counter saw. */
export class Adjust extends Schema.TaggedClass<Adjust>()("Adjust", {
  ...commandFields,
  warehouse: WarehouseId,
  expectedOnHand: Count,
  onHand: Count,
  reason: paragraph(200)
}) {}
/**
 * Sets aside for an order; may be split over warehouses. Refused as a whole when not all of it is there. After `ttlMs` the order is
 * asked: what it still needs stays set aside without a time limit, the rest is given back.
 */
export class Hold extends Schema.TaggedClass<Hold>()("Hold", {
  ...commandFields,
  orderId: OrderId,
  quantity: Quantity,
  ttlMs: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 86_400_000 }))
}) {}
/** Gives back what the order holds or has reserved here; nothing to give back is harmless. */
export class Release extends Schema.TaggedClass<Release>()("Release", { ...commandFields, orderId: OrderId }) {}
/** What the order holds or has reserved here has left the house. */
export class Ship extends Schema.TaggedClass<Ship>()("Ship", { ...commandFields, orderId: OrderId }) {}
/** Returned goods go back on the shelf. */
export class Restock extends Schema.TaggedClass<Restock>()("Restock", {
  ...commandFields,
  orderId: OrderId,
  warehouse: WarehouseId,
  quantity: Quantity
}) {}
/** Returned goods that cannot be sold again: counted, not put on the shelf. */
export class WriteOff extends Schema.TaggedClass<WriteOff>()("WriteOff", {
  ...commandFields,
  orderId: OrderId,
  /** Which they had left. */
  warehouse: WarehouseId,
  quantity: Quantity
}) {}
/** Whether holds may exceed what is available; the missing units are filled in order as stock is received. */
export class AllowBackOrder extends Schema.TaggedClass<AllowBackOrder>()("AllowBackOrder", {
  ...commandFields,
  allowed: Schema.Boolean
}) {}

export const HoldResult = Schema.Union([
  /** `backOrdered` units are still to come. */
  Schema.TaggedStruct("Held", { allocations: Schema.Array(Allocation), backOrdered: Count, expiresAt: Schema.Int }),
  Schema.TaggedStruct("NoStock", { available: Count })
])
export type HoldResult = typeof HoldResult.Type
export const ShipResult = Schema.Union([
  Schema.TaggedStruct("Shipped", { allocations: Schema.Array(Allocation) }),
  /** Neither held nor reserved. */
  Schema.TaggedStruct("NotReserved", {}),
  Schema.TaggedStruct("AwaitingStock", { backOrdered: Count })
])
export type ShipResult = typeof ShipResult.Type

/** Goods that an order did not get. */
export const Shortage = Schema.Struct({
  sku: SkuCode,
  wanted: Schema.Int,
  /** Units that were there for it at the time; `null` when it had them, and lost them with its hold. */
  available: Schema.NullOr(Count)
})
export type Shortage = typeof Shortage.Type

/** `held` is promised to orders of the last `holdTtlMs`, `reserved` to older ones. */
export const StockLevel = Schema.Struct({ onHand: Count, held: Count, reserved: Count, available: Count })
export class SkuView extends Schema.Class<SkuView>("SkuView")({
  id: SkuId,
  warehouses: Schema.Array(Schema.Struct({ warehouse: WarehouseId, ...StockLevel.fields })),
  /** `shipped` counts since ever, so it knows no bound. */
  totals: Schema.Struct({ ...StockLevel.fields, shipped: Schema.Int, backOrdered: Count }),
  backOrderAllowed: Schema.Boolean,
  seq: Schema.Int
}) {}

/** Somebody else changed the count: read it again. */
export class StockChanged extends Refusal<StockChanged>()("StockChanged", {
  status: 409,
  title: "The stock has changed",
  fields: { onHand: Count },
  sample: { onHand: 497 },
  detail: ({ onHand }) => `On hand now: ${onHand}. Count again.`
}) {}
/** Fewer on hand than are held and reserved would break promises made. */
export class StockPromised extends Refusal<StockPromised>()("StockPromised", {
  status: 409,
  title: "The stock is promised",
  fields: { promised: Count },
  sample: { promised: 10 },
  detail: ({ promised }) => `Held and reserved: ${promised}.`
}) {}
/** One warehouse too many, or more units than can be counted. */
export class StockBound extends Refusal<StockBound>()("StockBound", {
  status: 422,
  title: "More than can be counted",
  fields: { bound: Schema.String, max: Schema.Int },
  sample: { bound: "on hand", max: 1_000_000_000 },
  detail: ({ bound, max }) => `The most of ${bound} is ${max}.`
}) {}

/** What is in stock of a bundle is what is in stock of its parts. */
export class BundleHasNoStock extends Refusal<BundleHasNoStock>()("BundleHasNoStock", {
  status: 409,
  title: "A bundle has no stock of its own",
  detail: "Receive and count the parts of the bundle, which the product names."
}) {}

export const Sku = Contract.make("Sku", [
  Contract.command(Receive, SkuView, StockBound, BundleHasNoStock, CommandReused, PreconditionFailed),
  Contract.command(
    Adjust,
    SkuView,
    NotFound,
    StockChanged,
    StockPromised,
    StockBound,
    BundleHasNoStock,
    PreconditionFailed
  ),
  Contract.command(Hold, HoldResult),
  Contract.command(Release, Schema.Void),
  Contract.command(Ship, ShipResult),
  Contract.command(Restock, Schema.Void, StockBound),
  Contract.command(WriteOff, Schema.Void),
  Contract.command(AllowBackOrder, SkuView, BundleHasNoStock, PreconditionFailed),
  Contract.command(TimerFired, Schema.Void),
  /** What an order holds or has reserved here by now: units that it waits for come in later. */
  Rpc.make("HeldFor", { payload: { orderId: OrderId }, success: HoldResult }),
  Contract.view(SkuView)
])
