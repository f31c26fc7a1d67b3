import { commandFields } from "@halles/shared/Command"
import { Regional, SkuCode } from "@halles/shared/Ids"
import { Amount, Currency } from "@halles/shared/Money"
import { Region } from "@halles/shared/Region"
import { copy, maybeCopy, paragraph } from "@halles/shared/Text"
import { Schema } from "effect"
import * as Contract from "@halles/engine/eventsourced/Contract"
import { NotFound, PreconditionFailed } from "@halles/engine/eventsourced/EntityErrors"
import { TimerFired } from "@halles/engine/eventsourced/TimerFired"
import { Refusal } from "@halles/shared/wire/Refusal"
import { ContentRefused } from "../routes/ContentRefused.ts"
import { SlugText } from "../slug/Slug.ts"
import { Details } from "./Details.ts"
import { VersionsJson } from "../history/FieldVersions.ts"
import * as History from "../history/History.ts"
import { Translations } from "./Translations.ts"

/** Most scheduled changes of one product. */
export const scheduledMax = 20
/** A change is scheduled at most so far ahead: two years. */
export const aheadMsMax = 2 * 365 * 24 * 60 * 60 * 1_000

/** Basis points: 2000 is 20 %. */
export const TaxRate = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 10_000 }))
export const Title = copy(300)

/** The price of one unit, before tax. */
export const Price = Schema.Struct({ amount: Amount, currency: Currency, taxRate: TaxRate })
export type Price = typeof Price.Type

export const Description = maybeCopy(4_000)

/** Replaces the listing of the product and puts it on sale; the same listing again writes no event. */
export class ListProduct extends Schema.TaggedClass<ListProduct>()("ListProduct", {
  ...commandFields,
  sku: SkuCode,
  title: Title,
  /** Absent: it stays as it is. */
  description: Schema.optionalKey(Description),
  price: Price,
  /** The product is not on sale, and only `getEditedProduct` shows it, until it is listed without `draft`. */
  draft: Schema.optionalKey(Schema.Boolean),
  /** A draft stays one. */
  keepsDraft: Schema.optionalKey(Schema.Boolean)
}) {}

/** Takes the product off sale; carts that hold it can no longer be checked out. */
export class Unlist extends Schema.TaggedClass<Unlist>()("Unlist", commandFields) {}

/** Replaces the details of the product; the same details again write no event. */
export class DescribeProduct extends Schema.TaggedClass<DescribeProduct>()("DescribeProduct", {
  ...commandFields,
  ...Details.fields
}) {}

/** Replaces all translations of the product's texts. */
export class TranslateProduct extends Schema.TaggedClass<TranslateProduct>()("TranslateProduct", {
  ...commandFields,
  translations: Translations
}) {}

/** Gives the product this slug. The edge claims the slug (`ClaimSlug`) before it sends `NameProduct`. */
export class NameProduct extends Schema.TaggedClass<NameProduct>()("NameProduct", {
  ...commandFields,
  slug: SlugText
}) {}

/** The merchant's name of a scheduled change, by which it can be replaced or withdrawn. */
export const ChangeId = Schema.String.check(Schema.isPattern(/^[A-Za-z0-9_-]{1,60}$/u)).annotate({
  examples: ["spring-price"]
})
export const ScheduledChange = Schema.Struct({
  changeId: ChangeId,
  /** Unix milliseconds. */
  dueAt: Schema.Int,
  price: Schema.optionalKey(Price),
  /** `true` puts the product on sale, `false` takes it off sale. */
  listed: Schema.optionalKey(Schema.Boolean),
  reason: Schema.optionalKey(paragraph(300))
})
export type ScheduledChange = typeof ScheduledChange.Type

/** Schedules a change of the product. It replaces a waiting change that has the same id. */
export class ScheduleChange extends Schema.TaggedClass<ScheduleChange>()("ScheduleChange", {
  ...commandFields,
  ...ScheduledChange.fields
}) {}

/** Changes the product as a release says. The release sends it once; with `expectedSeq` only to the version that the release names. */
export class ApplyRelease extends Schema.TaggedClass<ApplyRelease>()("ApplyRelease", {
  ...commandFields,
  release: Regional,
  price: ScheduledChange.fields.price,
  listed: ScheduledChange.fields.listed
}) {}

/** Removes a waiting change. */
export class WithdrawChange extends Schema.TaggedClass<WithdrawChange>()("WithdrawChange", {
  ...commandFields,
  changeId: ChangeId
}) {}

export class TooManyChanges extends Refusal<TooManyChanges>()("TooManyChanges", {
  status: 409,
  title: "Too many changes wait for their time",
  fields: { max: Schema.Int },
  sample: { max: scheduledMax },
  detail: ({ max }) => `At most ${max} changes of a product wait. Withdraw one first.`
}) {}

/** `draft`: listed as a draft. `scheduled`: a draft that a waiting change will put on sale. `active`: on sale. `archived`: taken off sale. */
export const Status = Schema.Literals(["draft", "scheduled", "active", "archived"])

export class ProductView extends Schema.Class<ProductView>("ProductView")({
  sku: SkuCode,
  region: Region,
  title: Title,
  description: Schema.String,
  price: Price,
  listed: Schema.Boolean,
  status: Status,
  slug: Schema.optionalKey(SlugText),
  ...Details.fields,
  seq: Schema.Int
}) {}

/** The product with what no public route shows. */
export const Edited = Schema.Struct({
  product: ProductView,
  scheduled: Schema.Array(ScheduledChange),
  translations: Translations,
  versions: VersionsJson
})

export const Product = Contract.make("Product", [
  Contract.command(ListProduct, ProductView, PreconditionFailed),
  Contract.command(Unlist, ProductView, NotFound, PreconditionFailed),
  Contract.command(DescribeProduct, ProductView, NotFound, ContentRefused, PreconditionFailed),
  Contract.command(TranslateProduct, ProductView, NotFound, PreconditionFailed),
  Contract.command(NameProduct, ProductView, NotFound, PreconditionFailed),
  Contract.command(ScheduleChange, ProductView, NotFound, ContentRefused, TooManyChanges, PreconditionFailed),
  Contract.command(WithdrawChange, ProductView, NotFound, PreconditionFailed),
  Contract.command(ApplyRelease, Schema.Void, NotFound, PreconditionFailed),
  Contract.command(TimerFired, Schema.Void),
  ...History.messages(Edited),
  Contract.view(ProductView)
])
