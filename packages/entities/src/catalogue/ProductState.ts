import { fieldsOf } from "@halles/shared/Command"
import { Regional, SkuCode, skuCode, type SkuId } from "@halles/shared/Ids"
import { regionOf } from "@halles/shared/Region"
import { Equal, Result, Schema } from "effect"
import { NotFound } from "@halles/engine/eventsourced/EntityErrors"
import { evolved, type Row } from "@halles/engine/eventsourced/Model"
import { done, viewReply } from "@halles/engine/eventsourced/Replies"
import type { TimerFired } from "@halles/engine/eventsourced/TimerFired"
import * as ShownMedia from "../media/ShownMedia.ts"
import { ContentRefused } from "../routes/ContentRefused.ts"
import { SlugText } from "../slug/Slug.ts"
import { Details, faultsOf } from "./Details.ts"
import * as FieldVersions from "../history/FieldVersions.ts"
import {
  aheadMsMax,
  type ApplyRelease,
  ChangeId,
  type DescribeProduct,
  type Edited,
  Description,
  type ListProduct,
  type NameProduct,
  Price,
  ProductView,
  type ScheduleChange,
  ScheduledChange,
  scheduledMax,
  type Status,
  Title,
  TooManyChanges,
  type TranslateProduct,
  type Unlist,
  type WithdrawChange
} from "./Product.ts"
import { Translations } from "./Translations.ts"

export const type = "Product"
export const version = 4

type KnownCommand =
  | Unlist
  | DescribeProduct
  | TranslateProduct
  | NameProduct
  | ScheduleChange
  | WithdrawChange
  | ApplyRelease
export type Command = ListProduct | KnownCommand | TimerFired
export type Refusal = NotFound | ContentRefused | TooManyChanges

const at = Schema.Int
const listing = { sku: SkuCode, title: Title, description: Description, price: Price }

export const Event = Schema.Union([
  Schema.TaggedStruct("ProductListed", { ...listing, at }),
  /** As `ProductListed`, but the product is not on sale. */
  Schema.TaggedStruct("ProductDrafted", { ...listing, at }),
  Schema.TaggedStruct("ProductUnlisted", { at }),
  /** A scheduled change gave another price to a product that is not on sale. One that is on sale gets `ProductListed`. */
  Schema.TaggedStruct("ProductRepriced", { price: Price, at }),
  Schema.TaggedStruct("ProductDescribed", { details: Details, at }),
  Schema.TaggedStruct("ProductTranslated", { translations: Translations, at }),
  Schema.TaggedStruct("ProductNamed", { slug: SlugText, at }),
  Schema.TaggedStruct("ChangeScheduled", { change: ScheduledChange, at }),
  Schema.TaggedStruct("ChangeWithdrawn", { changeId: ChangeId, at }),
  /** The time of a change came. The events that change the product follow in the same row. */
  Schema.TaggedStruct("ChangeDue", { changeId: ChangeId, at }),
  /** A release changes the product. The events that do so follow in the same row. */
  Schema.TaggedStruct("ReleaseApplied", { release: Regional, at }),
  /** In the row of what changed it. `MediaUses.ts` tells the media. */
  Schema.TaggedStruct("ProductMediaChanged", { ...ShownMedia.Change.fields, at })
])
export type Event = typeof Event.Type

const Known = Schema.TaggedStruct("Known", {
  ...listing,
  listed: Schema.Boolean,
  /** It was last listed as a draft. */
  draft: Schema.Boolean,
  slug: Schema.NullOr(SlugText),
  details: Details,
  translations: Translations,
  scheduled: Schema.Array(ScheduledChange),
  versions: FieldVersions.FieldVersions
})
type Known = typeof Known.Type
export const State = Schema.Union([Schema.TaggedStruct("None", {}), Known])
export type State = typeof State.Type

export const initial: State = { _tag: "None" }

export const decide = (state: State, command: Command, now: number): Result.Result<ReadonlyArray<Event>, Refusal> =>
  Result.map(decideOnce(state, command, now), (events) => {
    // What is shown does not depend on the number of the row.
    const after = evolved({ evolve }, state, events, 0)
    const change = ShownMedia.changeOf(mediaShownIn(state), mediaShownIn(after))
    return change === null ? events : [...events, { _tag: "ProductMediaChanged", ...change, at: now }]
  })

