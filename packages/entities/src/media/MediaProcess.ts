import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import type { Region } from "@halles/shared/Region"
import { Unavailable } from "@halles/shared/wire/EdgeErrors"
import { Clock, Context, Effect, Layer, Redacted, Schema, type Stream } from "effect"
import { HttpClient, HttpClientRequest } from "effect/http"
import { createHmac, timingSafeEqual } from "node:crypto"
import { MediaUnfit } from "./Media.ts"
import { Content, Unfit } from "./MediaContent.ts"

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
  /** Removes content and all that was made of it. `false`: somebody has just sent it again, ask later. */
  readonly drop: (name: string) => Effect.Effect<boolean, Unavailable>
}

/** Of this process. In a deployment without a media process nothing is taken, and nothing is there. */
export const MediaProcess = Context.Reference<Process>("@halles/entities/media/MediaProcess", {
  defaultValue: () => ({ take: () => Effect.fail(new Unavailable()), drop: () => Effect.succeed(true) })
})

/** The media process at an address, which knows us by the key. */
export const layer = (options: { readonly url: string; readonly key: Redacted.Redacted }) =>
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

const bounded = <A, E>(answered: Effect.Effect<A, E>) =>
  answered.pipe(
    Effect.timeout(deadlineMs),
    Effect.tapError((error) => Effect.logWarning("The media process did not answer", error)),
    Effect.mapError(() => new Unavailable())
  )

const make = Effect.fnUntraced(function* ({ key, url }: { readonly url: string; readonly key: Redacted.Redacted }) {
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
