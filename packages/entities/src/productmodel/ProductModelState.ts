import type { NotFound } from "@halles/engine/eventsourced/EntityErrors"
import type { Row } from "@halles/engine/eventsourced/Model"
import { viewReply } from "@halles/engine/eventsourced/Replies"
import { fieldsOf } from "@halles/shared/Command"
import { regionOf } from "@halles/shared/Region"
import type { Fault } from "@halles/shared/wire/EdgeErrors"
import { Result, Schema } from "effect"
import * as Described from "../catalogue/Described.ts"
import { boundFaults } from "../producttype/Attributes.ts"
import { ContentRefused } from "../routes/ContentRefused.ts"
import {
  Description,
  ProductModelCode,
  type ProductModelId,
  ProductModelView,
  type PutProductModel,
  type RemoveProductModel
} from "./ProductModel.ts"

export const type = "ProductModel"
export const version = 2

export type Command = PutProductModel | RemoveProductModel
export type Refusal = NotFound | ContentRefused

export const Event = Schema.Union([
  Schema.TaggedStruct("ProductModelPut", { ...Description.fields, at: Schema.Int }),
  Schema.TaggedStruct("ProductModelRemoved", { at: Schema.Int })
])
export type Event = typeof Event.Type

export const State = Described.State(Description)
export type State = typeof State.Type

export const initial: State = Described.initial

/** A model is refused unless each of its variants has a value for every axis, and no two variants have the same values. */
const faultsOf = ({ attributes, axes, variants }: Description): ReadonlyArray<Fault> => {
  const skus = new Set<string>()
  const places = new Set<string>()
  const wanted = axes.toSorted().join(" ")
  const wrong = variants.flatMap(({ attributes, sku }, index): ReadonlyArray<Fault> => {
    const at = `/variants/${index}`
    const place = JSON.stringify(attributes)
    const faults: Array<Fault> = []
    if (skus.has(sku)) faults.push({ pointer: `${at}/sku`, detail: `${sku} stands twice` })
    const said = attributes.map(({ code }) => code).toSorted()
    if (said.join(" ") !== wanted)
      faults.push({
        pointer: `${at}/attributes`,
        detail: `Expected a value for each of ${axes.join(", ") || "no axis"}`
      })
    else if (places.has(place)) faults.push({ pointer: `${at}/attributes`, detail: "Another variant has these values" })
    skus.add(sku)
    places.add(place)
    return faults
  })
  return [...boundFaults(attributes), ...wrong]
}

export const decide = (state: State, command: Command, now: number): Result.Result<ReadonlyArray<Event>, Refusal> => {
  switch (command._tag) {
    case "PutProductModel": {
      const description = fieldsOf(command)
      const errors = faultsOf(description)
      if (errors.length > 0) return Result.fail(new ContentRefused({ errors }))
      return Described.put(state, description, { _tag: "ProductModelPut", ...description, at: now })
    }
    case "RemoveProductModel":
      return Described.remove(type, state, { _tag: "ProductModelRemoved", at: now })
  }
}

export const evolve = (state: State, event: Event, row: Row): State => {
  switch (event._tag) {
    case "ProductModelPut": {
      const { _tag, at: _at, ...description } = event
      return Described.described(state, description, row)
    }
    case "ProductModelRemoved":
      return Described.removed(state, row)
  }
}

/** `null` until the model is put for the first time. */
export const view = (id: ProductModelId, state: State, seq: number): ProductModelView | null => {
  if (state._tag === "None") return null
  const code = ProductModelCode.make(id.slice(3), { disableChecks: true })
  const { description, removed } = state
  return new ProductModelView({ region: regionOf(id), code, ...description, removed, seq }, { disableChecks: true })
}

export const edited = (id: ProductModelId, state: State, seq: number) => Described.edited(view(id, state, seq), state)

const toView = viewReply(type, view)
export const replies = { PutProductModel: toView, RemoveProductModel: toView, View: toView }
