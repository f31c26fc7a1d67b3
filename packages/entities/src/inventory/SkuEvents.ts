import { OrderId, WarehouseId } from "@halles/shared/Ids"
import { Quantity } from "@halles/shared/Quantity"
import { HashMap, HashSet, Option, Schema, SchemaTransformation } from "effect"
import { Allocation } from "./Sku.ts"

const From = Schema.Literals(["hold", "reservation"])
const Promised = { orderId: OrderId, allocations: Schema.Array(Allocation), backOrdered: Schema.Int }
const Moved = { warehouse: WarehouseId, quantity: Quantity }

export const Event = Schema.Union([
  Schema.TaggedStruct("Received", Moved),
  Schema.TaggedStruct("Adjusted", {
    warehouse: WarehouseId,
    onHand: Schema.Int,
    delta: Schema.Int,
    reason: Schema.String
  }),
  Schema.TaggedStruct("Held", { ...Promised, expiresAt: Schema.Int }),
  Schema.TaggedStruct("HoldRefused", { orderId: OrderId, quantity: Quantity, available: Schema.Int }),
  /** Holds have come to their time. The orders of all that do so by `until` are asked whether they still need them. */
  Schema.TaggedStruct("HoldsDue", { until: Schema.Int, at: Schema.Int }),
  /** The order does not need what it held any more, or there is no such order. */
  Schema.TaggedStruct("HoldExpired", Promised),
  /** The order still needs what it holds, which has no time limit any more. */
  Schema.TaggedStruct("Reserved", Promised),
  /** After a look at the holds: none of them is due before `earliest`, or there are none. */
  Schema.TaggedStruct("ExpiryChecked", { earliest: Schema.NullOr(Schema.Int) }),
  Schema.TaggedStruct("Released", { ...Promised, from: From }),
  /** There was nothing to release; a hold of the order that comes later is refused. */
  Schema.TaggedStruct("ReleasedEarly", { orderId: OrderId }),
  Schema.TaggedStruct("Shipped", {
    orderId: OrderId,
    allocations: Schema.Array(Allocation),
    from: From
  }),
  Schema.TaggedStruct("ShipRefused", { orderId: OrderId }),
  /** Free units went to the orders that had waited longest. */
  Schema.TaggedStruct("BackOrdersFilled", {
    fills: Schema.Array(Schema.Struct({ orderId: OrderId, allocations: Schema.Array(Allocation) }))
  }),
  Schema.TaggedStruct("Restocked", { orderId: OrderId, ...Moved }),
  Schema.TaggedStruct("WrittenOff", { orderId: OrderId, ...Moved }),
  Schema.TaggedStruct("BackOrderAllowed", { allowed: Schema.Boolean })
])
export type Event = typeof Event.Type

/**
 * One place's counts. `held + reserved <= onHand`, and `onHand + shipped = received + restocked + adjusted`, where
 * `adjusted` is signed.
 */
export const Warehouse = Schema.Struct({
  warehouse: WarehouseId,
  onHand: Schema.Int,
  held: Schema.Int,
  reserved: Schema.Int,
  received: Schema.Int,
  restocked: Schema.Int,
  adjusted: Schema.Int,
  shipped: Schema.Int
})
export type Warehouse = typeof Warehouse.Type

export interface Reservation {
  readonly allocations: ReadonlyArray<Allocation>
  readonly backOrdered: number
  /** Its place among those who wait for stock; 0 when nothing is missing. */
  readonly ticket: number
}
export interface HoldState extends Reservation {
  /** Unix milliseconds. */
  readonly expiresAt: number
}

/**
 * A map as the list of its entries. A hot SKU has tens of thousands of them and a snapshot is ours, so only that it is a
 * list is looked at: 20,000 entries took 400 ms and more when each was parsed (`Schema.HashMap`), and take 4 to 14 ms so.
 */
const mapOf = <K, V>() =>
  Schema.declare((input): input is ReadonlyArray<readonly [K, V]> => Array.isArray(input)).pipe(
    Schema.decodeTo(
      Schema.declare((input): input is HashMap.HashMap<K, V> => HashMap.isHashMap(input)),
      SchemaTransformation.transform({ decode: HashMap.fromIterable, encode: HashMap.toEntries })
    )
  )
/** A set as the list of its values, looked at no closer than `mapOf` does. */
const setOf = <A>() =>
  Schema.declare((input): input is ReadonlyArray<A> => Array.isArray(input)).pipe(
    Schema.decodeTo(
      Schema.declare((input): input is HashSet.HashSet<A> => HashSet.isHashSet(input)),
      SchemaTransformation.transform({ decode: HashSet.fromIterable<A>, encode: (set): ReadonlyArray<A> => [...set] })
    )
  )

export const State = Schema.Struct({
  warehouses: Schema.Array(Warehouse),
  holds: mapOf<OrderId, HoldState>(),
  reservations: mapOf<OrderId, Reservation>(),
  /** Who waits for stock, by ticket: the lowest first. */
  waiting: mapOf<number, OrderId>(),
  /** No ticket in `waiting` is lower. */
  waitingFrom: Schema.Int,
  lastTicket: Schema.Int,
  /** Units that are promised and not there. */
  backOrdered: Schema.Int,
  backOrderAllowed: Schema.Boolean,
  /** No hold is due before; `null` without holds. A lower bound, so that no command has to look at all holds. */
  earliestExpiry: Schema.NullOr(Schema.Int),
  /** The orders of the holds that are due by `until` are being asked, since `at`. */
  checking: Schema.NullOr(Schema.Struct({ until: Schema.Int, at: Schema.Int })),
  /** How often that was so: it numbers the questions. */
  checks: Schema.Int,
  /** Orders that are over here, in two generations: when `young` is full it becomes `old`, and the old ones are forgotten. */
  released: Schema.Struct({ young: setOf<OrderId>(), old: setOf<OrderId>() }),
  writtenOff: Schema.Int
})
export type State = typeof State.Type

export const initial: State = {
  warehouses: [],
  holds: HashMap.empty(),
  reservations: HashMap.empty(),
  waiting: HashMap.empty(),
  waitingFrom: 1,
  lastTicket: 0,
  backOrdered: 0,
  backOrderAllowed: false,
  earliestExpiry: null,
  checking: null,
  checks: 0,
  released: { young: HashSet.empty(), old: HashSet.empty() },
  writtenOff: 0
}

/** What an order holds or has reserved. */
export const promiseOf = ({ holds, reservations }: State, orderId: OrderId): HoldState | Reservation | undefined =>
  Option.getOrUndefined(HashMap.get(holds, orderId)) ?? Option.getOrUndefined(HashMap.get(reservations, orderId))
