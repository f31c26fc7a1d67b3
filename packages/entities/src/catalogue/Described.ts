import { NotFound } from "@halles/engine/eventsourced/EntityErrors"
import type { Row } from "@halles/engine/eventsourced/Model"
import { Equal, Result, Schema } from "effect"
import * as FieldVersions from "../history/FieldVersions.ts"

// The part of `decide` and `evolve` that entities share whose commands are Put and Remove: a category, a product model, a product type.
// Put replaces the whole description. Remove keeps it, and the next Put brings the entity back.

interface None {
  readonly _tag: "None"
}
interface Known<Description> {
  readonly _tag: "Known"
  readonly description: Description
  readonly removed: boolean
  readonly versions: FieldVersions.FieldVersions
}

export const State = <Description extends Schema.Top>(description: Description) =>
  Schema.Union([
    Schema.TaggedStruct("None", {}),
    Schema.TaggedStruct("Known", { description, removed: Schema.Boolean, versions: FieldVersions.FieldVersions })
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

const fieldsOf = <Description extends object>({ description, removed }: Known<Description>) => ({
  ...description,
  removed
})

/** The state after a Put. */
export const described = <Description extends object>(
  state: None | Known<Description>,
  description: Description,
  row: Row
): Known<Description> => changed(state, { _tag: "Known", description, removed: false, versions: [] }, row)

/** The state after a Remove. */
export const removed = <Description extends object>(state: None | Known<Description>, row: Row) =>
  state._tag === "None" ? state : changed(state, { ...state, removed: true }, row)

const changed = <Description extends object>(
  before: None | Known<Description>,
  after: Known<Description>,
  { seq }: Row
): Known<Description> =>
  before._tag === "None"
    ? after
    : { ...after, versions: FieldVersions.changed(before.versions, fieldsOf(before), fieldsOf(after), seq) }

/** The view with the versions of its fields, for merchants. */
export const edited = <View extends object, Description extends object>(
  view: View | null,
  state: None | Known<Description>
): (View & { readonly versions: FieldVersions.VersionsJson }) | null =>
  view === null || state._tag === "None"
    ? null
    : { ...view, versions: FieldVersions.jsonOf(fieldsOf(state), state.versions) }
