import { contentName, type Content, kinds, type MediaType } from "@halles/entities/media/MediaContent"
import type { Region } from "@halles/shared/Region"
import { Context, Effect, Layer, Semaphore, type Scope, Stream } from "effect"
import { createHash, randomUUID } from "node:crypto"
import { createReadStream } from "node:fs"
import { type FileHandle, mkdir, open, readdir, rm } from "node:fs/promises"
import { join } from "node:path"
import { BlobStore } from "./BlobStore.ts"
import { inspect, type Inspected, NotKept } from "./Inspect.ts"
import * as Mp4Metadata from "./Mp4Metadata.ts"
import { normalise } from "./Normalise.ts"
import * as PdfMetadata from "./PdfMetadata.ts"
import { Scanner } from "./Scanner.ts"

/** Uploaded pictures that are decoded at a time; others wait with their bytes on the disk. */
const decodersMax = 2

const hashOf = (path: string): Effect.Effect<string> =>
  Effect.promise(async () => {
    const hash = createHash("sha256")
    for await (const piece of createReadStream(path)) hash.update(piece)
    return hash.digest("hex")
  })

const removing: { readonly [Type in MediaType]?: (file: FileHandle, size: number) => Promise<void> } = {
  "video/mp4": Mp4Metadata.removePersonal,
  "application/pdf": PdfMetadata.removePersonal
}
/** Overwrites, in place, what a video or a document says of the people who made it. */
const unpersonal = (path: string, { bytes, type }: Inspected): Effect.Effect<void> =>
  Effect.acquireUseRelease(
    Effect.promise(() => open(path, "r+")),
    (file) => Effect.promise(async () => removing[type]?.(file, bytes)),
    (file) => Effect.promise(() => file.close())
  )

/** Takes a file that a client sends: writes it to the disk, examines and scans it, and puts it into the store or refuses it. */
export class Intake extends Context.Service<
  Intake,
  {
    /** The path of a temporary file, which is removed with the scope. */
    readonly spool: Effect.Effect<string, never, Scope.Scope>
    /** Takes a complete file; it may be moved into the store. */
    readonly file: (region: Region, path: string) => Effect.Effect<Content, NotKept>
    readonly stream: <E>(
      region: Region,
      body: Stream.Stream<Uint8Array, E>,
      bytesMax: number
    ) => Effect.Effect<Content, NotKept | E>
  }
>()("@halles/media/Intake") {
  static readonly layer = (options: {
    readonly directory: string
    /** Keeps a file also when the scanner cannot scan it. */
    readonly keepsUnscanned: boolean
  }) => Layer.effect(Intake, make(options))
}

const make = Effect.fnUntraced(function* ({
  directory,
  keepsUnscanned
}: {
  readonly directory: string
  readonly keepsUnscanned: boolean
}) {
  const blobs = yield* BlobStore
  const scanner = yield* Scanner
  const decoders = yield* Semaphore.make(decodersMax)
  yield* Effect.promise(() => mkdir(directory, { recursive: true, mode: 0o700 }))
  // Temporary files of a process that was killed.
  const left = yield* Effect.promise(() => readdir(directory))
  yield* Effect.forEach(left, (name) => Effect.promise(() => rm(join(directory, name), { force: true })))

  const spool = Effect.acquireRelease(
    Effect.sync(() => join(directory, randomUUID())),
    (path) => Effect.promise(() => rm(path, { force: true }))
  )

  const contentOf = (path: string, found: Inspected) =>
    Effect.gen(function* () {
      if (found.picture === null) {
        yield* decoders.withPermit(unpersonal(path, found))
        const hash = yield* hashOf(path)
        return { path, content: { hash, type: found.type, bytes: found.bytes, width: null, height: null, frames: 1 } }
      }
      const made = yield* spool
      const { type } = found
      const {
        height,
        pageHeight = height,
        size,
        width
      } = yield* decoders.withPermit(normalise(path, made, type, found.picture))
      if (size > kinds[type].bytesMax) return yield* new NotKept({ reason: "bytes" })
      const hash = yield* hashOf(made)
      const { frames } = found.picture
      return { path: made, content: { hash, type, bytes: size, width, height: pageHeight, frames } }
    })

  const scanned = (path: string) =>
    Effect.gen(function* () {
      const verdict = yield* scanner.scan(path).pipe(
        Effect.tapError((error) => Effect.logWarning("A file could not be scanned", error)),
        Effect.catchTag("ScannerAway", () =>
          Effect.succeed(keepsUnscanned ? ("clean" as const) : ("unscanned" as const))
        )
      )
      if (verdict !== "clean") return yield* new NotKept({ reason: verdict })
    })

  const file = Effect.fn("Intake.file")((region: Region, sent: string) =>
    Effect.scoped(
      Effect.gen(function* () {
        const found = yield* inspect(sent)
        yield* scanned(sent)
        const { content, path } = yield* contentOf(sent, found)
        // No fault of the sender's: it is answered as a defect, not as a refusal.
        yield* Effect.orDie(blobs.put(contentName(region, content), path))
        return content satisfies Content
      })
    )
  )

  return Intake.of({
    spool,
    file,
    stream: (region, body, bytesMax) =>
      Effect.scoped(
        Effect.gen(function* () {
          const path = yield* spool
          yield* written(path, body, bytesMax)
          return yield* file(region, path)
        })
      )
  })
})

const written = <E>(
  path: string,
  body: Stream.Stream<Uint8Array, E>,
  bytesMax: number
): Effect.Effect<void, NotKept | E> =>
  Effect.scoped(
    Effect.gen(function* () {
      const handle = yield* Effect.acquireRelease(
        Effect.promise(() => open(path, "wx", 0o600)),
        (handle) => Effect.promise(() => handle.close())
      )
      let bytes = 0
      yield* Stream.runForEach(body, (piece) => {
        bytes += piece.length
        return bytes > bytesMax
          ? Effect.fail(new NotKept({ reason: "bytes" }))
          : Effect.promise(() => handle.appendFile(piece))
      })
    })
  )
