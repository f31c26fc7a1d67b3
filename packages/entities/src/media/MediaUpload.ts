import { CommandId, CustomerId } from "@halles/shared/Ids"
import { Intents, once } from "@halles/shared/Intent"
import { Region, regionOf } from "@halles/shared/Region"
import * as Answers from "@halles/shared/wire/Answers"
import { Principal } from "@halles/shared/wire/Principal"
import * as Refusal from "@halles/shared/wire/Refusal"
import { Effect, Schema, type Stream } from "effect"
import type { HttpServerRequest } from "effect/http"
import { HttpApiEndpoint, HttpApiSchema } from "effect/http-api"
import { Reads } from "../Reads.ts"
import { Edge } from "../routes/Edge.ts"
import * as Routes from "../routes/Routes.ts"
import { AltText, DeclareMedia, Media, MediaComplete, MediaId, MediaUnfit } from "./Media.ts"
import { MediaType } from "./MediaContent.ts"
import { MediaProcess } from "./MediaProcess.ts"
import { linksOf, UploadedMediaJson } from "./MediaJson.ts"
import { mediaList } from "./MediaTable.ts"
import { MediaLinks } from "./MediaUrl.ts"

/** Others with the same content that an answer names. */
const duplicatesMax = 10

/** What is said of it with the bytes: the text for who does not see it, in one language. */
const alt = { alt: Schema.optionalKey(AltText.fields.text), language: Schema.optionalKey(AltText.fields.language) }

const upload = {
  /** One upload, however often it is sent; random when absent. */
  headers: { "upload-id": Schema.optionalKey(Schema.String.check(Schema.isPattern(/^[A-Za-z0-9_-]{1,100}$/u))) },
  payload: HttpApiSchema.StreamUint8Array({ contentType: [...MediaType.literals, "application/octet-stream"] }),
  success: UploadedMediaJson.pipe(HttpApiSchema.status(201)),
  error: [...Routes.refusals(Media, "DeclareMedia"), Refusal.of(MediaUnfit), Refusal.of(MediaComplete)]
} as const

/** A picture of the shop's. */
export const uploadMedia = HttpApiEndpoint.post("uploadMedia", "/media", {
  ...upload,
  query: { region: Region, ...alt }
})
/** A picture of a customer's: of a review, or of the customer. */
export const uploadCustomerMedia = HttpApiEndpoint.post("uploadCustomerMedia", "/media/customers/:id", {
  ...upload,
  params: { id: CustomerId },
  query: alt
})

interface Sent {
  readonly region: Region
  readonly owner: CustomerId | null
  readonly query: { readonly alt?: string; readonly language?: string }
  readonly key: string | undefined
  readonly body: Stream.Stream<Uint8Array, unknown>
  readonly request: HttpServerRequest.HttpServerRequest
}

/** Bytes first: what is not kept was never declared. A repeat with the same `upload-id` and the same bytes finds what the first one made. */
const taken = Effect.gen(function* () {
  const edge = yield* Edge
  const reads = yield* Reads
  const intents = yield* Intents
  const intake = yield* MediaProcess
  const linker = yield* MediaLinks
  const media = yield* edge.entity(Media)
  return Effect.fnUntraced(function* ({ body, key, owner, query, region, request }: Sent) {
    const { kind, subject } = yield* Principal
    const sender = kind === "anonymous" ? null : subject
    const { name } =
      key === undefined ? once : intents.of({ sender, method: request.method, url: request.url, body: "", key })
    const id = MediaId.make(`${region}_${name("media").slice(0, 22)}`)
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
            alt: query.alt === undefined ? [] : [{ language: query.language ?? "en", text: query.alt }],
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

export const forShop = Effect.map(
  taken,
  (take) =>
    ({ headers, payload, query, request }: HttpApiEndpoint.Request<typeof uploadMedia>) =>
      take({ region: query.region, owner: null, query, key: headers["upload-id"], body: payload, request })
)
export const forCustomer = Effect.map(
  taken,
  (take) =>
    ({ headers, params, payload, query, request }: HttpApiEndpoint.Request<typeof uploadCustomerMedia>) =>
      take({
        region: regionOf(params.id),
        owner: params.id,
        query,
        key: headers["upload-id"],
        body: payload,
        request
      })
)
