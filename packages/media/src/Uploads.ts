import { FileStore } from "@tus/file-store"
import { ERRORS, Server, Upload } from "@tus/server"
import { bytesMax } from "@halles/entities/media/MediaContent"
import { isPass, type Outcome, uploadOf, uploads } from "@halles/entities/media/MediaProcess"
import { declaredMaxMs } from "@halles/entities/media/MediaState"
import { regionOf } from "@halles/shared/Region"
import { Clock, Context, Effect, Layer, type Redacted, Result, Schedule, Semaphore } from "effect"
import { HttpRouter, HttpServerRequest, HttpServerResponse } from "effect/http"
import { link, mkdir, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { Intake } from "./Intake.ts"
import * as OncePerKey from "./OncePerKey.ts"

const sweepEvery = "1 hour"
/** Files that are examined at a time; others wait. */
const takersMax = 2

/** Uploads in pieces, by the tus protocol: pieces lie on the disk, and `Intake` examines the file when the last one has come. */
export class Uploads extends Context.Service<
  Uploads,
  {
    /** Begins an upload of so many bytes; beginning it twice is harmless. */
    readonly open: (id: string, bytes: number) => Effect.Effect<void>
    /** The outcome, once the last piece has come; `null` before that, and for an upload that was never opened. */
    readonly outcomeOf: (id: string) => Effect.Effect<Outcome | null>
    /** Answers a request of a client of the protocol. */
    readonly answer: (request: Request) => Effect.Effect<Response>
  }
>()("@halles/media/Uploads") {
  static readonly layer = (directory: string) => Layer.effect(Uploads, make(directory))
}

const make = Effect.fnUntraced(function* (directory: string) {
  const intake = yield* Intake
  const takers = yield* Semaphore.make(takersMax)
  /** A large file is examined for longer than a request lasts. */
  const taking = yield* OncePerKey.make<Outcome, never>()
  yield* Effect.promise(() => mkdir(directory, { recursive: true, mode: 0o700 }))
  const datastore = new FileStore({ directory, expirationPeriodInMilliseconds: declaredMaxMs })
  const server = new Server({ path: `/${uploads}`, datastore, maxSize: bytesMax })
  const outcomeFile = (id: string) => join(directory, `${id}.taken`)
  const find = (id: string) =>
    Effect.promise(() =>
      datastore.getUpload(id).catch((cause) => (cause === ERRORS.FILE_NOT_FOUND ? null : Promise.reject(cause)))
    )
  const known = (id: string) =>
    Effect.promise(() =>
      readFile(outcomeFile(id), "utf8").then(
        (text) => JSON.parse(text) as Outcome,
        () => null
      )
    )

  /** Examines a file. The pieces stay until the outcome is on the disk: after a crash in between they are examined again. */
  const take = (id: string) =>
    Effect.scoped(
      Effect.gen(function* () {
        const path = yield* intake.spool
        yield* Effect.promise(() => link(join(directory, id), path))
        const kept = yield* Effect.result(intake.file(regionOf(id), path))
        const outcome: Outcome = Result.isSuccess(kept) ? { kept: kept.success } : { refused: kept.failure.reason }
        yield* Effect.promise(async () => {
          await writeFile(`${outcomeFile(id)}.part`, JSON.stringify(outcome))
          await rename(`${outcomeFile(id)}.part`, outcomeFile(id))
          await datastore.remove(id)
        })
        return outcome
      })
    )

  const sweep = Effect.promise(async () => {
    const oldest = Date.now() - declaredMaxMs - 3_600_000
    for (const name of await readdir(directory)) {
      const path = join(directory, name)
      const { mtimeMs } = await stat(path)
      if (mtimeMs < oldest) await rm(path, { force: true })
    }
  }).pipe(Effect.catchCause((cause) => Effect.logWarning("Old uploads could not be swept", cause)))
  yield* Effect.forkScoped(Effect.repeat(sweep, Schedule.spaced(sweepEvery)))

  return Uploads.of({
    open: Effect.fnUntraced(function* (id, bytes) {
      if ((yield* known(id)) !== null || (yield* find(id)) !== null) return
      const creation_date = new Date(yield* Clock.currentTimeMillis).toISOString()
      yield* Effect.promise(() => datastore.create(new Upload({ id, size: bytes, offset: 0, creation_date })))
    }),
    outcomeOf: Effect.fnUntraced(function* (id) {
      const outcome = yield* known(id)
      if (outcome !== null) return outcome
      const upload = yield* find(id)
      return upload === null || upload.offset !== upload.size
        ? null
        : yield* taking.run(id, takers.withPermit(take(id)))
    }),
    answer: (request) => Effect.promise(() => server.handleWeb(request))
  })
})

/** A route of `GET` answers `HEAD` too. */
const methods = ["GET", "PATCH", "DELETE", "OPTIONS"] as const

/** `/uploads/<pass>/<id>`: whoever has the address sends the pieces. Nobody reads them here: `GET` is refused. */
export const layer = (key: Redacted.Redacted) => {
  const handler = Effect.gen(function* () {
    const request = yield* HttpServerRequest.HttpServerRequest
    const { id = "", pass = "" } = yield* HttpRouter.params
    if (request.method === "GET") return HttpServerResponse.empty({ status: 404 })
    const mayPass = request.method === "OPTIONS" || isPass(key, uploadOf(id), pass, yield* Clock.currentTimeMillis)
    if (!mayPass) return HttpServerResponse.empty({ status: 404 })
    const { answer } = yield* Uploads
    return HttpServerResponse.fromWeb(yield* answer(yield* HttpServerRequest.toWeb(request)))
  })
  const [first, ...others] = methods.map((method) => HttpRouter.add(method, `/${uploads}/:pass/:id`, handler))
  return Layer.mergeAll(first!, ...others)
}
