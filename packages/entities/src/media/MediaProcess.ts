import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import type { Region } from "@halles/shared/Region"
import { Unavailable } from "@halles/shared/wire/EdgeErrors"
import { Clock, Context, Effect, Layer, Redacted, Schema, type Stream } from "effect"
import { HttpClient, HttpClientRequest } from "effect/http"
import { createHmac, timingSafeEqual } from "node:crypto"
import { type MediaId, MediaUnfit } from "./Media.ts"
import { Content, Unfit } from "./MediaContent.ts"
import { declaredMaxMs } from "./MediaState.ts"

/** The edge passes a plain upload on within its own deadline; a larger file, or one over a slow line, is uploaded in pieces. */
export const plainBytesMax = 96 * 1_048_576
/** For the media process to read, scan, decode and store a plain upload. */
const deadlineMs = 44_000
/** Of a pass that this process makes for its own next request. */
const passMs = 60_000

/** What came of an upload: the media process keeps its content, or refuses it. */
export const Outcome = Schema.Union([Schema.Struct({ kept: Content }), Schema.Struct({ refused: Unfit })])
export type Outcome = typeof Outcome.Type

/** What the media process does for the edge and the runners. */
interface Process {
  /** A plain upload: the media process examines the body, and keeps it in the region. */
  readonly take: (
    region: Region,
    body: Stream.Stream<Uint8Array, unknown>
  ) => Effect.Effect<Content, MediaUnfit | Unavailable>
  /** Begins an upload in pieces of so many bytes; the answer is the address to which a client sends them. */
  readonly open: (id: MediaId, bytes: number) => Effect.Effect<string, Unavailable>
  /** The outcome of an upload in pieces; `null` until the last piece has come. */
  readonly outcomeOf: (id: MediaId) => Effect.Effect<Outcome | null, Unavailable>
  /** Removes content and all pictures made of it. `false`: the same content has just been uploaded again; ask later. */
  readonly drop: (name: string) => Effect.Effect<boolean, Unavailable>
}

/** The media process, as this process calls it. In a deployment without one every upload is refused, and there is nothing to drop. */
export const MediaProcess = Context.Reference<Process>("@halles/entities/media/MediaProcess", {
  defaultValue: () => ({
    take: () => Effect.fail(new Unavailable()),
    open: () => Effect.fail(new Unavailable()),
    outcomeOf: () => Effect.succeed(null),
    drop: () => Effect.succeed(true)
  })
})

interface Where {
  readonly url: string
  /** Where clients reach it. */
  readonly publicUrl: string
  readonly key: Redacted.Redacted
}

/** Calls the media process at an address, with passes that it checks by the same key. */
export const layer = (options: Where) =>
  Layer.effect(MediaProcess, make(options)).pipe(
    Layer.provide(
      NodeHttpClient.layerUndiciOptions({ connections: 16, keepAliveTimeout: 4_000, connectTimeout: 1_000 })
    )
  )

const sign = (key: Redacted.Redacted, purpose: string, expires: string): string =>
  createHmac("sha256", Redacted.value(key)).update(`halles media pass\n${purpose}\n${expires}`).digest("base64url")

/** A pass, `<when it ends>.<signature>`: the media process lets whoever shows it do what the purpose names, until it ends. */
export const passOf = (key: Redacted.Redacted, purpose: string, expiresAtMs: number): string => {
  const expires = Math.floor(expiresAtMs).toString(36)
  return `${expires}.${sign(key, purpose, expires)}`
}
export const isPass = (key: Redacted.Redacted, purpose: string, pass: string, nowMs: number): boolean => {
  const [, expires, signature] = /^([0-9a-z]{1,11})\.([A-Za-z0-9_-]{43})$/.exec(pass) ?? []
  if (expires === undefined || signature === undefined || Number.parseInt(expires, 36) < nowMs) return false
  return timingSafeEqual(Buffer.from(signature), Buffer.from(sign(key, purpose, expires)))
}
/** Purposes of passes; each is also the first segment of the path where the pass is shown. */
export const intake = "intake"
export const contents = "contents"
export const uploads = "uploads"
export const arrivals = "arrivals"
/** The purpose of the pass in the address of an upload in pieces: with it a client sends the pieces of that upload, and of no other. */
export const uploadOf = (id: string): string => `upload ${id}`

const bounded = <A, E>(answered: Effect.Effect<A, E>) =>
  answered.pipe(
    Effect.timeout(deadlineMs),
    Effect.tapError((error) => Effect.logWarning("The media process did not answer", error)),
    Effect.mapError(() => new Unavailable())
  )

const make = Effect.fnUntraced(function* ({ key, publicUrl, url }: Where) {
  const client = yield* HttpClient.HttpClient
  const decode = Schema.decodeUnknownEffect(Outcome)
  const ask = Effect.fnUntraced(function* (purpose: string, request: HttpClientRequest.HttpClientRequest) {
    const pass = passOf(key, purpose, (yield* Clock.currentTimeMillis) + passMs)
    return yield* client.execute(HttpClientRequest.bearerToken(request, pass))
  })
  return {
    take: Effect.fn("MediaProcess.take")(function* (region: Region, body: Stream.Stream<Uint8Array, unknown>) {
      const request = HttpClientRequest.post(`${url}/${intake}/${region}`).pipe(
        HttpClientRequest.bodyStream(body, { contentType: "application/octet-stream" })
      )
      const outcome = yield* bounded(
        Effect.gen(function* () {
          const response = yield* ask(intake, request)
          return response.status === 200 ? yield* decode(yield* response.json) : yield* new Unavailable()
        })
      )
      return "kept" in outcome ? outcome.kept : yield* new MediaUnfit({ reason: outcome.refused })
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
    outcomeOf: Effect.fn("MediaProcess.outcomeOf")((id: MediaId) =>
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
