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

/** What a picture shows, for people who cannot see it, in a language named as in `Accept-Language`. */
export const AltText = Schema.Struct({
  language: Schema.String.check(
    Schema.isPattern(/^[a-z]{2}(-[A-Z]{2})?$/u, { expected: "a language such as en or en-GB" })
  ).annotate({ examples: ["en"] }),
  text: copy(500)
})
export const AltTexts = Schema.Array(AltText).check(Schema.isMaxLength(50))

/** An entity that shows the picture, by type and id: `Product:eu_TEA-01`. */
export const UsedBy = Schema.String.check(
  Schema.isPattern(/^[A-Z][A-Za-z]{1,29}:(eu|am|ap)_[A-Za-z0-9_-]{1,63}$/u)
).annotate({
  examples: ["Product:eu_TEA-01"]
})
export const usesMax = 1_000

/** `owner` is the customer whose own it is, `null` for the shop's; `uploadedBy` is the subject of the access token that uploaded it. */
const owned = { owner: Schema.NullOr(CustomerId), uploadedBy: Schema.String.check(Schema.isMaxLength(200)) }

/** Creates the entity: after a plain upload with its content, for an upload in pieces without, until `KeepContent`. */
export class DeclareMedia extends Schema.TaggedClass<DeclareMedia>()("DeclareMedia", {
  ...commandFields,
  ...owned,
  alt: AltTexts,
  content: Schema.NullOr(Content)
}) {}
/** The media process keeps the content of an upload in pieces. */
export class KeepContent extends Schema.TaggedClass<KeepContent>()("KeepContent", {
  ...commandFields,
  content: Content
}) {}
/** The media process refuses the content of an upload in pieces. */
export class RefuseContent extends Schema.TaggedClass<RefuseContent>()("RefuseContent", {
  ...commandFields,
  reason: Unfit
}) {}
/** Sets alternative texts and focus; a member that is absent stays as it is. */
export class DescribeMedia extends Schema.TaggedClass<DescribeMedia>()("DescribeMedia", {
  ...commandFields,
  alt: Schema.optionalKey(AltTexts),
  focus: Schema.optionalKey(Focus)
}) {}
/** An entity shows it; naming the same one twice is harmless. */
export class UseMedia extends Schema.TaggedClass<UseMedia>()("UseMedia", { ...commandFields, by: UsedBy }) {}
export class ReleaseMedia extends Schema.TaggedClass<ReleaseMedia>()("ReleaseMedia", {
  ...commandFields,
  by: UsedBy
}) {}
/** Removes it for good. `asked` is refused while an entity shows it; `erased`, when its owner is forgotten, is not. */
export class RemoveMedia extends Schema.TaggedClass<RemoveMedia>()("RemoveMedia", {
  ...commandFields,
  reason: Schema.Literals(["asked", "erased"])
}) {}

/** The media process has dropped the content of a removed entity. */
export class ForgetContent extends Schema.TaggedClass<ForgetContent>()("ForgetContent", commandFields) {}

/** `declared`: its bytes are still to come. `ready`: it can be shown. `refused`: the media process refused its bytes. */
export const Status = Schema.Literals(["declared", "ready", "refused", "removed"])
/** `unused`: no entity has shown it for 30 days. `abandoned`: it was declared, and its bytes did not come within a day. */
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

/** The media process refuses what was sent. */
export class MediaUnfit extends Refusal<MediaUnfit>()("MediaUnfit", {
  status: 422,
  title: "What was sent is not kept",
  fields: { reason: Unfit },
  sample: { reason: "pixels" },
  detail: ({ reason }) => unfitDetails[reason]
}) {}
/** Only pictures are made in other sizes and formats. */
export class NoPicture extends Refusal<NoPicture>()("NoPicture", {
  status: 409,
  title: "It is no picture",
  fields: { type: Schema.String },
  sample: { type: "application/pdf" },
  detail: ({ type }) => `It is ${type}, which has no sizes. Its address is \`links.original\` of the file.`
}) {}

/** It was removed or refused. */
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
/** It has other content, and content never changes. */
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
