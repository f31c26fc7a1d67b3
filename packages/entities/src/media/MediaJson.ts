import { regionOf } from "@halles/shared/Region"
import { named } from "@halles/shared/wire/Named"
import * as ViewJson from "@halles/shared/wire/ViewJson"
import { Schema } from "effect"
import { MediaId, MediaView } from "./Media.ts"
import type { Content } from "./MediaContent.ts"
import { centre, type Linker, Links } from "./MediaUrl.ts"

const hash = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
const content: Content = { hash, type: "image/jpeg", bytes: 351_275, width: 1_800, height: 1_200, frames: 1 }
export const mediaId = "eu_Vt3vXr8Kd0ZtWbYp5nLc2A"
export const altSample = [{ language: "en", text: "A tin of green tea" }]
export const mediaSample = {
  id: mediaId,
  owner: null,
  uploadedBy: "acc_7Hn2sVfJk9QaRxUe4TzMgw",
  status: "ready",
  content,
  alt: altSample,
  focus: centre,
  usedBy: ["Product:eu_TEA-01"],
  refusedFor: null,
  removedFor: null,
  declaredAt: 1_793_613_600_000,
  removedAt: null,
  seq: 2
}
const linksSample = {
  original: `https://media.example.com/media/3q2-7wEBAgMEBQYHCAkKCw/original/eu-${hash}.jpg`,
  pictures: {
    card: `https://media.example.com/media/Zk3vXr8Kd0ZtWbYp5nLc2A/w480-h480-cover-x500-y500-auto/eu-${hash}.jpg`
  }
}

/** The whole view: for those who keep the shop's pictures, and for the customer who owns the picture. */
export const MediaJson = ViewJson.object<MediaView>()("Media", MediaView.fields, { sample: mediaSample })

/** A view with its addresses, which the entity does not know. */
type Linked = MediaView & { readonly links?: Links | null }
const { alt, content: kept, focus, id, seq, status } = MediaView.fields
/** What everybody may see of the view, with its addresses. */
export const ShownMediaJson = ViewJson.object<MediaView>()(
  "ShownMedia",
  { id, status, content: kept, alt, focus, links: Schema.NullOr(Links), seq },
  {
    sample: { id: mediaId, status: "ready", content, alt: altSample, focus: centre, links: linksSample, seq: 2 },
    from: { links: ({ links = null }: Linked) => links }
  }
)

/** As `Media`, with its addresses and the ids of others with the same content. */
export const UploadedMediaJson = Schema.Struct({
  ...MediaView.fields,
  links: Schema.NullOr(Links),
  duplicates: Schema.Array(MediaId)
}).pipe(named("UploadedMedia", { ...mediaSample, usedBy: [], seq: 1, links: linksSample, duplicates: [] }))

/** The addresses of a view; `null` unless it is ready, and in a deployment without a media process. */
export const linksOf = (linker: Linker | null, { content, focus, id, status }: MediaView): Links | null =>
  linker === null || content === null || status !== "ready" ? null : linker.links(regionOf(id), content, focus)
