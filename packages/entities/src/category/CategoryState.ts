import { NotFound } from "@halles/engine/eventsourced/EntityErrors"
import { viewReply } from "@halles/engine/eventsourced/Replies"
import { regionOf } from "@halles/shared/Region"
import { Equal, Result, Schema } from "effect"
import { boundFaults } from "../producttype/Attributes.ts"
import { ContentRefused } from "../routes/ContentRefused.ts"
import { type CategoryId, CategoryView, Description, type PutCategory, type RemoveCategory } from "./Category.ts"
import { CategoryCode } from "./CategoryTree.ts"
import { isEmpty } from "./Rule.ts"

export const type = "Category"
export const version = 1

export type Command = PutCategory | RemoveCategory
export type Refusal = NotFound | ContentRefused

export const Event = Schema.Union([
  Schema.TaggedStruct("CategoryPut", { ...Description.fields, at: Schema.Int }),
  Schema.TaggedStruct("CategoryRemoved", { at: Schema.Int })
])
export type Event = typeof Event.Type

export const State = Schema.Union([
  Schema.TaggedStruct("None", {}),
  Schema.TaggedStruct("Known", { description: Description, removed: Schema.Boolean })
])
export type State = typeof State.Type

export const initial: State = { _tag: "None" }

export const decide = (state: State, command: Command, now: number): Result.Result<ReadonlyArray<Event>, Refusal> => {
  switch (command._tag) {
    case "PutCategory": {
      const { _tag, commandId: _id, expectedSeq: _seq, origin: _origin, ...description } = command
      const noRule = [{ pointer: "/rule", detail: "Expected at least one condition" }]
      const errors = [
        ...boundFaults(description.attributes ?? []),
        ...(description.rule !== undefined && isEmpty(description.rule) ? noRule : [])
      ]
      if (errors.length > 0) return Result.fail(new ContentRefused({ errors }))
      const isSame = state._tag === "Known" && !state.removed && Equal.equals(state.description, description)
      return Result.succeed(isSame ? [] : [{ _tag: "CategoryPut", ...description, at: now }])
    }
    case "RemoveCategory":
      if (state._tag === "None") return Result.fail(new NotFound({ entity: type, id: "" }))
      return Result.succeed(state.removed ? [] : [{ _tag: "CategoryRemoved", at: now }])
  }
}

export const evolve = (state: State, event: Event): State => {
  switch (event._tag) {
    case "CategoryPut": {
      const { _tag, at: _at, ...description } = event
      return { _tag: "Known", description, removed: false }
    }
    case "CategoryRemoved":
      return state._tag === "None" ? state : { ...state, removed: true }
  }
}

/** `null` where there never was such a category. */
export const view = (id: CategoryId, state: State, seq: number): CategoryView | null => {
  if (state._tag === "None") return null
  const code = CategoryCode.make(id.slice(3), { disableChecks: true })
  const { description, removed } = state
  return new CategoryView({ region: regionOf(id), code, ...description, removed, seq }, { disableChecks: true })
}

const toView = viewReply(type, view)
export const replies = { PutCategory: toView, RemoveCategory: toView, View: toView }
