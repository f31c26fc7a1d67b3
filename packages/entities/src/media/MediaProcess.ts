import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import type { Region } from "@halles/shared/Region"
import { Unavailable } from "@halles/shared/wire/EdgeErrors"
import { Clock, Context, Effect, Layer, Redacted, Schema, type Stream } from "effect"
import { HttpClient, HttpClientRequest } from "effect/http"
import { createHmac, timingSafeEqual } from "node:crypto"
import { type MediaId, MediaUnfit } from "./Media.ts"
import { Content, Unfit } from "./MediaContent.ts"
import { declaredMaxMs } from "./MediaState.ts"

/** A plain upload is there within the edge's own deadline; what is larger, or comes over a slow line, is sent in pieces. */
export const plainBytesMax = 96 * 1_048_576
/** Reading, scanning, decoding and storing. */
const deadlineMs = 44_000
/** A pass is used at once. */
const passMs = 60_000

/** What became of the bytes. */
export const Taken = Schema.Union([Schema.Struct({ kept: Content }), Schema.Struct({ refused: Unfit })])
export type Taken = typeof Taken.Type

/** What the media process does for others. */
interface Process {
  /** Looks into what somebody sends, and keeps it where it belongs to. */
  readonly take: (
    region: Region,
    body: Stream.Stream<Uint8Array, unknown>
  ) => Effect.Effect<Content, MediaUnfit | Unavailable>
  /** Makes room for so many bytes that come in pieces, and says where to. */
  readonly open: (id: MediaId, bytes: number) => Effect.Effect<string, Unavailable>
  /** What became of what came in pieces; `null` as long as it has not all come. */
  readonly taken: (id: MediaId) => Effect.Effect<Taken | null, Unavailable>
  /** Removes content and all that was made of it. `false`: somebody has just sent it again, ask later. */
  readonly drop: (name: string) => Effect.Effect<boolean, Unavailable>
}

/** Of this process. In a deployment without a media process nothing is taken, and nothing is there. */
export const MediaProcess = Context.Reference<Process>("@halles/entities/media/MediaProcess", {
  defaultValue: () => ({
    take: () => Effect.fail(new Unavailable()),
    open: () => Effect.fail(new Unavailable()),
    taken: () => Effect.succeed(null),
    drop: () => Effect.succeed(true)
  })
})

interface Where {
  readonly url: string
  /** Where clients reach it. */
  readonly publicUrl: string
  readonly key: Redacted.Redacted
}

/** The media process at an address, which knows us by the key. */
export const layer = (options: Where) =>
  Layer.effect(MediaProcess, make(options)).pipe(
    Layer.provide(
      NodeHttpClient.layerUndiciOptions({ connections: 16, keepAliveTimeout: 4_000, connectTimeout: 1_000 })
    )
  )

const sign = (key: Redacted.Redacted, purpose: string, expires: string): string =>
  createHmac("sha256", Redacted.value(key)).update(`halles media pass\n${purpose}\n${expires}`).digest("base64url")

/** `<when it ends>.<signature>`: who has it may do that until then. */
export const passOf = (key: Redacted.Redacted, purpose: string, expiresAtMs: number): string => {
  const expires = Math.floor(expiresAtMs).toString(36)
  return `${expires}.${sign(key, purpose, expires)}`
}
export const isPass = (key: Redacted.Redacted, purpose: string, pass: string, nowMs: number): boolean => {
  const [, expires, signature] = /^([0-9a-z]{1,11})\.([A-Za-z0-9_-]{43})$/.exec(pass) ?? []
  if (expires === undefined || signature === undefined || Number.parseInt(expires, 36) < nowMs) return false
  return timingSafeEqual(Buffer.from(signature), Buffer.from(sign(key, purpose, expires)))
}
/** What passes are for; also where it is asked for. */
export const intake = "intake"
export const contents = "contents"
export const uploads = "uploads"
export const arrivals = "arrivals"
/** Whoever has this pass sends the pieces of that upload, for as long as it is awaited. */
export const uploadOf = (id: string): string => `upload ${id}`

const bounded = <A, E>(answered: Effect.Effect<A, E>) =>
  answered.pipe(
    Effect.timeout(deadlineMs),
    Effect.tapError((error) => Effect.logWarning("The media process did not answer", error)),
    Effect.mapError(() => new Unavailable())
  )

const make = Effect.fnUntraced(function* ({ key, publicUrl, url }: Where) {
  const client = yield* HttpClient.HttpClient
  const decode = Schema.decodeUnknownEffect(Taken)
  const ask = Effect.fnUntraced(function* (purpose: string, request: HttpClientRequest.HttpClientRequest) {
    const pass = passOf(key, purpose, (yield* Clock.currentTimeMillis) + passMs)
    return yield* client.execute(HttpClientRequest.bearerToken(request, pass))
  })
  return {
    take: Effect.fn("MediaProcess.take")(function* (region: Region, body: Stream.Stream<Uint8Array, unknown>) {
      const request = HttpClientRequest.post(`${url}/${intake}/${region}`).pipe(
        HttpClientRequest.bodyStream(body, { contentType: "application/octet-stream" })
      )
      const taken = yield* bounded(
        Effect.gen(function* () {
          const response = yield* ask(intake, request)
          return response.status === 200 ? yield* decode(yield* response.json) : yield* new Unavailable()
        })
      )
      return "kept" in taken ? taken.kept : yield* new MediaUnfit({ reason: taken.refused })
    }),
    open: Effect.fn("MediaProcess.open")(function* (id: MediaId, bytes: number) {
      const request = HttpClientRequest.post(`${url}/${uploads}/${id}`).pipe(
        HttpClientRequest.setHeader("upload-length", String(bytes))
      )
      const { status } = yield* bounded(ask(uploads, request))
      if (status !== 204) return yield* new Unavailable()
      const until = (yield* Clock.currentTimeMillis) + declaredMaxMs
      return `${publicUrl}/${uploads}/${passOf(key, uploadOf(id), until)}/${id}`
    }),
    taken: Effect.fn("MediaProcess.taken")((id: MediaId) =>
      bounded(
        Effect.gen(function* () {
          const response = yield* ask(arrivals, HttpClientRequest.post(`${url}/${arrivals}/${id}`))
          if (response.status === 404) return null
          return response.status === 200 ? yield* decode(yield* response.json) : yield* new Unavailable()
        })
      )
    ),
    drop: Effect.fn("MediaProcess.drop")((name: string) =>
      bounded(
        Effect.gen(function* () {
          const { status } = yield* ask(contents, HttpClientRequest.delete(`${url}/${contents}/${name}`))
          return status === 204 || status === 409 ? status === 204 : yield* new Unavailable()
        })
      )
    )
  }
})
