import type { NotFound } from "@halles/engine/eventsourced/EntityErrors"
import type { Row } from "@halles/engine/eventsourced/Model"
import { viewReply } from "@halles/engine/eventsourced/Replies"
import { fieldsOf } from "@halles/shared/Command"
import { skuCode } from "@halles/shared/Ids"
import { regionOf } from "@halles/shared/Region"
import { type Result, Schema } from "effect"
import * as Described from "../catalogue/Described.ts"
import { Description, type PutUnitCost, type RemoveUnitCost, type UnitCostId, UnitCostView } from "./UnitCost.ts"

export const type = "UnitCost"
export const version = 1

export type Command = PutUnitCost | RemoveUnitCost
export type Refusal = NotFound

export const Event = Schema.Union([
  Schema.TaggedStruct("UnitCostPut", { ...Description.fields, at: Schema.Int }),
  Schema.TaggedStruct("UnitCostRemoved", { at: Schema.Int })
])
export type Event = typeof Event.Type

export const State = Described.State(Description)
export type State = typeof State.Type

export const initial: State = Described.initial

export const decide = (state: State, command: Command, now: number): Result.Result<ReadonlyArray<Event>, Refusal> => {
  switch (command._tag) {
    case "PutUnitCost": {
      const { cost } = fieldsOf(command)
      return Described.put(state, { cost }, { _tag: "UnitCostPut", cost, at: now })
    }
    case "RemoveUnitCost":
      return Described.remove(type, state, { _tag: "UnitCostRemoved", at: now })
  }
}

export const evolve = (state: State, event: Event, row: Row): State => {
  switch (event._tag) {
    case "UnitCostPut":
      return Described.described(state, { cost: event.cost }, row)
    case "UnitCostRemoved":
      return Described.removed(state, row)
  }
}

/** `null` until a cost is put for the first time. */
export const view = (id: UnitCostId, state: State, seq: number): UnitCostView | null => {
  if (state._tag === "None") return null
  const { description, removed } = state
  return new UnitCostView(
    { region: regionOf(id), sku: skuCode(id), ...description, removed, seq },
    { disableChecks: true }
  )
}

const toView = viewReply(type, view)
export const replies = { PutUnitCost: toView, RemoveUnitCost: toView, View: toView }
