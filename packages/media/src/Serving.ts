import { isPicture, type MediaType, contentTypeOf } from "@halles/entities/media/MediaContent"
import { original, type Transform, wantedOf } from "@halles/entities/media/MediaUrl"
import { always } from "@halles/shared/listener/ListenerRefusal"
import { Unavailable } from "@halles/shared/wire/EdgeErrors"
import { isKnown } from "@halles/shared/wire/Answers"
import * as Problem from "@halles/shared/wire/Problem"
import { documentOf } from "@halles/shared/wire/Refusal"
import { Effect, type Redacted, type Stream } from "effect"
import { HttpRouter, HttpServerRequest, HttpServerResponse } from "effect/http"
import { BlobStore, type ByteRange, type StoreUnavailable } from "./BlobStore.ts"
import { type CannotMake, type Made, Pictures, type Recipe } from "./Pictures.ts"
import { rangeOf } from "./Ranges.ts"
import type { Format } from "./Transforming.ts"

const yearSeconds = 31_536_000
/** The path determines the bytes. */
const forEver = `public, max-age=${yearSeconds}, immutable`
/** For a picture that will soon be answered in a smaller format. */
const forNow = "public, max-age=60"

/**
 * Headers of every answer with uploaded bytes. A browser takes them for nothing but their type, and runs no script in them, also in a
 * tab of their own. Pages of other origins may show them.
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

interface Body {
  readonly type: string
  readonly bytes: number
  readonly etag: string
  readonly headers: Readonly<Record<string, string>>
  readonly part: (range: ByteRange | undefined) => Uint8Array | Stream.Stream<Uint8Array, StoreUnavailable>
}

/** Answers with the whole body, with the range that was asked for, or with 304 if the client has it already. */
const answer = (
  { headers }: HttpServerRequest.HttpServerRequest,
  body: Body
): HttpServerResponse.HttpServerResponse => {
  const { bytes, etag, part, type } = body
  const common = { ...kept, ...body.headers, etag }
  if (isKnown(headers["if-none-match"], etag)) return HttpServerResponse.empty({ status: 304, headers: common })
  const isSame = headers["if-range"] === undefined || headers["if-range"] === etag
  const range = isSame ? rangeOf(headers["range"], bytes) : "whole"
  if (range === "none") {
    return HttpServerResponse.empty({ status: 416, headers: { ...common, "content-range": `bytes */${bytes}` } })
  }
  const [status, length, given] =
    range === "whole"
      ? [200, bytes, {}]
      : [206, range.end - range.start + 1, { "content-range": `bytes ${range.start}-${range.end}/${bytes}` }]
  const content = part(range === "whole" ? undefined : range)
  const options = { status, contentType: type, headers: { ...common, ...given } }
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

/** Whether a client names the type in `Accept`, with a weight above 0. */
const takes = (accept: string, type: string): boolean =>
  accept.split(",").some((one) => {
    const [name, ...parameters] = one.split(";").map((part) => part.trim().toLowerCase())
    return name === type && !parameters.some((parameter) => /^q=0(\.0*)?$/.test(parameter))
  })

const animatedTypes: ReadonlySet<MediaType> = new Set(["image/gif", "image/webp"])

/** Formats of a picture for a client: `best` has the fewest bytes, `now` is quick to make. */
const formatsOf = (
  accept: string,
  transform: Transform,
  type: MediaType
): { readonly best: Format; readonly now: Format } => {
  const { format } = transform
  if (format !== "auto") return { best: format, now: format }
  const plain = type === "image/png" || type === "image/gif" ? "png" : "jpeg"
  const now = takes(accept, "image/webp") ? "webp" : plain
  // An animation would be a still picture in AVIF.
  return { best: takes(accept, "image/avif") && !animatedTypes.has(type) ? "avif" : now, now }
}

/** Answers with a made picture: in the best format if it is made already, else at once in a quick one, while the best waits to be made. */
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

/** Answers with content as it is stored; a browser saves documents instead of opening them. */
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
    : Effect.as(Effect.logWarning("A picture could not be made", error), unavailable)

/** `GET /media/<signature>/<what>/<name>`: without a valid signature the answer is 404. */
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
