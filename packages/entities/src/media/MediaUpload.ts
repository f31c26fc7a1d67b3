import { CommandId, CustomerId } from "@halles/shared/Ids"
import { Intents, once } from "@halles/shared/Intent"
import { Region, regionOf } from "@halles/shared/Region"
import * as Answers from "@halles/shared/wire/Answers"
import { Principal } from "@halles/shared/wire/Principal"
import * as Refusal from "@halles/shared/wire/Refusal"
import * as ViewJson from "@halles/shared/wire/ViewJson"
import { WholeNumber } from "@halles/shared/wire/WholeNumber"
import { Effect, Schema, type Stream } from "effect"
import type { HttpServerRequest } from "effect/http"
import { HttpApiEndpoint, HttpApiSchema } from "effect/http-api"
import { Reads } from "../routes/Reads.ts"
import { Edge } from "../routes/Edge.ts"
import * as Routes from "../routes/Routes.ts"
import { AltText, DeclareMedia, Media, MediaComplete, MediaId, MediaUnfit } from "./Media.ts"
import { bytesMax, MediaType } from "./MediaContent.ts"
import { MediaProcess } from "./MediaProcess.ts"
import { linksOf, MediaJson, UploadedMediaJson } from "./MediaJson.ts"
import { mediaList } from "./MediaTable.ts"
import { MediaLinks } from "./MediaUrl.ts"

/** Ids in `duplicates` of an answer. */
const duplicatesMax = 10

/** An alternative text in one language, given with the upload. */
const alt = { alt: Schema.optionalKey(AltText.fields.text), language: Schema.optionalKey(AltText.fields.language) }

const plainUpload = {
  /** One upload, however often it is sent; random when absent. */
  headers: { "upload-id": Schema.optionalKey(Schema.String.check(Schema.isPattern(/^[A-Za-z0-9_-]{1,100}$/u))) },
  payload: HttpApiSchema.StreamUint8Array({ contentType: [...MediaType.literals, "application/octet-stream"] }),
  success: UploadedMediaJson.pipe(HttpApiSchema.status(201)),
  error: [...Routes.refusals(Media, "DeclareMedia"), Refusal.of(MediaUnfit), Refusal.of(MediaComplete)]
} as const

/** For the shop. */
export const uploadMedia = HttpApiEndpoint.post("uploadMedia", "/media", {
  ...plainUpload,
  query: { region: Region, ...alt }
})
/** For a customer, such as the picture of a review. */
export const uploadCustomerMedia = HttpApiEndpoint.post("uploadCustomerMedia", "/media/customers/:id", {
  ...plainUpload,
  params: { id: CustomerId },
  query: alt
})

/** Of the tus protocol, by which a client sends a file in pieces and goes on where it was cut off. */
const tusVersion = "1.0.0"
export const openUpload = HttpApiEndpoint.post("openUpload", "/media/uploads", {
  headers: {
    ...plainUpload.headers,
    "tus-resumable": Schema.optionalKey(Schema.Literal(tusVersion)),
    "upload-length": WholeNumber({ minimum: 1 }),
    "upload-metadata": Schema.optionalKey(Schema.String.check(Schema.isMaxLength(4_000)))
  },
  query: { region: Region, ...alt },
  success: MediaJson.pipe(HttpApiSchema.status(201)),
  error: [...Routes.refusals(Media, "DeclareMedia"), Refusal.of(MediaUnfit)]
})

interface Sent {
  readonly region: Region
  readonly owner: CustomerId | null
  readonly query: { readonly alt?: string; readonly language?: string }
  readonly key: string | undefined
  readonly body: Stream.Stream<Uint8Array, unknown>
  readonly request: HttpServerRequest.HttpServerRequest
}

