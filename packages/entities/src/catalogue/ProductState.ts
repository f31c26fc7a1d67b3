import { SkuCode, skuCode, type SkuId } from "@halles/shared/Ids"
import { regionOf } from "@halles/shared/Region"
import { Equal, Result, Schema } from "effect"
import { NotFound } from "@halles/engine/eventsourced/EntityErrors"
import { viewReply } from "@halles/engine/eventsourced/Replies"
import { ContentRefused } from "../routes/ContentRefused.ts"
import { Details, faultsOf } from "./Details.ts"
import { type DescribeProduct, ListProduct, Price, ProductView, Title, type Unlist } from "./Product.ts"

export const type = "Product"
export const version = 2

export type Command = ListProduct | Unlist | DescribeProduct
export type Refusal = NotFound | ContentRefused

const Description = ListProduct.fields.description

export const Event = Schema.Union([
  Schema.TaggedStruct("ProductListed", {
    sku: SkuCode,
    title: Title,
    description: Description,
    price: Price,
    at: Schema.Int
  }),
  Schema.TaggedStruct("ProductUnlisted", { at: Schema.Int }),
  Schema.TaggedStruct("ProductDescribed", { details: Details, at: Schema.Int })
])
export type Event = typeof Event.Type

const Known = Schema.TaggedStruct("Known", {
  title: Title,
  description: Description,
  price: Price,
  listed: Schema.Boolean,
  details: Details
})
type Known = typeof Known.Type
export const State = Schema.Union([Schema.TaggedStruct("None", {}), Known])
export type State = typeof State.Type

export const initial: State = { _tag: "None" }

export const decide = (state: State, command: Command, now: number): Result.Result<ReadonlyArray<Event>, Refusal> => {
  switch (command._tag) {
    case "ListProduct": {
      if (state._tag === "Known" && isListedAs(state, command)) return Result.succeed([])
      const { description, price, sku, title } = command
      return Result.succeed([{ _tag: "ProductListed", sku, title, description, price, at: now }])
    }
    case "Unlist":
      if (state._tag === "None") return Result.fail(new NotFound({ entity: type, id: "" }))
      return Result.succeed(state.listed ? [{ _tag: "ProductUnlisted", at: now }] : [])
    case "DescribeProduct": {
      if (state._tag === "None") return Result.fail(new NotFound({ entity: type, id: "" }))
      const details = detailsOf(command)
      const errors = faultsOf(details)
      if (errors.length > 0) return Result.fail(new ContentRefused({ errors }))
      return Result.succeed(
        Equal.equals(state.details, details) ? [] : [{ _tag: "ProductDescribed", details, at: now }]
      )
    }
  }
}

const detailsOf = ({
  commandId: _id,
  expectedSeq: _seq,
  origin: _origin,
  _tag,
  ...details
}: DescribeProduct): Details => details

const isListedAs = ({ description, listed, price, title }: Known, command: ListProduct): boolean =>
  listed &&
  title === command.title &&
  description === command.description &&
  price.amount === command.price.amount &&
  price.currency === command.price.currency &&
  price.taxRate === command.price.taxRate

export const evolve = (state: State, event: Event): State => {
  switch (event._tag) {
    case "ProductListed": {
      const { description, price, title } = event
      return {
        _tag: "Known",
        title,
        description,
        price,
        listed: true,
        details: state._tag === "None" ? {} : state.details
      }
    }
    case "ProductUnlisted":
      return state._tag === "None" ? state : { ...state, listed: false }
    case "ProductDescribed":
      return state._tag === "None" ? state : { ...state, details: event.details }
  }
}

/** `null` when nothing was ever listed under the id. */
export const view = (id: SkuId, state: State, seq: number): ProductView | null => {
  if (state._tag === "None") return null
  const { description, details, listed, price, title } = state
  return new ProductView(
    { sku: skuCode(id), region: regionOf(id), title, description, price, listed, ...details, seq },
    { disableChecks: true }
  )
}

const toView = viewReply(type, view)
export const replies = { ListProduct: toView, Unlist: toView, DescribeProduct: toView, View: toView }
