import * as Contract from "@halles/engine/eventsourced/Contract"
import { PreconditionFailed } from "@halles/engine/eventsourced/EntityErrors"
import { commandFields } from "@halles/shared/Command"
import { Regional, SkuCode } from "@halles/shared/Ids"
import { Region } from "@halles/shared/Region"
import { Refusal } from "@halles/shared/wire/Refusal"
import { Schema } from "effect"

/** `breakfast-tea`: the name of a product in the address of its page. Merchants write letters of other scripts in a-z, since a browser would show them percent-encoded. */
export const SlugText = Schema.String.check(
  Schema.isPattern(/^[a-z0-9]+(-[a-z0-9]+)*$/u, { expected: "a-z and 0-9, with single hyphens between them" }),
  Schema.isMaxLength(60)
)
  .annotate({ examples: ["breakfast-tea"] })
  .pipe(Schema.brand("Slug"))
export type SlugText = typeof SlugText.Type

/** A slug in one region: `eu_breakfast-tea`. */
export const SlugId = Regional.pipe(Schema.brand("SlugId"))
export type SlugId = typeof SlugId.Type

export const slugId = (region: Region, slug: SlugText): SlugId => SlugId.make(`${region}_${slug}`)

/** Makes the slug lead to this product for good. No command undoes it, so that links which customers have go on working. */
export class ClaimSlug extends Schema.TaggedClass<ClaimSlug>()("ClaimSlug", { ...commandFields, sku: SkuCode }) {}

/** Another product has claimed the slug. */
export class SlugTaken extends Refusal<SlugTaken>()("SlugTaken", {
  status: 409,
  title: "The slug leads to another product",
  fields: { sku: SkuCode },
  sample: { sku: "TEA-01" },
  detail: ({ sku }) => `It leads to ${sku}, or did once. Choose another one.`
}) {}

export class SlugView extends Schema.Class<SlugView>("SlugView")({
  region: Region,
  slug: SlugText,
  sku: SkuCode,
  seq: Schema.Int
}) {}

export const Slug = Contract.make("Slug", [
  Contract.command(ClaimSlug, SlugView, SlugTaken, PreconditionFailed),
  Contract.view(SlugView)
])
