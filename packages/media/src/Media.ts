import { plainBytesMax, intake, isPass } from "@halles/entities/media/MediaIntake"
import * as HttpListener from "@halles/shared/listener/HttpListener"
import * as MetricsListener from "@halles/shared/listener/MetricsListener"
import * as Telemetry from "@halles/shared/clients/Telemetry"
import { Clock, Effect, Layer, type Redacted } from "effect"
import { HttpRouter, HttpServerRequest, HttpServerResponse } from "effect/http"
import { join } from "node:path"
import sharp from "sharp"
import { BlobStore } from "./BlobStore.ts"
import { Intake } from "./Intake.ts"
import { MediaConfig } from "./MediaConfig.ts"
import { Pictures } from "./Pictures.ts"
import * as Serving from "./Serving.ts"

/** Pictures share the cores: one is made by one thread, and libvips keeps nothing of them. */
const boundThreads = Layer.effectDiscard(
  Effect.sync(() => {
    sharp.concurrency(1)
    sharp.cache(false)
  })
)

/** What the edge hands over: a body, answered with what it was found to be. */
const intakeRoute = (key: Redacted.Redacted) =>
  HttpRouter.add(
    "POST",
    `/${intake}`,
    Effect.gen(function* () {
      const request = yield* HttpServerRequest.HttpServerRequest
      const pass = /^Bearer (.+)$/.exec(request.headers["authorization"] ?? "")?.[1] ?? ""
      if (!isPass(key, intake, pass, yield* Clock.currentTimeMillis)) return HttpServerResponse.empty({ status: 401 })
      const { stream } = yield* Intake
      return yield* stream(request.stream, plainBytesMax).pipe(
        Effect.map((kept) => HttpServerResponse.jsonUnsafe({ kept })),
        Effect.catchTag("NotKept", ({ reason }) => Effect.succeed(HttpServerResponse.jsonUnsafe({ refused: reason })))
      )
    })
  )

/** All routes of the process; what they need stays open, so that tests may serve them over stores of their own. */
export const routes = (key: Redacted.Redacted) =>
  Layer.mergeAll(
    HttpRouter.add("GET", "/", HttpServerResponse.jsonUnsafe({ name: "Halles media", health: "/health/ready" })),
    HttpRouter.add("GET", "/health/ready", HttpServerResponse.jsonUnsafe({ ready: true })),
    intakeRoute(key),
    Serving.layer(key)
  )

/** Bodies are long, and pictures too; whoever stalls is cut all the same. */
const bounds = { requestMs: 600_000, bodyMs: 600_000 } as const

export const MediaLive = Layer.unwrap(
  Effect.map(MediaConfig, ({ directory, host, key, madeBytesMax, metrics, port }) =>
    Layer.mergeAll(
      HttpRouter.serve(routes(key), { disableLogger: true }).pipe(
        Layer.provide(HttpListener.layer({ host, port, bounds }))
      ),
      MetricsListener.layer(metrics),
      boundThreads
    ).pipe(
      Layer.provide([
        Intake.layer(join(directory, "spool")),
        Pictures.layer({ directory: join(directory, "made"), bytesMax: madeBytesMax })
      ]),
      Layer.provide(BlobStore.layerFiles(join(directory, "originals"))),
      Layer.provide(Telemetry.layer("media"))
    )
  )
)
