import { isPicture, type MediaType, contentTypeOf } from "@halles/entities/media/MediaContent"
import { original, type Transform, wantedOf } from "@halles/entities/media/MediaUrl"
import { always } from "@halles/shared/listener/ListenerRefusal"
import { Unavailable } from "@halles/shared/wire/EdgeErrors"
import * as Problem from "@halles/shared/wire/Problem"
import { documentOf } from "@halles/shared/wire/Refusal"
import { Effect, type Redacted, type Stream } from "effect"
import { HttpRouter, HttpServerRequest, HttpServerResponse } from "effect/http"
import { BlobStore, type ByteRange, type StoreUnavailable } from "./BlobStore.ts"
import { type CannotMake, type Made, Pictures, type Recipe } from "./Pictures.ts"
import { rangeOf } from "./Ranges.ts"
import type { Format } from "./Transforming.ts"

const yearSeconds = 31_536_000
/** The path says all of what is served. */
const forEver = `public, max-age=${yearSeconds}, immutable`
/** Until a smaller one is there. */
const forNow = "public, max-age=60"

/**
 * What somebody uploaded is shown as what it is, and runs nothing: also where it is opened by itself, and whatever a browser takes it
 * for. Pages of other origins may show it.
 */
const kept = {
  ...always,
  "cross-origin-resource-policy": "cross-origin",
  "access-control-allow-origin": "*",
  "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; media-src 'self'; sandbox",
  "accept-ranges": "bytes"
}

const noSuch = Problem.response(
  Problem.make({
    code: "not_found",
    status: 404,
    title: "There is no such thing",
    detail: "No resource has this path."
  }),
  { "cache-control": "public, max-age=10" }
)
const unavailable = Problem.response(documentOf(new Unavailable()), Problem.retryAfter)

const isKnown = (given: string | undefined, etag: string): boolean =>
  given !== undefined && given.split(",").some((one) => one.trim() === "*" || one.trim().replace(/^W\//, "") === etag)

interface Body {
  readonly type: string
  readonly bytes: number
  readonly etag: string
  readonly headers: Readonly<Record<string, string>>
  readonly part: (range: ByteRange | undefined) => Uint8Array | Stream.Stream<Uint8Array, StoreUnavailable>
}

/** All of it, a part, or that the client has it already. */
const answer = (
  { headers }: HttpServerRequest.HttpServerRequest,
  body: Body
): HttpServerResponse.HttpServerResponse => {
  const { bytes, etag, part, type } = body
  const always = { ...kept, ...body.headers, etag }
  if (isKnown(headers["if-none-match"], etag)) return HttpServerResponse.empty({ status: 304, headers: always })
  const isSame = headers["if-range"] === undefined || headers["if-range"] === etag
  const range = isSame ? rangeOf(headers["range"], bytes) : "whole"
  if (range === "none") {
    return HttpServerResponse.empty({ status: 416, headers: { ...always, "content-range": `bytes */${bytes}` } })
  }
  const [status, length, given] =
    range === "whole"
      ? [200, bytes, {}]
      : [206, range.end - range.start + 1, { "content-range": `bytes ${range.start}-${range.end}/${bytes}` }]
  const content = part(range === "whole" ? undefined : range)
  const options = { status, contentType: type, headers: { ...always, ...given } }
  return content instanceof Uint8Array
    ? HttpServerResponse.uint8Array(content, options)
    : HttpServerResponse.stream(content, { ...options, contentLength: length })
}

const typeOf: Readonly<Record<Format, MediaType>> = {
  webp: "image/webp",
  avif: "image/avif",
  jpeg: "image/jpeg",
  png: "image/png"
}

/** A type among those that a client names, with a weight above nothing. */
const takes = (accept: string, type: string): boolean =>
  accept.split(",").some((one) => {
    const [name, ...parameters] = one.split(";").map((part) => part.trim().toLowerCase())
    return name === type && !parameters.some((parameter) => /^q=0(\.0*)?$/.test(parameter))
  })

const mayMove: ReadonlySet<MediaType> = new Set(["image/gif", "image/webp"])

/** In which formats a picture is to be had for a client: the best that is there, and the one that is made at once. */
const formatsOf = (
  accept: string,
  transform: Transform,
  type: MediaType
): { readonly best: Format; readonly now: Format } => {
  const { format } = transform
  if (format !== "auto") return { best: format, now: format }
  const plain = type === "image/png" || type === "image/gif" ? "png" : "jpeg"
  const now = takes(accept, "image/webp") ? "webp" : plain
  // What moves would stand still in AVIF.
  return { best: takes(accept, "image/avif") && !mayMove.has(type) ? "avif" : now, now }
}

/** What is made of a picture, in the best format that is there already; a better one is made when there is time. */
const picture = Effect.fnUntraced(function* (
  request: HttpServerRequest.HttpServerRequest,
  { name, transform, type }: { readonly name: string; readonly transform: Transform; readonly type: MediaType }
) {
  const pictures = yield* Pictures
  const isSaving = request.headers["save-data"]?.toLowerCase() === "on"
  const { best, now } = formatsOf(request.headers["accept"] ?? "", transform, type)
  const recipe = (format: Format): Recipe => ({ name, transform, format, isSaving })
  const shown = ({ bytes, etag }: Made, format: Format, caching: string) =>
    answer(request, {
      type: typeOf[format],
      bytes: bytes.length,
      etag,
      headers: {
        "cache-control": caching,
        ...(transform.format === "auto" ? { vary: "accept, save-data" } : { vary: "save-data" })
      },
      part: (range) => (range === undefined ? bytes : bytes.subarray(range.start, range.end + 1))
    })
  if (best === now) return shown(yield* pictures.get(recipe(now)), now, forEver)
  const there = yield* pictures.peek(recipe(best))
  if (there !== null) return shown(there, best, forEver)
  const quick = yield* pictures.get(recipe(now))
  yield* pictures.later(recipe(best))
  return shown(quick, now, forNow)
})

/** What is kept, as it is; documents are handed over to be saved. */
const whole = Effect.fnUntraced(function* (
  request: HttpServerRequest.HttpServerRequest,
  { name, type }: { readonly name: string; readonly type: MediaType }
) {
  const blobs = yield* BlobStore
  const found = yield* blobs.find(name)
  if (found === null) return noSuch
  return answer(request, {
    type,
    bytes: found.bytes,
    etag: `"${name.slice(0, 43)}"`,
    headers: {
      "cache-control": forEver,
      ...(type === "application/pdf" ? { "content-disposition": `attachment; filename="${name}"` } : {})
    },
    part: (range) => blobs.read(name, range)
  })
})

const refused = (error: CannotMake): Effect.Effect<HttpServerResponse.HttpServerResponse> =>
  error._tag === "NoOriginal"
    ? Effect.succeed(noSuch)
    : Effect.as(Effect.logWarning("A picture could not be given", error), unavailable)

/** `GET /media/<signature>/<what>/<name>`: what nobody signed is not there. */
export const layer = (key: Redacted.Redacted) =>
  HttpRouter.add(
    "GET",
    "/media/:signature/:what/:name",
    Effect.gen(function* () {
      const request = yield* HttpServerRequest.HttpServerRequest
      const { name = "", signature = "", what = original } = yield* HttpRouter.params
      const wanted = wantedOf(key, signature, what, name)
      const type = contentTypeOf(name)
      if (wanted === undefined || type === undefined) return noSuch
      const { transform } = wanted
      if (transform === null) return yield* whole(request, { name, type })
      return isPicture(type) ? yield* picture(request, { name, type, transform }) : noSuch
    }).pipe(Effect.catch(refused))
  )