const decideOnce = (state: State, command: Command, now: number): Result.Result<ReadonlyArray<Event>, Refusal> => {
  switch (command._tag) {
    case "ListProduct": {
      const { keepsDraft = false, price, sku, title } = command
      const isKept = keepsDraft && state._tag === "Known" && state.draft
      const draft = isKept || command.draft === true
      const description = command.description ?? (state._tag === "Known" ? state.description : "")
      const listing = { sku, title, description, price }
      if (state._tag === "Known" && isSaidAs(state, listing, draft)) return Result.succeed([])
      const _tag = draft ? "ProductDrafted" : "ProductListed"
      return Result.succeed([{ _tag, ...listing, at: now }])
    }
    case "TimerFired":
      return Result.succeed(state._tag === "None" ? [] : dueEvents(state, now))
    default:
      return state._tag === "None"
        ? Result.fail(new NotFound({ entity: type, id: "" }))
        : decideKnown(state, command, now)
  }
}

const decideKnown = (
  state: Known,
  command: KnownCommand,
  now: number
): Result.Result<ReadonlyArray<Event>, Refusal> => {
  switch (command._tag) {
    case "Unlist":
      return Result.succeed(state.listed ? [{ _tag: "ProductUnlisted", at: now }] : [])
    case "DescribeProduct": {
      const details = fieldsOf(command)
      const errors = faultsOf(state.sku, details)
      if (errors.length > 0) return Result.fail(new ContentRefused({ errors }))
      return unless(Equal.equals(state.details, details), { _tag: "ProductDescribed", details, at: now })
    }
    case "TranslateProduct": {
      const { translations } = command
      const isSame = Equal.equals(state.translations, translations)
      return unless(isSame, { _tag: "ProductTranslated", translations, at: now })
    }
    case "NameProduct":
      return unless(state.slug === command.slug, { _tag: "ProductNamed", slug: command.slug, at: now })
    case "ScheduleChange":
      return schedule(state, command, now)
    case "ApplyRelease": {
      const applied: Event = { _tag: "ReleaseApplied", release: command.release, at: now }
      return Result.succeed([applied, ...changeEvents(state, command, now)])
    }
    case "WithdrawChange": {
      const { changeId } = command
      const isThere = state.scheduled.some((one) => one.changeId === changeId)
      return unless(!isThere, { _tag: "ChangeWithdrawn", changeId, at: now })
    }
  }
}

const unless = (isSo: boolean, event: Event): Result.Result<ReadonlyArray<Event>, never> =>
  Result.succeed(isSo ? [] : [event])

const refused = (pointer: string, detail: string) => Result.fail(ContentRefused.at(pointer, detail))

const schedule = (state: Known, command: ScheduleChange, now: number) => {
  const change = fieldsOf(command)
  const waiting = state.scheduled.find(({ changeId }) => changeId === change.changeId)
  if (Equal.equals(waiting, change)) return Result.succeed([])
  if (change.price === undefined && change.listed === undefined)
    return refused("/price", "Expected a price, or whether it is on sale")
  if (change.dueAt <= now) return refused("/at", "Expected a time that has not passed")
  if (change.dueAt > now + aheadMsMax) return refused("/at", "Expected a time within two years")
  if (waiting === undefined && state.scheduled.length >= scheduledMax)
    return Result.fail(new TooManyChanges({ max: scheduledMax }))
  const scheduled: Event = { _tag: "ChangeScheduled", change, at: now }
  return Result.succeed([scheduled])
}

/** The events that give the product the price, and put it on or off sale; none where it is so. */
const changeEvents = (
  product: Known,
  change: Pick<ScheduledChange, "price" | "listed">,
  now: number
): ReadonlyArray<Event> => {
  const { listed = product.listed, price = product.price } = change
  const { description, sku, title } = product
  const isSame = isSamePrice(price, product.price)
  if (listed)
    return product.listed && isSame ? [] : [{ _tag: "ProductListed", sku, title, description, price, at: now }]
  return [
    ...(isSame ? [] : [{ _tag: "ProductRepriced", price, at: now } as const]),
    ...(product.listed ? [{ _tag: "ProductUnlisted", at: now } as const] : [])
  ]
}

/** The events of all changes that are due, in the order of their times. Changes of one time keep the order in which they were scheduled. */
const dueEvents = (state: Known, now: number): ReadonlyArray<Event> => {
  const due = state.scheduled.filter(({ dueAt }) => dueAt <= now).toSorted((a, b) => a.dueAt - b.dueAt)
  let product = state
  return due.flatMap((change) => {
    const events: ReadonlyArray<Event> = [
      { _tag: "ChangeDue", changeId: change.changeId, at: now },
      ...changeEvents(product, change, now)
    ]
    product = events.reduce(evolveKnown, product)
    return events
  })
}

