import type { Origin } from "@halles/shared/Command"
import type { CommandId, OrderId } from "@halles/shared/Ids"
import { HashMap, Option } from "effect"
import type { Allocation } from "./Sku.ts"
import type { Event, HoldState, State } from "./SkuEvents.ts"

// A hold is a promise with a time limit. When the time is over the SKU asks the order, and gives the units back only once it knows
// that the order does not need them.

/** Holds that come to their time so soon after others are asked about with them: a SKU that sells much asks once a minute. */
const aheadMs = 60_000
/** An order that did not answer is asked again after this. */
const againMs = 5_000
/** A question that is still pending after this is asked again, on whatever runner the shard then is. */
const redriveMs = 5_000
/**
 * Characters that one row tells of holds whose orders have answered, and of orders that get their units, each: the next portion
 * follows at once, by the timer. Some thousand orders that are each served by one warehouse, some hundred that are served by all.
 */
export const portionMax = 256 * 1024

/** Asks the orders of `asked` whether they still need what they hold. */
export interface PendingStep {
  readonly _tag: "AskOrders"
  readonly key: string
}

/** What the orders of holds that are due have answered; made by `SkuLive`. */
export interface RecordNeeds {
  readonly _tag: "RecordNeeds"
  readonly commandId: CommandId
  readonly origin?: Origin
  readonly needed: ReadonlyArray<OrderId>
  readonly over: ReadonlyArray<OrderId>
  readonly unanswered: ReadonlyArray<OrderId>
}

export const next = ({ checking, checks }: State): PendingStep | null =>
  checking === null ? null : { _tag: "AskOrders", key: `expiry-${checks}` }

export const dueAt = ({ checking, earliestExpiry }: State): number | null =>
  checking === null ? earliestExpiry : checking.at + redriveMs

/** What a fired timer comes to: holds are due, or only look so, since those that were due have gone. */
export const due = (state: State, now: number): ReadonlyArray<Event> => {
  if (state.checking !== null || state.earliestExpiry === null || state.earliestExpiry > now) return []
  const earliest = earliestOf(state, ({ expiresAt }) => expiresAt)
  return earliest === null || earliest > now
    ? [{ _tag: "ExpiryChecked", earliest }]
    : [{ _tag: "HoldsDue", until: now + aheadMs, at: now }]
}

/** The orders to ask: those whose holds come to their time first, as many as one row can tell of. */
export const asked = ({ checking, holds }: State): ReadonlyArray<OrderId> => {
  const all = [...HashMap.entries(holds)]
    .filter(([, { expiresAt }]) => checking !== null && expiresAt <= checking.until)
    .sort(([a, { expiresAt: x }], [b, { expiresAt: y }]) => x - y || (a < b ? -1 : 1))
  let length = 0
  const end = all.findIndex(([orderId, { allocations }]) => (length += lengthOf(orderId, allocations)) > portionMax)
  return (end === -1 ? all : all.slice(0, Math.max(1, end))).map(([orderId]) => orderId)
}

/** A hold that its order does not need lasts for its time all the same. */
export const recorded = (state: State, answers: RecordNeeds, now: number): ReadonlyArray<Event> => {
  if (state.checking === null) return []
  const settled = new Set<OrderId>()
  const of = (orderId: OrderId, _tag: "Reserved" | "HoldExpired"): ReadonlyArray<Event> => {
    const hold = Option.getOrUndefined(HashMap.get(state.holds, orderId))
    if (hold === undefined || settled.has(orderId) || (_tag === "HoldExpired" && hold.expiresAt > now)) return []
    settled.add(orderId)
    return [{ _tag, orderId, allocations: hold.allocations, backOrdered: hold.backOrdered }]
  }
  const events = [
    ...answers.needed.flatMap((orderId) => of(orderId, "Reserved")),
    ...answers.over.flatMap((orderId) => of(orderId, "HoldExpired"))
  ]
  const later = new Set(answers.unanswered)
  const earliest = earliestOf(state, ({ expiresAt }, orderId) => {
    if (settled.has(orderId)) return Infinity
    return later.has(orderId) ? now + againMs : Math.max(expiresAt, now + 1)
  })
  return [...events, { _tag: "ExpiryChecked", earliest }]
}

const earliestOf = ({ holds }: State, dueOf: (hold: HoldState, orderId: OrderId) => number): number | null => {
  let earliest = Infinity
  for (const [orderId, hold] of HashMap.entries(holds)) earliest = Math.min(earliest, dueOf(hold, orderId))
  return earliest === Infinity ? null : earliest
}

/** Characters of an order and its allocations in an event, at the most. */
export const lengthOf = (orderId: OrderId, allocations: ReadonlyArray<Allocation>): number =>
  allocations.reduce((sum, { warehouse }) => sum + warehouse.length + 48, orderId.length + 100)
