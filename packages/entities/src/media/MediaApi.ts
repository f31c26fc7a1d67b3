import { CustomerId } from "@halles/shared/Ids"
import { Region, regionOf } from "@halles/shared/Region"
import * as Answers from "@halles/shared/wire/Answers"
import { changes, everybody, looks, ofCustomer, type Rule, seller, shopper } from "@halles/shared/wire/AccessRule"
import { named } from "@halles/shared/wire/Named"
import * as Refusal from "@halles/shared/wire/Refusal"
import { perMinute } from "@halles/shared/wire/Traffic"
import { WholeNumber } from "@halles/shared/wire/WholeNumber"
import { Effect, Schema } from "effect"
import { HttpApiEndpoint } from "effect/http-api"
import { Edge } from "../routes/Edge.ts"
import { list } from "../routes/List.ts"
import * as Routes from "../routes/Routes.ts"
import { DescribeMedia, Media, MediaGone, MediaId, type MediaView, UsedBy } from "./Media.ts"
import { ContentHash, isPicture } from "./MediaContent.ts"
import { altSample, linksOf, MediaJson, ShownMediaJson } from "./MediaJson.ts"
import { mediaList } from "./MediaTable.ts"
import { forCustomer, forShop, opened, openUpload, uploadCustomerMedia, uploadMedia } from "./MediaUpload.ts"
import { Fit, Format, madeSideMax, MediaLinks } from "./MediaUrl.ts"

const look: Rule = { ...looks, region: "id", scopes: ["catalog:read"], roles: seller }
const change: Rule = { ...changes, region: "id", scopes: ["catalog:write"], roles: seller }
const ofOwner: Rule = { ...ofCustomer, scopes: ["customers:write"], roles: shopper, audited: "byOthers" }
const upload = { priority: "bulk", cost: 20, quota: perMinute("upload", 1_200) } as const
const aboutUpload =
  "The body is the file itself. What it is follows from its bytes: JPEG, PNG, WebP, AVIF, GIF, MP4, WebM or PDF, whatever `Content-Type` says. A picture is turned upright, and loses everything but its pixels and its colour profile, such as where it was taken. Too many bytes, pixels or frames are refused before anything is decoded (`media_unfit`). `duplicates` names what has the same content already. Repeated with the same `Upload-Id` and the same bytes it is one upload. What nothing shows for 30 days is removed."

const one = { contract: Media, params: { id: MediaId }, json: MediaJson } as const
const isListed = (view: MediaView): MediaView | null =>
  view.status === "declared" || view.status === "ready" ? view : null
const use = { ...one, params: { id: MediaId, by: UsedBy }, access: change } as const
const usedBy = ({ params }: { readonly params: { readonly by: string } }) => ({ by: params.by })

const side = WholeNumber({ minimum: 1, maximum: madeSideMax })
const AddressJson = Schema.Struct({ url: Schema.String }).pipe(
  named("MediaAddress", {
    url: "https://media.example.com/media/Zk3vXr8Kd0ZtWbYp5nLc2A/w300-h200-cover-x500-y500-webp/eu-9f86.jpg"
  })
)

const getMediaAddress = Routes.custom(
  HttpApiEndpoint.get("getMediaAddress", "/media/:id/address", {
    params: { id: MediaId },
    query: { width: side, height: side, fit: Schema.optionalKey(Fit), as: Schema.optionalKey(Format) },
    success: AddressJson,
    error: [...Routes.refusals(Media, "View"), Refusal.of(MediaGone)]
  }),
  {
    access: look,
    summary: "Where a picture is to be had in a size of your own",
    about:
      "Signs an address for a box: `inside` shows all of the picture within it, `cover` fills it around the focus. A picture is never made larger than it is. `as` is `auto` unless it is said: WebP or AVIF by what a client says it takes. The address stays good for as long as the picture is kept."
  },
  Effect.gen(function* () {
    const edge = yield* Edge
    const linker = yield* MediaLinks
    const media = yield* edge.entity(Media)
    return Effect.fnUntraced(function* ({ params, query, request }) {
      const { content, focus, seq, status } = yield* edge.call(media(params.id).View())
      if (linker === null || content === null || status !== "ready" || !isPicture(content.type)) {
        return yield* new MediaGone()
      }
      const { as: format = "auto", fit = "inside", height, width } = query
      return Answers.fresh(request, seq, () => ({
        url: linker.link(regionOf(params.id), content, { width, height, fit, focus, format })
      }))
    })
  })
)

