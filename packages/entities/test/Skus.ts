import { evolved, type Model } from "@halles/engine/eventsourced/Model"
import { TimerFired } from "@halles/engine/eventsourced/TimerFired"
import { CommandId, OrderId, WarehouseId } from "@halles/shared/Ids"
import { Result, Schema } from "effect"
import { Adjust, AllowBackOrder, Hold, Receive, Release, Ship } from "../src/inventory/Sku.ts"
import * as SkuState from "../src/inventory/SkuState.ts"

// A SKU that is driven by hand: what it does with each command of a few orders and warehouses.

const model: Model<SkuState.State, SkuState.Command, SkuState.Event, SkuState.Refusal, SkuState.PendingStep> = SkuState

export const commandId = CommandId.make("c")
export const order = (key: number | string) => OrderId.make(`eu_${key}`)
export const place = (key: number) => WarehouseId.make(`w${key}`)
export const main = place(0)

export const hold = (key: number | string, quantity: number, ttlMs = 100) =>
  new Hold({ commandId, orderId: order(key), quantity, ttlMs })
type Keys = ReadonlyArray<number | string>
/** What orders answer when they are asked. */
export const answers = (needed: Keys, over: Keys = [], unanswered: Keys = []): SkuState.Command => ({
  _tag: "RecordNeeds",
  commandId,
  needed: needed.map(order),
  over: over.map(order),
  unanswered: unanswered.map(order)
})
export const release = (key: number | string) => new Release({ commandId, orderId: order(key) })
export const ship = (key: number | string) => new Ship({ commandId, orderId: order(key) })
export const receive = (quantity: number, warehouse = main) => new Receive({ commandId, warehouse, quantity })
export const rowBytes = (events: ReadonlyArray<SkuState.Event>): number =>
  Buffer.byteLength(JSON.stringify(Schema.encodeSync(Schema.Array(SkuState.Event))(events)))
export const allow = (allowed: boolean) => new AllowBackOrder({ commandId, allowed })
export const timerFired = new TimerFired({ commandId })
export const adjust = (expectedOnHand: number, onHand: number, warehouse = main) =>
  new Adjust({ commandId, warehouse, expectedOnHand, onHand, reason: "count" })

export const decided = (state: SkuState.State, command: SkuState.Command, now = 0) =>
  Result.getOrElse(model.decide(state, command, now), () => [])
export const after = (state: SkuState.State, command: SkuState.Command, now = 0) =>
  evolved(model, state, decided(state, command, now), 1)
export const all = (...commands: ReadonlyArray<SkuState.Command>) =>
  commands.reduce((state, command) => after(state, command), SkuState.initial)
/** The time of its holds comes, and these orders say that they need them. */
export const reserved = (state: SkuState.State, ...keys: Keys) =>
  after(after(state, timerFired, 1_000), answers(keys), 1_000)
export const refusal = (state: SkuState.State, command: SkuState.Command) =>
  Result.getOrThrow(Result.flip(SkuState.decide(state, command, 0)))
