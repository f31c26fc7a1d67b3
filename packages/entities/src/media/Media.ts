import * as Contract from "@halles/engine/eventsourced/Contract"
import { AlreadyExists, CommandReused, NotFound, PreconditionFailed } from "@halles/engine/eventsourced/EntityErrors"
import { TimerFired } from "@halles/engine/eventsourced/TimerFired"
import { commandFields } from "@halles/shared/Command"
import { CustomerId, Regional } from "@halles/shared/Ids"
import { copy } from "@halles/shared/Text"
import { Refusal } from "@halles/shared/wire/Refusal"
import { Schema } from "effect"
import { Content, Unfit, unfitDetails } from "./MediaContent.ts"
import { Focus } from "./MediaUrl.ts"

export const MediaId = Regional.pipe(Schema.brand("MediaId"))
export type MediaId = typeof MediaId.Type

/** A language, as in `Accept-Language`, and what the picture shows in it, for who does not see it. */
export const AltText = Schema.Struct({
  language: Schema.String.check(Schema.isPattern(/^[a-z]{2}(-[A-Z]{2})?$/u)).annotate({ examples: ["en"] }),
  text: copy(500)
})
export const AltTexts = Schema.Array(AltText).check(Schema.isMaxLength(50))

/** What shows it, by type and id: `Product:eu_TEA-01`. */
export const UsedBy = Schema.String.check(
  Schema.isPattern(/^[A-Z][A-Za-z]{1,29}:(eu|am|ap)_[A-Za-z0-9_-]{1,63}$/u)
).annotate({
  examples: ["Product:eu_TEA-01"]
})
export const usesMax = 1_000

/** Nobody is a person here: `shop`, or the customer whose review or avatar it is. */
const owned = { owner: Schema.NullOr(CustomerId), uploadedBy: Schema.String.check(Schema.isMaxLength(200)) }

/** Something is kept, or is still to be sent: then it is `declared`, without content. */
export class DeclareMedia extends Schema.TaggedClass<DeclareMedia>()("DeclareMedia", {
  ...commandFields,
  ...owned,
  alt: AltTexts,
  content: Schema.NullOr(Content)
}) {}
/** All of what was declared has arrived, and is kept. */
export class KeepContent extends Schema.TaggedClass<KeepContent>()("KeepContent", {
  ...commandFields,
  content: Content
}) {}
/** All of what was declared has arrived, and is not kept. */
export class RefuseContent extends Schema.TaggedClass<RefuseContent>()("RefuseContent", {
  ...commandFields,
  reason: Unfit
}) {}
/** What is said of it from now on; what is absent stays. */
export class DescribeMedia extends Schema.TaggedClass<DescribeMedia>()("DescribeMedia", {
  ...commandFields,
  alt: Schema.optionalKey(AltTexts),
  focus: Schema.optionalKey(Focus)
}) {}
/** Something shows it; twice the same is once. */
export class UseMedia extends Schema.TaggedClass<UseMedia>()("UseMedia", { ...commandFields, by: UsedBy }) {}
export class ReleaseMedia extends Schema.TaggedClass<ReleaseMedia>()("ReleaseMedia", {
  ...commandFields,
  by: UsedBy
}) {}
/** It is gone for good; `erased` with the person whose it is, also while something shows it. */
export class RemoveMedia extends Schema.TaggedClass<RemoveMedia>()("RemoveMedia", {
  ...commandFields,
  reason: Schema.Literals(["asked", "erased"])
}) {}

/** The bytes of what was removed are gone too. */
export class ForgetContent extends Schema.TaggedClass<ForgetContent>()("ForgetContent", commandFields) {}

/** `declared`: it is still to come. `ready`: it can be shown. `refused`: it came, and is not kept. */
export const Status = Schema.Literals(["declared", "ready", "refused", "removed"])
/** `unused`: nothing has shown it for 30 days. `abandoned`: it was declared, and did not come. */
export const RemovedFor = Schema.Literals(["asked", "erased", "unused", "abandoned"])

export class MediaView extends Schema.Class<MediaView>("MediaView")({
  id: MediaId,
  ...owned,
  status: Status,
  content: Schema.NullOr(Content),
  alt: AltTexts,
  focus: Focus,
  usedBy: Schema.Array(UsedBy),
  refusedFor: Schema.NullOr(Unfit),
  removedFor: Schema.NullOr(RemovedFor),
  declaredAt: Schema.Int,
  /** When it is removed if nothing changes. */
  removedAt: Schema.NullOr(Schema.Int),
  seq: Schema.Int
}) {}

/** What was sent is not kept. */
export class MediaUnfit extends Refusal<MediaUnfit>()("MediaUnfit", {
  status: 422,
  title: "What was sent is not kept",
  fields: { reason: Unfit },
  sample: { reason: "pixels" },
  detail: ({ reason }) => unfitDetails[reason]
}) {}
/** It was removed, or was never kept. */
export class MediaGone extends Refusal<MediaGone>()("MediaGone", {
  status: 409,
  title: "It is not kept any more",
  detail: "It was removed or refused: upload it again."
}) {}
/** It was not removed. */
export class MediaKept extends Refusal<MediaKept>()("MediaKept", {
  status: 409,
  title: "It is still kept",
  detail: "Only what was removed loses its content."
}) {}
/** It has content, and content never changes. */
export class MediaComplete extends Refusal<MediaComplete>()("MediaComplete", {
  status: 409,
  title: "It has content already",
  detail: "Content never changes: upload the other one as something new."
}) {}
export class MediaInUse extends Refusal<MediaInUse>()("MediaInUse", {
  status: 409,
  title: "Something shows it",
  fields: { uses: Schema.Int },
  sample: { uses: 2 },
  detail: ({ uses }) => `${uses} things show it: release them first.`
}) {}
export class TooManyUses extends Refusal<TooManyUses>()("TooManyUses", {
  status: 422,
  title: "Too many things show it",
  fields: { max: Schema.Int },
  sample: { max: usesMax },
  detail: ({ max }) => `At most ${max} things show one picture.`
}) {}

const change = [NotFound, MediaGone, PreconditionFailed] as const

export const Media = Contract.make("Media", [
  Contract.command(DeclareMedia, MediaView, AlreadyExists, CommandReused),
  Contract.command(KeepContent, MediaView, ...change, MediaComplete),
  Contract.command(RefuseContent, MediaView, ...change, MediaComplete),
  Contract.command(DescribeMedia, MediaView, ...change),
  Contract.command(UseMedia, MediaView, ...change, TooManyUses),
  Contract.command(ReleaseMedia, MediaView, NotFound, PreconditionFailed),
  Contract.command(RemoveMedia, MediaView, NotFound, MediaInUse, PreconditionFailed),
  Contract.command(ForgetContent, MediaView, NotFound, MediaKept, PreconditionFailed),
  Contract.command(TimerFired, Schema.Void),
  Contract.view(MediaView)
])
