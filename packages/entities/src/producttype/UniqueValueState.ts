import { viewReply } from "@halles/engine/eventsourced/Replies"
import { SkuCode } from "@halles/shared/Ids"
import { Result, Schema } from "effect"
import { type ClaimValue, type UniqueValueId, UniqueValueView, ValueTaken } from "./UniqueValue.ts"

export const type = "UniqueValue"
export const version = 1

export type Command = ClaimValue
export type Refusal = ValueTaken

/** Whoever has just claimed the value says it within this, which is much longer than a request may take: nobody takes it over before. */
const sayingMs = 30_000
/** A claim that is younger is not written again. */
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
    const isFree = state.sku === from && now - state.at >= sayingMs
    if (state.sku !== sku && !isFree) return Result.fail(new ValueTaken({ sku: state.sku }))
  }
  return Result.succeed([{ _tag: "ValueClaimed", sku, at: now }])
}

export const evolve = (_: State, { at, sku }: Event): State => ({ _tag: "Claimed", sku, at })

/** `null` where nobody ever claimed it. */
export const view = (_: UniqueValueId, state: State, seq: number): UniqueValueView | null =>
  state._tag === "None" ? null : new UniqueValueView({ sku: state.sku, seq }, { disableChecks: true })

const toView = viewReply(type, view)
export const replies = { ClaimValue: toView, View: toView }
