import type { NotFound } from "@halles/engine/eventsourced/EntityErrors"
import type { Row } from "@halles/engine/eventsourced/Model"
import { viewReply } from "@halles/engine/eventsourced/Replies"
import { regionOf } from "@halles/shared/Region"
import { Result, Schema } from "effect"
import * as Described from "../catalogue/Described.ts"
import { FieldVersions } from "../history/FieldVersions.ts"
import { ContentRefused } from "../routes/ContentRefused.ts"
import { AttributeCode, type Declaration, faultsOf, Kind } from "./Declaration.ts"
import {
  AttributeKindFixed,
  AttributesUsedUp,
  Declarations,
  everDeclaredMax,
  ProductTypeCode,
  type ProductTypeId,
  ProductTypeView,
  type PutProductType,
  type RemoveProductType,
  Title
} from "./ProductType.ts"

export const type = "ProductType"
export const version = 2

export type Command = PutProductType | RemoveProductType
export type Refusal = NotFound | ContentRefused | AttributeKindFixed | AttributesUsedUp

const Kinds = Schema.Array(Schema.Struct({ code: AttributeCode, kind: Kind }))

export const Event = Schema.Union([
  Schema.TaggedStruct("ProductTypePut", { title: Title, attributes: Declarations, at: Schema.Int }),
  Schema.TaggedStruct("ProductTypeRemoved", { at: Schema.Int })
])
export type Event = typeof Event.Type

export const State = Schema.Union([
  Schema.TaggedStruct("None", {}),
  Schema.TaggedStruct("Known", {
    description: Schema.Struct({ title: Title, attributes: Declarations }),
    /** The kind of every attribute that the type ever declared. */
    kinds: Kinds,
    removed: Schema.Boolean,
    versions: FieldVersions
  })
])
export type State = typeof State.Type

export const initial: State = Described.initial

export const decide = (state: State, command: Command, now: number): Result.Result<ReadonlyArray<Event>, Refusal> => {
  switch (command._tag) {
    case "PutProductType": {
      const { attributes, title } = command
      const errors = faultsOf(attributes)
      if (errors.length > 0) return Result.fail(new ContentRefused({ errors }))
      if (state._tag === "Known") {
        const declared = new Map(attributes.map(({ code, kind }) => [code, kind]))
        const other = state.kinds.find(({ code, kind }) => (declared.get(code) ?? kind) !== kind)
        if (other !== undefined) return Result.fail(new AttributeKindFixed({ attribute: other.code, kind: other.kind }))
        if (kindsWith(state.kinds, attributes).length > everDeclaredMax)
          return Result.fail(new AttributesUsedUp({ max: everDeclaredMax }))
      }
      return Described.put(state, { title, attributes }, { _tag: "ProductTypePut", title, attributes, at: now })
    }
    case "RemoveProductType":
      return Described.remove(type, state, { _tag: "ProductTypeRemoved", at: now })
  }
}

const kindsWith = (before: typeof Kinds.Type, declarations: ReadonlyArray<Declaration>): typeof Kinds.Type => {
  const known = new Set(before.map(({ code }) => code))
  return [...before, ...declarations.filter(({ code }) => !known.has(code)).map(({ code, kind }) => ({ code, kind }))]
}

export const evolve = (state: State, event: Event, row: Row): State => {
  switch (event._tag) {
    case "ProductTypePut": {
      const { attributes, title } = event
      const kinds = kindsWith(state._tag === "Known" ? state.kinds : [], attributes)
      return { ...Described.described(state, { title, attributes }, row), kinds }
    }
    case "ProductTypeRemoved":
      return state._tag === "None" ? state : { ...state, ...Described.removed(state, row) }
  }
}

/** `null` until the product type is put for the first time. */
export const view = (id: ProductTypeId, state: State, seq: number): ProductTypeView | null => {
  if (state._tag === "None") return null
  const { description, removed } = state
  const code = ProductTypeCode.make(id.slice(3), { disableChecks: true })
  return new ProductTypeView({ region: regionOf(id), code, ...description, removed, seq }, { disableChecks: true })
}

export const edited = (id: ProductTypeId, state: State, seq: number) => Described.edited(view(id, state, seq), state)

const toView = viewReply(type, view)
export const replies = { PutProductType: toView, RemoveProductType: toView, View: toView }
