import * as Contract from "@halles/engine/eventsourced/Contract"
import { NotFound, PreconditionFailed } from "@halles/engine/eventsourced/EntityErrors"
import { TimerFired } from "@halles/engine/eventsourced/TimerFired"
import { commandFields } from "@halles/shared/Command"
import { Regional, SkuCode } from "@halles/shared/Ids"
import { Region } from "@halles/shared/Region"
import { copy } from "@halles/shared/Text"
import { Refusal } from "@halles/shared/wire/Refusal"
import { Schema } from "effect"
import { Price } from "../catalogue/Product.ts"
import { ContentRefused } from "../routes/ContentRefused.ts"

/** Most products that one release changes. */
export const membersMax = 500

/** The merchant's name of a release, the same in every region: `autumn`. */
export const ReleaseCode = Schema.String.check(Schema.isPattern(/^[A-Za-z0-9_-]{1,40}$/u))
  .annotate({ examples: ["autumn"] })
  .pipe(Schema.brand("ReleaseCode"))
export type ReleaseCode = typeof ReleaseCode.Type

/** A release in one region: `eu_autumn`. */
export const ReleaseId = Regional.pipe(Schema.brand("ReleaseId"))
export type ReleaseId = typeof ReleaseId.Type

export const releaseId = (region: Region, code: ReleaseCode): ReleaseId => ReleaseId.make(`${region}_${code}`)

/** A product, and what is to happen to it. */
export const Member = Schema.Struct({
  sku: SkuCode,
  price: Schema.optionalKey(Price),
  /** `true` puts the product on sale, a draft too; `false` takes it off sale. */
  listed: Schema.optionalKey(Schema.Boolean),
  /** The product stays as it is where it is at another version by then. Absent: whatever version it is at. */
  version: Schema.optionalKey(Schema.Int)
})
export type Member = typeof Member.Type

/** What the release will do, and when; without a time it waits for `PublishRelease`. */
export const Plan = Schema.Struct({
  title: copy(200),
  members: Schema.Array(Member).check(Schema.isMinLength(1), Schema.isMaxLength(membersMax)),
  /** Unix milliseconds. */
  dueAt: Schema.optionalKey(Schema.Int)
})
export type Plan = typeof Plan.Type

/** Replaces the plan of the release; the same plan again writes no event. */
export class PutRelease extends Schema.TaggedClass<PutRelease>()("PutRelease", { ...commandFields, ...Plan.fields }) {}

/** Publishes the release now: it changes all its members. */
export class PublishRelease extends Schema.TaggedClass<PublishRelease>()("PublishRelease", commandFields) {}

/** Withdraws a release that has not begun; the next `PutRelease` brings it back. */
export class WithdrawRelease extends Schema.TaggedClass<WithdrawRelease>()("WithdrawRelease", commandFields) {}

/** `draft`: it waits for `PublishRelease`. `scheduled`: it waits for its time. `publishing`: it changes its members. `published`: it is done with each. */
export const Status = Schema.Literals(["draft", "scheduled", "publishing", "published", "withdrawn"])

/** `done`: changed. `not_found`: no such product. `changed`: the product is at another version than the plan names. `fault`: the product cannot do it. */
export const Outcome = Schema.Literals(["done", "not_found", "changed", "fault"])
export type Outcome = typeof Outcome.Type

/** The release is on its way, published or withdrawn. */
export class ReleaseClosed extends Refusal<ReleaseClosed>()("ReleaseClosed", {
  status: 409,
  title: "The release takes no more changes",
  fields: { status: Status },
  sample: { status: "published" },
  detail: ({ status }) => `It is ${status}. Plan what is left as another release.`
}) {}

export class ReleaseView extends Schema.Class<ReleaseView>("ReleaseView")({
  region: Region,
  code: ReleaseCode,
  ...Plan.fields,
  status: Status,
  members: Schema.Array(
    Schema.Struct({ ...Member.fields, outcome: Schema.Literals(["waiting", ...Outcome.literals]) })
  ),
  startedAt: Schema.optionalKey(Schema.Int),
  endedAt: Schema.optionalKey(Schema.Int),
  seq: Schema.Int
}) {}

export const Release = Contract.make("Release", [
  Contract.command(PutRelease, ReleaseView, ContentRefused, ReleaseClosed, PreconditionFailed),
  Contract.command(PublishRelease, ReleaseView, NotFound, ReleaseClosed, PreconditionFailed),
  Contract.command(WithdrawRelease, ReleaseView, NotFound, ReleaseClosed, PreconditionFailed),
  Contract.command(TimerFired, Schema.Void),
  Contract.view(ReleaseView)
])
