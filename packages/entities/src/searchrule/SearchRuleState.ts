import type { NotFound } from "@halles/engine/eventsourced/EntityErrors"
import type { Row } from "@halles/engine/eventsourced/Model"
import { viewReply } from "@halles/engine/eventsourced/Replies"
import { fieldsOf } from "@halles/shared/Command"
import { regionOf } from "@halles/shared/Region"
import type { Fault } from "@halles/shared/wire/EdgeErrors"
import { Result, Schema } from "effect"
import * as Described from "../catalogue/Described.ts"
import { ContentRefused } from "../routes/ContentRefused.ts"
import {
  Description,
  type PutSearchRule,
  type RemoveSearchRule,
  SearchRuleCode,
  type SearchRuleId,
  SearchRuleView
} from "./SearchRule.ts"

export const type = "SearchRule"
export const version = 1

export type Command = PutSearchRule | RemoveSearchRule
export type Refusal = NotFound | ContentRefused

export const Event = Schema.Union([
  Schema.TaggedStruct("SearchRulePut", { ...Description.fields, at: Schema.Int }),
  Schema.TaggedStruct("SearchRuleRemoved", { at: Schema.Int })
])
export type Event = typeof Event.Type

export const State = Described.State(Description)
export type State = typeof State.Type

export const initial: State = Described.initial

const isWord = /[\p{L}\p{N}]/u
/** A fault for each text that nobody could search for. */
const wordless = (texts: ReadonlyArray<string>, at: string): ReadonlyArray<Fault> =>
  texts.flatMap((text, index) =>
    isWord.test(text) ? [] : [{ pointer: `${at}/${index}`, detail: "Expected a letter or a digit" }]
  )

const faultsOf = ({ effect, from, until }: Description): ReadonlyArray<Fault> => {
  const isOver = from !== undefined && until !== undefined && until <= from
  const ends = isOver ? [{ pointer: "/until", detail: "Expected a moment after `from`" }] : []
  if (effect.kind !== "synonyms") return [...ends, ...wordless(effect.queries, "/effect/queries")]
  const { root, terms } = effect
  const isAlone = root === undefined && terms.length < 2
  return [
    ...ends,
    ...wordless(terms, "/effect/terms"),
    ...(root === undefined || isWord.test(root)
      ? []
      : [{ pointer: "/effect/root", detail: "Expected a letter or a digit" }]),
    ...(isAlone ? [{ pointer: "/effect/terms", detail: "Expected a root, or two terms at least" }] : [])
  ]
}

export const decide = (state: State, command: Command, now: number): Result.Result<ReadonlyArray<Event>, Refusal> => {
  switch (command._tag) {
    case "PutSearchRule": {
      const description = fieldsOf(command)
      const errors = faultsOf(description)
      if (errors.length > 0) return Result.fail(new ContentRefused({ errors }))
      return Described.put(state, description, { _tag: "SearchRulePut", ...description, at: now })
    }
    case "RemoveSearchRule":
      return Described.remove(type, state, { _tag: "SearchRuleRemoved", at: now })
  }
}

export const evolve = (state: State, event: Event, row: Row): State => {
  switch (event._tag) {
    case "SearchRulePut": {
      const { _tag, at: _at, ...description } = event
      return Described.described(state, description, row)
    }
    case "SearchRuleRemoved":
      return Described.removed(state, row)
  }
}

/** `null` until the rule is put for the first time. */
export const view = (id: SearchRuleId, state: State, seq: number): SearchRuleView | null => {
  if (state._tag === "None") return null
  const code = SearchRuleCode.make(id.slice(3), { disableChecks: true })
  const { description, removed } = state
  return new SearchRuleView({ region: regionOf(id), code, ...description, removed, seq }, { disableChecks: true })
}

const toView = viewReply(type, view)
export const replies = { PutSearchRule: toView, RemoveSearchRule: toView, View: toView }
