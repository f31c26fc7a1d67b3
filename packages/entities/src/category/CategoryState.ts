import type { NotFound } from "@halles/engine/eventsourced/EntityErrors"
import { evolved, type Row } from "@halles/engine/eventsourced/Model"
import { viewReply } from "@halles/engine/eventsourced/Replies"
import { fieldsOf } from "@halles/shared/Command"
import { regionOf } from "@halles/shared/Region"
import { Result, Schema } from "effect"
import * as Described from "../catalogue/Described.ts"
import * as ShownMedia from "../media/ShownMedia.ts"
import { boundFaults } from "../producttype/Attributes.ts"
import { ContentRefused } from "../routes/ContentRefused.ts"
import { type CategoryId, CategoryView, Description, type PutCategory, type RemoveCategory } from "./Category.ts"
import { CategoryCode } from "./CategoryTree.ts"
import { isEmpty } from "./CategoryRule.ts"

export const type = "Category"
export const version = 2

export type Command = PutCategory | RemoveCategory
export type Refusal = NotFound | ContentRefused

export const Event = Schema.Union([
  Schema.TaggedStruct("CategoryPut", { ...Description.fields, at: Schema.Int }),
  Schema.TaggedStruct("CategoryRemoved", { at: Schema.Int }),
  /** In the row of what changed it. `MediaUses.ts` tells the media. */
  Schema.TaggedStruct("CategoryMediaChanged", { ...ShownMedia.Change.fields, at: Schema.Int })
])
export type Event = typeof Event.Type

export const State = Described.State(Description)
export type State = typeof State.Type

export const initial: State = Described.initial

export const decide = (state: State, command: Command, now: number): Result.Result<ReadonlyArray<Event>, Refusal> =>
  Result.map(decideOnce(state, command, now), (events) => {
    // What is shown does not depend on the number of the row.
    const after = evolved({ evolve }, state, events, 0)
    const change = ShownMedia.changeOf(mediaShownIn(state), mediaShownIn(after))
    return change === null ? events : [...events, { _tag: "CategoryMediaChanged", ...change, at: now }]
  })

const mediaShownIn = (state: State): ShownMedia.ShownMedia =>
  state._tag === "None" || state.removed ? [] : (state.description.media ?? [])

const decideOnce = (state: State, command: Command, now: number): Result.Result<ReadonlyArray<Event>, Refusal> => {
  switch (command._tag) {
    case "PutCategory": {
      const description = fieldsOf(command)
      const noRule = [{ pointer: "/rule", detail: "Expected at least one condition" }]
      const errors = [
        ...boundFaults(description.attributes ?? []),
        ...(description.rule !== undefined && isEmpty(description.rule) ? noRule : [])
      ]
      if (errors.length > 0) return Result.fail(new ContentRefused({ errors }))
      return Described.put(state, description, { _tag: "CategoryPut", ...description, at: now })
    }
    case "RemoveCategory":
      return Described.remove(type, state, { _tag: "CategoryRemoved", at: now })
  }
}

export const evolve = (state: State, event: Event, row: Row): State => {
  switch (event._tag) {
    case "CategoryPut": {
      const { _tag, at: _at, ...description } = event
      return Described.described(state, description, row)
    }
    case "CategoryRemoved":
      return Described.removed(state, row)
    case "CategoryMediaChanged":
      return state
  }
}

/** `null` until the category is put for the first time. */
export const view = (id: CategoryId, state: State, seq: number): CategoryView | null => {
  if (state._tag === "None") return null
  const code = CategoryCode.make(id.slice(3), { disableChecks: true })
  const { description, removed } = state
  return new CategoryView({ region: regionOf(id), code, ...description, removed, seq }, { disableChecks: true })
}

export const edited = (id: CategoryId, state: State, seq: number) => Described.edited(view(id, state, seq), state)

const toView = viewReply(type, view)
export const replies = { PutCategory: toView, RemoveCategory: toView, View: toView }
