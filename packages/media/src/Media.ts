import { MediaId } from "@halles/entities/media/Media"
import { contentTypeOf } from "@halles/entities/media/MediaContent"
import { arrivals, contents, intake, isPass, plainBytesMax, uploads } from "@halles/entities/media/MediaProcess"
import { Region } from "@halles/shared/Region"
import * as HttpListener from "@halles/shared/listener/HttpListener"
import * as MetricsListener from "@halles/shared/listener/MetricsListener"
import * as Telemetry from "@halles/shared/clients/Telemetry"
import { Clock, Effect, Layer, Option, type Redacted, Schema } from "effect"
import { HttpRouter, HttpServerRequest, HttpServerResponse } from "effect/http"
import { join } from "node:path"
import sharp from "sharp"
import { BlobStore } from "./BlobStore.ts"
import { Intake } from "./Intake.ts"
import { MediaConfig } from "./MediaConfig.ts"
import { Pictures } from "./Pictures.ts"
import type { S3Options } from "./S3BlobStore.ts"
import { Scanner } from "./Scanner.ts"
import * as Uploads from "./Uploads.ts"
import * as Serving from "./Serving.ts"

const isRegion = Schema.is(Region)

/** Pictures share the cores: one is made by one thread, and libvips keeps nothing of them. */
const boundThreads = Layer.effectDiscard(
  Effect.sync(() => {
    sharp.concurrency(1)
    sharp.cache(false)
  })
)

/** A route for the other processes of the deployment, which show a pass for it. */
const own = <E, R>(
  key: Redacted.Redacted,
  method: "POST" | "DELETE",
  purpose: string,
  answer: (
    request: HttpServerRequest.HttpServerRequest,
    parameter: string
  ) => Effect.Effect<HttpServerResponse.HttpServerResponse, E, R>
) =>
  HttpRouter.add(
    method,
    `/${purpose}/:parameter`,
    Effect.gen(function* () {
      const request = yield* HttpServerRequest.HttpServerRequest
      const pass = /^Bearer (.+)$/.exec(request.headers["authorization"] ?? "")?.[1] ?? ""
      if (!isPass(key, purpose, pass, yield* Clock.currentTimeMillis)) return HttpServerResponse.empty({ status: 401 })
      const { parameter = "" } = yield* HttpRouter.params
      return yield* answer(request, parameter)
    })
  )

/** A body, answered with what it was found to be. */
const intakeRoute = (key: Redacted.Redacted) =>
  own(key, "POST", intake, (request, region) =>
    Effect.gen(function* () {
      if (!isRegion(region)) return HttpServerResponse.empty({ status: 404 })
      const { stream } = yield* Intake
      return yield* stream(region, request.stream, plainBytesMax).pipe(
        Effect.map((kept) => HttpServerResponse.jsonUnsafe({ kept })),
        Effect.catchTag("NotKept", ({ reason }) => Effect.succeed(HttpServerResponse.jsonUnsafe({ refused: reason })))
      )
    })
  )

/** What was put within this time may be about to be declared. */
const youngMs = 60_000

/** Content that nothing shows any more, and all that was made of it. */
const dropRoute = (key: Redacted.Redacted) =>
  own(key, "DELETE", contents, (_, name) =>
    Effect.gen(function* () {
      if (contentTypeOf(name) === undefined) return HttpServerResponse.empty({ status: 404 })
      const blobs = yield* BlobStore
      const found = yield* blobs.find(name)
      const isYoung = found !== null && (yield* Clock.currentTimeMillis) - found.storedAtMs < youngMs
      if (isYoung) return HttpServerResponse.empty({ status: 409 })
      yield* blobs.remove(name)
      yield* (yield* Pictures).forget(name)
      return HttpServerResponse.empty({ status: 204 })
    }).pipe(
      Effect.catchTag("StoreUnavailable", (error) =>
        Effect.as(Effect.logWarning("Content could not be removed", error), HttpServerResponse.empty({ status: 503 }))
      )
    )
  )

const isId = Schema.is(MediaId)

/** Room for what comes in pieces, and what became of it. */
const uploadRoutes = (key: Redacted.Redacted) =>
  Layer.mergeAll(
    Uploads.layer(key),
    own(key, "POST", uploads, (request, id) =>
      Effect.gen(function* () {
        const bytes = Number(request.headers["upload-length"])
        if (!isId(id) || !Number.isSafeInteger(bytes)) return HttpServerResponse.empty({ status: 404 })
        yield* (yield* Uploads.Uploads).open(id, bytes)
        return HttpServerResponse.empty({ status: 204 })
      })
    ),
    own(key, "POST", arrivals, (_, id) =>
      Effect.gen(function* () {
        const taken = isId(id) ? yield* (yield* Uploads.Uploads).taken(id) : null
        return taken === null ? HttpServerResponse.empty({ status: 404 }) : HttpServerResponse.jsonUnsafe(taken)
      })
    )
  )

/** All routes of the process; what they need stays open, so that tests may serve them over stores of their own. */
export const routes = (key: Redacted.Redacted) =>
  Layer.mergeAll(
    HttpRouter.add("GET", "/", HttpServerResponse.jsonUnsafe({ name: "Halles media", health: "/health/ready" })),
    HttpRouter.add("GET", "/health/ready", HttpServerResponse.jsonUnsafe({ ready: true })),
    intakeRoute(key),
    dropRoute(key),
    uploadRoutes(key),
    Serving.layer(key)
  )

/** Its client is loaded where it is used. */
const s3Store = (options: S3Options) =>
  Layer.unwrap(
    Effect.map(
      Effect.promise(() => import("./S3BlobStore.ts")),
      ({ layer }) => layer(options)
    )
  )

/** Bodies are long, and pictures too; whoever stalls is cut all the same. */
const bounds = { requestMs: 600_000, bodyMs: 600_000 } as const

export const MediaLive = Layer.unwrap(
  Effect.map(MediaConfig, ({ clamd, directory, host, key, madeBytesMax, metrics, port, s3, unscanned }) =>
    Layer.mergeAll(
      HttpRouter.serve(routes(key), { disableLogger: true }).pipe(
        Layer.provide(HttpListener.layer({ host, port, bounds }))
      ),
      MetricsListener.layer(metrics),
      boundThreads
    ).pipe(
      Layer.provide([
        Uploads.Uploads.layer(join(directory, "uploads")),
        Pictures.layer({ directory: join(directory, "made"), bytesMax: madeBytesMax })
      ]),
      Layer.provide(Intake.layer({ directory: join(directory, "spool"), keepsUnscanned: unscanned === "keep" })),
      Layer.provide([
        Option.match(s3, {
          onNone: () => BlobStore.layerFiles(join(directory, "originals")),
          onSome: ({ endpoint, ...bucket }) => s3Store({ ...bucket, endpoint: Option.getOrUndefined(endpoint) })
        }),
        Option.match(clamd, { onNone: () => Scanner.layerNone, onSome: Scanner.layerClamd })
      ]),
      Layer.provide(Telemetry.layer("media"))
    )
  )
)
