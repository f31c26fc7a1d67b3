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
import { DescribeMedia, Media, MediaGone, NoPicture, MediaId, type MediaView, UsedBy } from "./Media.ts"
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
  "The body is the file itself. Its bytes decide its type, whatever `Content-Type` says: JPEG, PNG, WebP, AVIF, GIF, MP4, WebM or PDF. A picture is turned upright, and loses everything but its pixels and its colour profile, such as where it was taken. Too many bytes, pixels or frames are refused before anything is decoded (`media_unfit`). `duplicates` has the ids of files with the same content. Requests with the same `Upload-Id` and the same bytes are one upload. A file that no entity shows for 30 days is removed."

const one = { contract: Media, params: { id: MediaId }, json: MediaJson } as const
const listed = (view: MediaView): MediaView | null => (view.status === "removed" ? null : view)
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
    error: [...Routes.refusals(Media, "View"), Refusal.of(MediaGone), Refusal.of(NoPicture)]
  }),
  {
    access: look,
    summary: "Sign an address for a picture in a size of your choice",
    about:
      "The address is for a box of `width` by `height`: `inside` shows all of the picture within it, `cover` fills it around the focus. A picture is never made larger than it is. Without `as` the format is `auto`: WebP or AVIF where the client's `Accept` names them. The address is valid for as long as the picture is kept."
  },
  Effect.gen(function* () {
    const edge = yield* Edge
    const linker = yield* MediaLinks
    const media = yield* edge.entity(Media)
    return Effect.fnUntraced(function* ({ params, query, request }) {
      const { content, focus, seq, status } = yield* edge.call(media(params.id).View())
      if (linker === null || content === null || status !== "ready") return yield* new MediaGone()
      if (!isPicture(content.type)) return yield* new NoPicture({ type: content.type })
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
    about:
      "Pictures, videos and documents. Entities that show a file are named in `usedBy`; a file that none shows is removed after 30 days."
  },
  [
    list("listMedia", "/media", {
      access: { ...look, region: "query" },
      summary: "List the files of a region, newest first",
      about:
        "One page of those that are not removed; `refusedFor` says why an upload in pieces was refused. `hash` finds all with the same content.",
      contract: Media,
      of: mediaList,
      query: { region: Region, hash: Schema.optionalKey(ContentHash) },
      page: "MediaPage",
      json: MediaJson,
      wanted: ({ query }) => ({ region: query.region, hash: query.hash }),
      itemOf: (view, { query }) => (query.hash === undefined || query.hash === view.content?.hash ? listed(view) : null)
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
          "Creation of the tus protocol (1.0.0), with `Upload-Length` and without bytes: `Location` is the address to which any tus client then sends the pieces, for a day and without a token. When the last piece has come, the file is examined like a plain upload: a moment later the `status` of `GET /v1/media/{id}` is `ready` or `refused`, and the list says why."
      },
      opened
    ),
    Routes.query("getMedia", "/media/:id", {
      ...one,
      json: ShownMediaJson,
      access: everybody,
      summary: "Get the public view of a file, with its addresses",
      about:
        "`links.original` is the file as it is stored; `links.pictures` has an address for each preset size. The bytes behind an address never change, so caches may keep them for ever. The edge answers a request with `If-None-Match` with 304 while the view is the same.",
      beside: Effect.map(MediaLinks, (linker) => (view) => Effect.succeed({ ...view, links: linksOf(linker, view) }))
    }),
    getMediaAddress,
    Routes.command("patchMedia", "PATCH", "/media/:id", {
      ...one,
      access: change,
      summary: "Set the alternative texts and the focus of a file",
      about:
        "Members that are absent stay as they are. `alt` says by language what the picture shows; `focus` is the point that stays in the picture when it is cropped, in thousandths of its width and height from the top left.",
      message: "DescribeMedia",
      payload: Routes.bodyOf(DescribeMedia),
      example: { alt: altSample, focus: { x: 500, y: 250 } }
    }),
    Routes.command("useMedia", "PUT", "/media/:id/uses/:by", {
      ...use,
      summary: "Note that an entity shows a file",
      about: "A file is not removed while an entity shows it. Noting the same entity twice is harmless.",
      message: "UseMedia",
      fields: usedBy
    }),
    Routes.command("releaseMedia", "DELETE", "/media/:id/uses/:by", {
      ...use,
      summary: "Note that an entity shows a file no more",
      about: "A file that no entity shows for 30 days is removed.",
      message: "ReleaseMedia",
      fields: usedBy
    }),
    Routes.command("removeMedia", "DELETE", "/media/:id", {
      ...one,
      access: change,
      summary: "Remove a file",
      about:
        "Refused while an entity shows it. Its bytes are dropped within a minute or so, unless another file has the same content.",
      message: "RemoveMedia",
      fields: () => ({ reason: "asked" as const })
    }),
    Routes.custom(
      uploadCustomerMedia,
      {
        access: { ...ofOwner, ...changes },
        traffic: upload,
        summary: "Upload a picture that a customer owns",
        about: `For reviews and the like. It is removed when the customer is forgotten. ${aboutUpload}`
      },
      forCustomer
    ),
    list("listCustomerMedia", "/media/customers/:id", {
      access: { ...ofOwner, ...looks, scopes: ["customers:read"] },
      summary: "List the pictures that a customer owns, newest first",
      about: "One page of those that are not removed.",
      contract: Media,
      of: mediaList,
      params: { id: CustomerId },
      page: "CustomerMediaPage",
      json: MediaJson,
      wanted: ({ params }) => ({ region: regionOf(params.id), owner: params.id }),
      itemOf: (view, { params }) => (view.owner === params.id ? listed(view) : null)
    })
  ]
)