export const MediaApi = Routes.group(
  "media",
  {
    title: "Media",
    about: "Pictures, videos and documents: uploaded, described, shown, and removed when nothing shows them."
  },
  [
    list("listMedia", "/media", {
      access: { ...look, region: "query" },
      summary: "What is kept in a region, newest first",
      about: "A page at a time. `hash` finds all that has the same content.",
      contract: Media,
      of: mediaList,
      query: { region: Region, hash: Schema.optionalKey(ContentHash) },
      page: "MediaPage",
      json: MediaJson,
      wanted: ({ query }) => ({ region: query.region, hash: query.hash }),
      itemOf: (view, { query }) =>
        query.hash === undefined || query.hash === view.content?.hash ? isListed(view) : null
    }),
    Routes.custom(
      uploadMedia,
      {
        access: { ...change, region: "query" },
        traffic: upload,
        summary: "Upload a picture, a video or a document",
        about: aboutUpload
      },
      forShop
    ),
    Routes.custom(
      openUpload,
      {
        access: { ...change, region: "query" },
        traffic: upload,
        summary: "Begin an upload that can be resumed",
        about:
          "Creation of the tus protocol (1.0.0), with `Upload-Length` and without bytes: `Location` is where any tus client then sends the pieces, for a day and without a token. What comes is judged as with a plain upload once all of it is there: `GET /v1/media/{id}` says `ready` a moment later, or `refused`, and the list why."
      },
      opened
    ),
    Routes.query("getMedia", "/media/:id", {
      ...one,
      json: ShownMediaJson,
      access: everybody,
      summary: "What everybody may see of it, and where",
      about:
        "`links.pictures` has an address for each preset, `links.original` is the whole. What they show never changes, and may be kept for ever. Send `If-None-Match` to be told 304.",
      beside: Effect.map(MediaLinks, (linker) => (view) => Effect.succeed({ ...view, links: linksOf(linker, view) }))
    }),
    getMediaAddress,
    Routes.command("patchMedia", "PATCH", "/media/:id", {
      ...one,
      access: change,
      summary: "Describe it",
      about:
        "Members that are absent stay as they are. `alt` is what the picture shows, by language; `focus` is the point that stays in it when it is cropped, in thousandths from the top left.",
      message: "DescribeMedia",
      payload: Routes.bodyOf(DescribeMedia),
      example: { alt: altSample, focus: { x: 500, y: 250 } }
    }),
    Routes.command("useMedia", "PUT", "/media/:id/uses/:by", {
      ...use,
      summary: "Something shows it",
      about: "What is shown is kept. Twice the same is once.",
      message: "UseMedia",
      fields: usedBy
    }),
    Routes.command("releaseMedia", "DELETE", "/media/:id/uses/:by", {
      ...use,
      summary: "Something shows it no more",
      about: "What nothing shows for 30 days is removed.",
      message: "ReleaseMedia",
      fields: usedBy
    }),
    Routes.command("removeMedia", "DELETE", "/media/:id", {
      ...one,
      access: change,
      summary: "Remove it",
      about:
        "Refused while something shows it. Its bytes are gone within a minute, unless something else has the same content.",
      message: "RemoveMedia",
      fields: () => ({ reason: "asked" as const })
    }),
    Routes.custom(
      uploadCustomerMedia,
      {
        access: { ...ofOwner, ...changes },
        traffic: upload,
        summary: "Upload a picture of a customer's own",
        about: `For reviews and the like: it goes with the customer. ${aboutUpload}`
      },
      forCustomer
    ),
    list("listCustomerMedia", "/media/customers/:id", {
      access: { ...ofOwner, ...looks, scopes: ["customers:read"] },
      summary: "A customer's own pictures, newest first",
      about: "A page at a time.",
      contract: Media,
      of: mediaList,
      params: { id: CustomerId },
      page: "CustomerMediaPage",
      json: MediaJson,
      wanted: ({ params }) => ({ region: regionOf(params.id), owner: params.id }),
      itemOf: (view, { params }) => (view.owner === params.id ? isListed(view) : null)
    })
  ]
)
