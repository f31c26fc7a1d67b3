import * as HttpListener from "@halles/shared/listener/HttpListener"
import * as MetricsListener from "@halles/shared/listener/MetricsListener"
import * as Telemetry from "@halles/shared/clients/Telemetry"
import { Effect, Layer, Option } from "effect"
import { HttpRouter } from "effect/http"
import { join } from "node:path"
import sharp from "sharp"
import { BlobStore } from "./BlobStore.ts"
import { Intake } from "./Intake.ts"
import { MediaConfig } from "./MediaConfig.ts"
import { routes } from "./MediaRoutes.ts"
import { Pictures } from "./Pictures.ts"
import type { S3Options } from "./S3BlobStore.ts"
import { Scanner } from "./Scanner.ts"
import { Uploads } from "./Uploads.ts"

/** One thread a picture, so that pictures share the cores; `Pictures` is the cache, so libvips keeps none. */
const boundThreads = Layer.effectDiscard(
  Effect.sync(() => {
    sharp.concurrency(1)
    sharp.cache(false)
  })
)

/** Imported here, so that a deployment without a bucket does not load the client of S3. */
const s3Store = (options: S3Options) =>
  Layer.unwrap(
    Effect.map(
      Effect.promise(() => import("./S3BlobStore.ts")),
      ({ layer }) => layer(options)
    )
  )

/** Long enough for large files; a client that stalls is cut off all the same. */
const bounds = { requestMs: 600_000, bodyMs: 600_000 } as const

/** The process that keeps, examines and serves files. */
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
        Uploads.layer(join(directory, "uploads")),
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
