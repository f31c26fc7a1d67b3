import { NotFound } from "@halles/engine/eventsourced/EntityErrors"
import { Equal, Result, Schema } from "effect"

// The part of `decide` and `evolve` that entities share whose commands are Put and Remove: a category, a product model, a product type.
// Put replaces the whole description. Remove keeps it, and the next Put brings the entity back.

interface None {
  readonly _tag: "None"
}
interface Known<Description> {
  readonly _tag: "Known"
  readonly description: Description
  readonly removed: boolean
}

export const State = <Description extends Schema.Top>(description: Description) =>
  Schema.Union([
    Schema.TaggedStruct("None", {}),
    Schema.TaggedStruct("Known", { description, removed: Schema.Boolean })
  ])

export const initial: None = { _tag: "None" }

/** The event, or none where the entity has this description already. */
export const put = <Description, Event>(
  state: None | Known<Description>,
  description: Description,
  event: Event
): Result.Result<ReadonlyArray<Event>> => {
  const isSame = state._tag === "Known" && !state.removed && Equal.equals(state.description, description)
  return Result.succeed(isSame ? [] : [event])
}

/** The event, or none where the entity was removed already. */
export const remove = <Event>(
  type: string,
  state: None | { readonly _tag: "Known"; readonly removed: boolean },
  event: Event
): Result.Result<ReadonlyArray<Event>, NotFound> => {
  if (state._tag === "None") return Result.fail(new NotFound({ entity: type, id: "" }))
  return Result.succeed(state.removed ? [] : [event])
}

export const known = <Description>(description: Description): Known<Description> => ({
  _tag: "Known",
  description,
  removed: false
})

export const removed = <S extends None | { readonly _tag: "Known"; readonly removed: boolean }>(state: S): S =>
  state._tag === "None" ? state : { ...state, removed: true }
