import { Context, Data, Effect, Layer, Stream } from "effect"
import { createReadStream } from "node:fs"
import { copyFile, mkdir, rename, rm, stat } from "node:fs/promises"
import { dirname, join } from "node:path"
import { Readable } from "node:stream"

/** The store does not answer, or has no room. */
export class StoreUnavailable extends Data.TaggedError("StoreUnavailable")<{ readonly cause: unknown }> {}

/** What the store knows of content that it has. */
export interface Blob {
  readonly bytes: number
  /** When the content was put last, in Unix milliseconds. */
  readonly storedAtMs: number
}

/** First and last byte, both included. */
export interface ByteRange {
  readonly start: number
  readonly end: number
}

/** Keeps content under the name that follows from it (`contentName`): the same content is stored once, and never changes. */
export class BlobStore extends Context.Service<
  BlobStore,
  {
    /** Moves a file into the store under the name, or fails and changes nothing. */
    readonly put: (name: string, path: string) => Effect.Effect<void, StoreUnavailable>
    /** `null` if the store has no content of that name. */
    readonly find: (name: string) => Effect.Effect<Blob | null, StoreUnavailable>
    readonly read: (name: string, range?: ByteRange) => Stream.Stream<Uint8Array, StoreUnavailable>
    /** Harmless if the store has no content of that name. */
    readonly remove: (name: string) => Effect.Effect<void, StoreUnavailable>
  }
>()("@halles/media/BlobStore") {
  /** Files below a directory, in 256 folders for each region. */
  static readonly layerFiles = (directory: string) => Layer.sync(BlobStore, () => files(directory))
}

const unavailable = (cause: unknown) => new StoreUnavailable({ cause })
const attempt = <A>(run: () => Promise<A>) => Effect.tryPromise({ try: run, catch: unavailable })
const isMissing = (cause: unknown): boolean => (cause as NodeJS.ErrnoException).code === "ENOENT"
const orNull = <A>(cause: unknown): Promise<A | null> =>
  isMissing(cause) ? Promise.resolve(null) : Promise.reject(cause)

/** Bytes of a file, or of a part of it. */
const bytesOf = (path: string, range?: ByteRange): Stream.Stream<Uint8Array, StoreUnavailable> =>
  Stream.fromReadableStream({
    evaluate: () => Readable.toWeb(createReadStream(path, range)) as ReadableStream<Uint8Array>,
    onError: unavailable
  })

/** Moves a file, also to another disk; whoever reads meanwhile sees all of it or nothing. */
const moveInto = async (from: string, to: string): Promise<void> => {
  await mkdir(dirname(to), { recursive: true })
  await rename(from, to).catch(async (cause: NodeJS.ErrnoException) => {
    if (cause.code !== "EXDEV") throw cause
    const beside = `${to}.${process.pid}.part`
    await copyFile(from, beside)
    await rename(beside, to)
    await rm(from, { force: true })
  })
}

const files = (directory: string): BlobStore["Service"] => {
  const pathOf = (name: string) => join(directory, name.slice(0, 2), name.slice(3, 5), name)
  return BlobStore.of({
    put: (name, path) => attempt(() => moveInto(path, pathOf(name))),
    find: (name) =>
      attempt(() =>
        stat(pathOf(name)).then(
          ({ mtimeMs, size }) => ({ bytes: size, storedAtMs: mtimeMs }),
          (cause) => orNull<Blob>(cause)
        )
      ),
    read: (name, range) => bytesOf(pathOf(name), range),
    remove: (name) => attempt(() => rm(pathOf(name), { force: true }))
  })
}
