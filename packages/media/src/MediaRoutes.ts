import { MediaId } from "@halles/entities/media/Media"
import { contentTypeOf } from "@halles/entities/media/MediaContent"
import { arrivals, contents, intake, isPass, plainBytesMax, uploads } from "@halles/entities/media/MediaProcess"
import { Region } from "@halles/shared/Region"
import { Clock, Effect, Layer, type Redacted, Schema } from "effect"
import { HttpRouter, HttpServerRequest, HttpServerResponse } from "effect/http"
import { BlobStore } from "./BlobStore.ts"
import { Intake } from "./Intake.ts"
import { Pictures } from "./Pictures.ts"
import * as Uploads from "./Uploads.ts"
import * as Serving from "./Serving.ts"

const isRegion = Schema.is(Region)
const isId = Schema.is(MediaId)

/** A route for edge and runners: it takes only requests with a pass for its purpose. */
const passRoute = <E, R>(
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

/** A plain upload that the edge passes on; answered with its outcome. */
const intakeRoute = (key: Redacted.Redacted) =>
  passRoute(key, "POST", intake, (request, region) =>
    Effect.gen(function* () {
      if (!isRegion(region)) return HttpServerResponse.empty({ status: 404 })
      const { stream } = yield* Intake
      return yield* stream(region, request.stream, plainBytesMax).pipe(
        Effect.map((kept) => HttpServerResponse.jsonUnsafe({ kept })),
        Effect.catchTag("NotKept", ({ reason }) => Effect.succeed(HttpServerResponse.jsonUnsafe({ refused: reason })))
      )
    })
  )

/** Content stored within this time may belong to an upload that the edge is about to declare: it is not dropped. */
const youngMs = 60_000

/** Drops content that no entity of its region has any more, with all pictures made of it. */
const dropRoute = (key: Redacted.Redacted) =>
  passRoute(key, "DELETE", contents, (_, name) =>
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

/** Uploads in pieces: the edge begins one, a client sends the pieces, a runner asks for the outcome. */
const uploadRoutes = (key: Redacted.Redacted) =>
  Layer.mergeAll(
    Uploads.layer(key),
    passRoute(key, "POST", uploads, (request, id) =>
      Effect.gen(function* () {
        const bytes = Number(request.headers["upload-length"])
        if (!isId(id) || !Number.isSafeInteger(bytes)) return HttpServerResponse.empty({ status: 404 })
        yield* (yield* Uploads.Uploads).open(id, bytes)
        return HttpServerResponse.empty({ status: 204 })
      })
    ),
    passRoute(key, "POST", arrivals, (_, id) =>
      Effect.gen(function* () {
        const outcome = isId(id) ? yield* (yield* Uploads.Uploads).outcomeOf(id) : null
        return outcome === null ? HttpServerResponse.empty({ status: 404 }) : HttpServerResponse.jsonUnsafe(outcome)
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
