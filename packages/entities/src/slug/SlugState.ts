import { viewReply } from "@halles/engine/eventsourced/Replies"
import { SkuCode } from "@halles/shared/Ids"
import { regionOf } from "@halles/shared/Region"
import { Result, Schema } from "effect"
import { type ClaimSlug, type SlugId, SlugTaken, SlugText, SlugView } from "./Slug.ts"

export const type = "Slug"
export const version = 1

export type Command = ClaimSlug
export type Refusal = SlugTaken

export const Event = Schema.Union([Schema.TaggedStruct("SlugClaimed", { sku: SkuCode, at: Schema.Int })])
export type Event = typeof Event.Type

export const State = Schema.Struct({ sku: Schema.NullOr(SkuCode) })
export type State = typeof State.Type

export const initial: State = { sku: null }

export const decide = (
  state: State,
  { sku }: ClaimSlug,
  now: number
): Result.Result<ReadonlyArray<Event>, SlugTaken> => {
  if (state.sku === null) return Result.succeed([{ _tag: "SlugClaimed", sku, at: now }])
  return state.sku === sku ? Result.succeed([]) : Result.fail(new SlugTaken({ sku: state.sku }))
}

export const evolve = (_: State, { sku }: Event): State => ({ sku })

/** `null` until a product claims the slug. */
export const view = (id: SlugId, { sku }: State, seq: number): SlugView | null =>
  sku === null
    ? null
    : new SlugView(
        { region: regionOf(id), slug: SlugText.make(id.slice(3), { disableChecks: true }), sku, seq },
        { disableChecks: true }
      )

const toView = viewReply(type, view)
export const replies = { ClaimSlug: toView, View: toView }