/** The id of the entity, and names of its commands. Requests of one sender with the same `upload-id` get the same; without one they are random. */
const namedBy = (
  intents: Intents["Service"],
  sender: string,
  { key, region, request }: Pick<Sent, "key" | "region" | "request">
) => {
  const { method, url } = request
  const { name } = key === undefined ? once : intents.of({ sender, method, url, body: "", key })
  return { id: MediaId.make(`${region}_${name("media").slice(0, 22)}`), name }
}
const altOf = ({ alt, language = "en" }: Sent["query"]) => (alt === undefined ? [] : [{ language, text: alt }])
const encode = ViewJson.encoder(MediaJson)

/**
 * A plain upload. The media process gets the bytes before the entity is declared, so that refused bytes leave no entity. A repeat with the
 * same `upload-id` and the same bytes is answered with the entity that the first request declared.
 */
const uploader = Effect.gen(function* () {
  const edge = yield* Edge
  const reads = yield* Reads
  const intents = yield* Intents
  const intake = yield* MediaProcess
  const linker = yield* MediaLinks
  const media = yield* edge.entity(Media)
  return Effect.fnUntraced(function* ({ body, key, owner, query, region, request }: Sent) {
    const { subject } = yield* Principal
    const { id, name } = namedBy(intents, subject, { key, region, request })
    const content = yield* intake.take(region, body)
    const same = yield* edge
      .call(
        reads.read(
          region,
          mediaList.page({ region, limit: duplicatesMax, hash: content.hash, owner: owner ?? undefined })
        )
      )
      .pipe(Effect.catchTag("BadCursor", () => Effect.fail(Answers.badCursor)))
    const view = yield* edge
      .call(
        media(id).DeclareMedia(
          new DeclareMedia({
            commandId: CommandId.make(`uploadMedia:${name("command")}`),
            origin: { actor: "edge" },
            owner,
            uploadedBy: subject,
            alt: altOf(query),
            content
          })
        )
      )
      .pipe(Effect.catchTag("CommandReused", () => Effect.fail(new MediaComplete())))
    const duplicates = same.items.map((one) => one.id).filter((one) => one !== id)
    return Answers.written(
      ["Media", id, view.seq],
      { ...view, links: linksOf(linker, view), duplicates },
      { status: 201, headers: { location: `/v1/media/${id}` } }
    )
  })
})

/** Begins an upload in pieces. The edge declares the entity first: it then awaits the pieces, for which the client needs no token but the address. */
export const opened = Effect.gen(function* () {
  const edge = yield* Edge
  const intents = yield* Intents
  const { open } = yield* MediaProcess
  const media = yield* edge.entity(Media)
  return Effect.fnUntraced(function* ({ headers, query, request }: HttpApiEndpoint.Request<typeof openUpload>) {
    const bytes = headers["upload-length"]
    if (bytes > bytesMax) return yield* new MediaUnfit({ reason: "bytes" })
    const { subject } = yield* Principal
    const { id, name } = namedBy(intents, subject, { key: headers["upload-id"], region: query.region, request })
    const command = new DeclareMedia({
      commandId: CommandId.make(`openUpload:${name("command")}`),
      origin: { actor: "edge" },
      owner: null,
      uploadedBy: subject,
      alt: altOf(query),
      content: null
    })
    const view = yield* edge
      .call(media(id).DeclareMedia(command))
      .pipe(Effect.catchTag("CommandReused", () => Effect.fail(new MediaComplete())))
    const location = yield* open(id, bytes)
    return Answers.written(["Media", id, view.seq], encode(view), {
      status: 201,
      headers: { location, "tus-resumable": tusVersion, "content-location": `/v1/media/${id}` }
    })
  })
})

export const forShop = Effect.map(
  uploader,
  (upload) =>
    ({ headers, payload, query, request }: HttpApiEndpoint.Request<typeof uploadMedia>) =>
      upload({ region: query.region, owner: null, query, key: headers["upload-id"], body: payload, request })
)
export const forCustomer = Effect.map(
  uploader,
  (upload) =>
    ({ headers, params, payload, query, request }: HttpApiEndpoint.Request<typeof uploadCustomerMedia>) =>
      upload({
        region: regionOf(params.id),
        owner: params.id,
        query,
        key: headers["upload-id"],
        body: payload,
        request
      })
)
