import { viewReply } from "@halles/engine/eventsourced/Replies"
import { SkuCode } from "@halles/shared/Ids"
import { Result, Schema } from "effect"
import { type ClaimValue, type UniqueValueId, UniqueValueView, ValueTaken } from "./UniqueValue.ts"

export const type = "UniqueValue"
export const version = 1

export type Command = ClaimValue
export type Refusal = ValueTaken

/** A product that claims a value takes it later in the same request, which is over long before this. Until then no other product can take the claim over. */
const pendingMs = 30_000
/** A product that repeats its claim within this time gets no second event. */
const youngMs = 10_000

export const Event = Schema.Union([Schema.TaggedStruct("ValueClaimed", { sku: SkuCode, at: Schema.Int })])
export type Event = typeof Event.Type

export const State = Schema.Union([
  Schema.TaggedStruct("None", {}),
  Schema.TaggedStruct("Claimed", { sku: SkuCode, at: Schema.Int })
])
export type State = typeof State.Type

export const initial: State = { _tag: "None" }

export const decide = (
  state: State,
  { from, sku }: ClaimValue,
  now: number
): Result.Result<ReadonlyArray<Event>, ValueTaken> => {
  if (state._tag === "Claimed") {
    if (state.sku === sku && now - state.at < youngMs) return Result.succeed([])
    const isFree = state.sku === from && now - state.at >= pendingMs
    if (state.sku !== sku && !isFree) return Result.fail(new ValueTaken({ sku: state.sku }))
  }
  return Result.succeed([{ _tag: "ValueClaimed", sku, at: now }])
}

export const evolve = (_: State, { at, sku }: Event): State => ({ _tag: "Claimed", sku, at })

/** `null` until a product claims the value. */
export const view = (_: UniqueValueId, state: State, seq: number): UniqueValueView | null =>
  state._tag === "None" ? null : new UniqueValueView({ sku: state.sku, seq }, { disableChecks: true })

const toView = viewReply(type, view)
export const replies = { ClaimValue: toView, View: toView }