/** When the next change is due; `null` while none waits. */
export const dueAt = (state: State): number | null =>
  state._tag === "None" || state.scheduled.length === 0
    ? null
    : Math.min(...state.scheduled.map((change) => change.dueAt))

/** A product that was taken off sale keeps its media too: whoever puts it on sale again finds them there. */
export const mediaShownIn = (state: State): ShownMedia.ShownMedia =>
  state._tag === "None" ? [] : (state.details.media ?? [])

const isSamePrice = (one: Price, other: Price): boolean =>
  one.amount === other.amount && one.currency === other.currency && one.taxRate === other.taxRate

const isSaidAs = (
  state: Known,
  { description, price, title }: Pick<Known, "description" | "price" | "title">,
  draft: boolean
): boolean =>
  state.listed === !draft &&
  state.draft === draft &&
  title === state.title &&
  description === state.description &&
  isSamePrice(price, state.price)

/** The fields that have versions, by the names that clients see. */
const versioned = (state: Known) => {
  const { description, details, price, scheduled, slug, title, translations } = state
  const { amount, currency, taxRate } = price
  const status = statusOf(state)
  return { title, description, price: { amount, currency }, taxRate, status, slug, ...details, translations, scheduled }
}

export const evolve = (state: State, event: Event, { seq }: Row): State => {
  if (state._tag === "Known") {
    const after = evolveKnown(state, event)
    const versions = FieldVersions.changed(state.versions, versioned(state), versioned(after), seq)
    return { ...after, versions }
  }
  if (event._tag !== "ProductListed" && event._tag !== "ProductDrafted") return state
  const { at: _at, _tag, ...listing } = event
  const listed = _tag === "ProductListed"
  const nothing = { slug: null, details: {}, translations: [], scheduled: [], versions: [] }
  return { _tag: "Known", ...listing, listed, draft: !listed, ...nothing }
}

const evolveKnown = (state: Known, event: Event): Known => {
  switch (event._tag) {
    case "ProductListed":
    case "ProductDrafted": {
      const { at: _at, _tag, ...listing } = event
      const listed = _tag === "ProductListed"
      return { ...state, ...listing, listed, draft: !listed }
    }
    case "ProductUnlisted":
      return { ...state, listed: false, draft: false }
    case "ProductRepriced":
      return { ...state, price: event.price }
    case "ProductDescribed":
      return { ...state, details: event.details }
    case "ProductTranslated":
      return { ...state, translations: event.translations }
    case "ProductNamed":
      return { ...state, slug: event.slug }
    case "ChangeScheduled": {
      const others = state.scheduled.filter(({ changeId }) => changeId !== event.change.changeId)
      return { ...state, scheduled: [...others, event.change] }
    }
    case "ReleaseApplied":
      return state
    case "ChangeWithdrawn":
    case "ChangeDue":
      return { ...state, scheduled: state.scheduled.filter(({ changeId }) => changeId !== event.changeId) }
    case "ProductMediaChanged":
      return state
  }
}

const statusOf = ({ draft, listed, scheduled }: Known): typeof Status.Type => {
  if (listed) return "active"
  if (!draft) return "archived"
  return scheduled.some((change) => change.listed === true) ? "scheduled" : "draft"
}

/** `null` until the product is listed for the first time. */
export const view = (id: SkuId, state: State, seq: number): ProductView | null => {
  if (state._tag === "None") return null
  const { description, details, listed, price, slug, title } = state
  const named = slug === null ? {} : { slug }
  const status = statusOf(state)
  return new ProductView(
    { sku: skuCode(id), region: regionOf(id), title, description, price, listed, status, ...named, ...details, seq },
    { disableChecks: true }
  )
}

/** `null` until the product is listed for the first time. */
export const edited = (id: SkuId, state: State, seq: number): typeof Edited.Type | null => {
  const product = view(id, state, seq)
  if (product === null || state._tag === "None") return null
  const { scheduled, translations } = state
  return { product, scheduled, translations, versions: FieldVersions.jsonOf(versioned(state), state.versions) }
}

const toView = viewReply(type, view)
export const replies = {
  ListProduct: toView,
  Unlist: toView,
  DescribeProduct: toView,
  TranslateProduct: toView,
  NameProduct: toView,
  ScheduleChange: toView,
  WithdrawChange: toView,
  ApplyRelease: done,
  View: toView
}
