import * as Table from "@halles/engine/projections/Table"
import { type SkuCode, skuCode, SkuId, skuId } from "@halles/shared/Ids"
import type { Region } from "@halles/shared/Region"
import { Effect, Schema } from "effect"
import { SqlClient } from "effect/sql"
import type { Query } from "../routes/Reads.ts"
import { quantityOf } from "./Allocate.ts"
import { type Allocation, SkuView } from "./Sku.ts"
import * as SkuState from "./SkuState.ts"

const { backOrderAllowed, totals, warehouses } = SkuView.fields
const { available, backOrdered, held, onHand, reserved, shipped } = totals.fields
const columns = {
  on_hand: onHand,
  held,
  reserved,
  available,
  shipped,
  back_ordered: backOrdered,
  back_order_allowed: backOrderAllowed,
  warehouses,
  /** Orders that wait for units, and whether what they have is held or reserved: tells where a fill goes. */
  waiting: Schema.Record(Schema.String, Schema.Literals(["held", "reserved"])),
  updated_at: Table.Time
}
type Row = Table.RowOf<typeof columns>
type Place = Row["warehouses"][number]

type Open = Pick<Row, "shipped" | "back_ordered" | "back_order_allowed" | "warehouses" | "waiting">
const nothing: Open = { shipped: 0, back_ordered: 0, back_order_allowed: false, warehouses: [], waiting: {} }

type Counts = Partial<Record<"onHand" | "held" | "reserved", number>>

/** Adds `counts` times the quantity in each of the warehouses. */
const move = (row: Open, allocations: ReadonlyArray<Allocation>, counts: Counts): Open => {
  const places = new Map(row.warehouses.map((place) => [place.warehouse, place]))
  for (const { quantity, warehouse } of allocations) {
    const before = places.get(warehouse) ?? { warehouse, onHand: 0, held: 0, reserved: 0, available: 0 }
    const onHand = before.onHand + (counts.onHand ?? 0) * quantity
    const held = before.held + (counts.held ?? 0) * quantity
    const reserved = before.reserved + (counts.reserved ?? 0) * quantity
    places.set(warehouse, { warehouse, onHand, held, reserved, available: onHand - held - reserved })
  }
  return { ...row, warehouses: [...places.values()] }
}

const without = (waiting: Open["waiting"], orderId: string): Open["waiting"] => {
  const { [orderId]: _, ...rest } = waiting
  return rest
}

const step = (row: Open, event: SkuState.Event): Open => {
  switch (event._tag) {
    case "Received":
    case "Restocked":
      return move(row, [event], { onHand: 1 })
    case "Adjusted":
      return move(row, [{ warehouse: event.warehouse, quantity: event.delta }], { onHand: 1 })
    case "Held": {
      const held = move(row, event.allocations, { held: 1 })
      return event.backOrdered === 0
        ? held
        : {
            ...held,
            back_ordered: row.back_ordered + event.backOrdered,
            waiting: { ...row.waiting, [event.orderId]: "held" }
          }
    }
    case "HoldExpired":
    case "Released": {
      const from = event._tag === "Released" && event.from === "reservation" ? "reserved" : "held"
      return {
        ...move(row, event.allocations, { [from]: -1 }),
        back_ordered: row.back_ordered - event.backOrdered,
        waiting: event.backOrdered === 0 ? row.waiting : without(row.waiting, event.orderId)
      }
    }
    case "Reserved":
      return {
        ...move(row, event.allocations, { held: -1, reserved: 1 }),
        waiting: event.backOrdered === 0 ? row.waiting : { ...row.waiting, [event.orderId]: "reserved" }
      }
    case "Shipped":
      return {
        ...move(row, event.allocations, { onHand: -1, [event.from === "hold" ? "held" : "reserved"]: -1 }),
        shipped: row.shipped + quantityOf(event.allocations)
      }
    case "BackOrdersFilled":
      return event.fills.reduce(
        (filled, { allocations, orderId }) => ({
          ...move(filled, allocations, { [filled.waiting[orderId] ?? "reserved"]: 1 }),
          back_ordered: filled.back_ordered - quantityOf(allocations)
        }),
        row
      )
    case "BackOrderAllowed":
      return { ...row, back_order_allowed: event.allowed }
    case "WrittenOff":
    case "HoldRefused":
    case "HoldsDue":
    case "ExpiryChecked":
    case "ReleasedEarly":
    case "ShipRefused":
      return row
  }
}

export const StockTable = Table.make(SkuState, {
  name: "stock",
  version: 2,
  columns,
  fold: (before, event, at) => {
    const after = step(before ?? nothing, event)
    const total = (of: (place: Place) => number) => after.warehouses.reduce((sum, place) => sum + of(place), 0)
    return {
      ...after,
      // Nobody waits while nothing is missing: what filled orders leave behind goes then.
      waiting: after.back_ordered === 0 ? {} : after.waiting,
      on_hand: total((place) => place.onHand),
      held: total((place) => place.held),
      reserved: total((place) => place.reserved),
      available: total((place) => place.available),
      updated_at: at
    }
  },
  cached: {
    prefix: "stock_levels",
    ttlSeconds: 600,
    value: ({ available, held, id, on_hand, reserved, seq }) => ({
      id,
      seq,
      onHand: on_hand,
      held,
      reserved,
      available
    })
  }
})

/** What the warehouses of many SKUs have on hand; a SKU that was never stocked is absent. */
export const unitsOnHand = (
  region: Region,
  skus: ReadonlyArray<SkuCode>
): Query<ReadonlyMap<SkuCode, ReadonlyArray<Pick<Place, "warehouse" | "onHand">>>> => ({
  name: "unitsOnHand",
  run: Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const rows = yield* sql<{ id: string; warehouses: Row["warehouses"] }>`
      SELECT id, warehouses FROM stock_view WHERE id = ANY(${skus.map((sku) => skuId(region, sku))}::text[])`
    return new Map(rows.map(({ id, warehouses }) => [skuCode(SkuId.make(id)), warehouses]))
  })
})

/** What could be sold of a SKU now, over all its warehouses. */
export interface Available {
  readonly units: number
  /** More may be ordered than there is. */
  readonly backOrder: boolean
}

/** Of many SKUs at once, in one statement; one that was never stocked is absent. */
export const availability = (region: Region, skus: ReadonlyArray<SkuCode>): Query<ReadonlyMap<SkuCode, Available>> => ({
  name: "availability",
  run: Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const rows = yield* sql<{ id: string; available: bigint; back_order_allowed: boolean }>`
      SELECT id, available, back_order_allowed FROM stock_view
      WHERE id = ANY(${skus.map((sku) => skuId(region, sku))}::text[])`
    return new Map(
      rows.map(({ available, back_order_allowed, id }) => [
        skuCode(SkuId.make(id)),
        { units: Number(available), backOrder: back_order_allowed }
      ])
    )
  })
})
