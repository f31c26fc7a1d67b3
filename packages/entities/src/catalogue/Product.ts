import { commandFields } from "@halles/shared/Command"
import { SkuCode } from "@halles/shared/Ids"
import { Amount, Currency } from "@halles/shared/Money"
import { Region } from "@halles/shared/Region"
import { copy, maybeCopy, paragraph } from "@halles/shared/Text"
import { Schema } from "effect"
import { Rpc } from "effect/rpc"
import * as Contract from "@halles/engine/eventsourced/Contract"
import { NotFound, PreconditionFailed } from "@halles/engine/eventsourced/EntityErrors"
import { TimerFired } from "@halles/engine/eventsourced/TimerFired"
import { Refusal } from "@halles/shared/wire/Refusal"
import { ContentRefused } from "../routes/ContentRefused.ts"
import { SlugText } from "../slug/Slug.ts"
import { Details } from "./Details.ts"
import { Translations } from "./Translations.ts"

/** Changes of one product that wait for their time. */
export const scheduledMax = 20
/** No change waits longer: two years. */
export const aheadMsMax = 2 * 365 * 24 * 60 * 60 * 1_000

/** Basis points: 2000 is 20 %. */
export const TaxRate = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 10_000 }))
export const Title = copy(300)

/** What the shop asks for one unit, before tax. */
export const Price = Schema.Struct({ amount: Amount, currency: Currency, taxRate: TaxRate })
export type Price = typeof Price.Type

/** States what the product is from now on; the same listing again writes nothing. */
export class ListProduct extends Schema.TaggedClass<ListProduct>()("ListProduct", {
  ...commandFields,
  sku: SkuCode,
  title: Title,
  description: maybeCopy(4_000),
  price: Price,
  /** It is not on sale, and shown to staff alone, until it is listed without this. */
  draft: Schema.optionalKey(Schema.Boolean)
}) {}

/** Takes the product off sale; carts that hold it can no longer be checked out. */
export class Unlist extends Schema.TaggedClass<Unlist>()("Unlist", commandFields) {}

/** States what is known of the product beside its listing; the same again writes nothing. */
export class DescribeProduct extends Schema.TaggedClass<DescribeProduct>()("DescribeProduct", {
  ...commandFields,
  ...Details.fields
}) {}

/** States all translations of its texts. */
export class TranslateProduct extends Schema.TaggedClass<TranslateProduct>()("TranslateProduct", {
  ...commandFields,
  translations: Translations
}) {}

/** The product goes by this slug from now on. Whoever sends this has claimed the slug for it. */
export class NameProduct extends Schema.TaggedClass<NameProduct>()("NameProduct", {
  ...commandFields,
  slug: SlugText
}) {}

/** Names a change, so that it can be withdrawn. */
export const ChangeId = Schema.String.check(Schema.isPattern(/^[A-Za-z0-9_-]{1,60}$/u)).annotate({
  examples: ["spring-price"]
})
export const ScheduledChange = Schema.Struct({
  changeId: ChangeId,
  /** Unix milliseconds. */
  dueAt: Schema.Int,
  price: Schema.optionalKey(Price),
  /** It goes on sale, or off sale. */
  listed: Schema.optionalKey(Schema.Boolean),
  reason: Schema.optionalKey(paragraph(300))
})
export type ScheduledChange = typeof ScheduledChange.Type

/** The product changes at that time; under an id that is there already, that change is another one from now on. */
export class ScheduleChange extends Schema.TaggedClass<ScheduleChange>()("ScheduleChange", {
  ...commandFields,
  ...ScheduledChange.fields
}) {}

/** The change does not happen. */
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

/** A draft was never on sale; it is scheduled once a change waits that lists it. */
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

/** What only those see who edit it. */
export const Edited = Schema.Struct({
  product: ProductView,
  scheduled: Schema.Array(ScheduledChange),
  translations: Translations
})

export const Product = Contract.make("Product", [
  Contract.command(ListProduct, ProductView, PreconditionFailed),
  Contract.command(Unlist, ProductView, NotFound, PreconditionFailed),
  Contract.command(DescribeProduct, ProductView, NotFound, ContentRefused, PreconditionFailed),
  Contract.command(TranslateProduct, ProductView, NotFound, PreconditionFailed),
  Contract.command(NameProduct, ProductView, NotFound, PreconditionFailed),
  Contract.command(ScheduleChange, ProductView, NotFound, ContentRefused, TooManyChanges, PreconditionFailed),
  Contract.command(WithdrawChange, ProductView, NotFound, PreconditionFailed),
  Contract.command(TimerFired, Schema.Void),
  Rpc.make("Edited", { success: Edited, error: NotFound }),
  Contract.view(ProductView)
])
