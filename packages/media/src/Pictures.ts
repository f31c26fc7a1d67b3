import { textOf, type Transform } from "@halles/entities/media/MediaUrl"
import { Context, Data, Effect, Layer, Metric, Queue, Semaphore, Stream } from "effect"
import { LRUCache } from "lru-cache"
import { createHash } from "node:crypto"
import { mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from "node:fs/promises"
import { dirname, join } from "node:path"
import { BlobStore, type StoreUnavailable } from "./BlobStore.ts"
import * as OncePerKey from "./OncePerKey.ts"
import { type Format, transform, type Undecodable } from "./Transforming.ts"

/** Pictures that are made at a time, each by one thread. */
const makersMax = 2
/** Pictures that wait to be made; the next one is refused. */
const waitingMax = 128
/** Pictures that wait to be made in a smaller format; one more is not noted, until the next request for it. */
const laterMax = 256

/** `waitingMax` pictures wait already. */
export class TooManyWait extends Data.TaggedError("TooManyWait") {}
/** The store does not have the original any more. */
export class NoOriginal extends Data.TaggedError("NoOriginal") {}

export type CannotMake = TooManyWait | NoOriginal | StoreUnavailable | Undecodable

/** All that the bytes of a made picture depend on. */
export interface Recipe {
  readonly name: string
  readonly transform: Transform
  readonly format: Format
  readonly isSaving: boolean
}

export interface Made {
  readonly bytes: Uint8Array
  readonly etag: string
}

const made = Metric.counter("halles_media_pictures_made_total", {
  description: "Pictures that were made of others, by format.",
  incremental: true
})
const held = Metric.gauge("halles_media_pictures_bytes", { description: "Bytes of made pictures on the disk." })

/** `<name>/<transform>.<format>`, below the directory and in memory. */
const keyOf = ({ format, isSaving, name, transform }: Recipe): string =>
  `${name}/${textOf(transform)}${isSaving ? ".saving" : ""}.${format}`

const madeOf = (bytes: Uint8Array): Made => ({
  bytes,
  etag: `"${createHash("sha256").update(bytes).digest("base64url").slice(0, 22)}"`
})

/**
 * Makes pictures of originals, each once for all who ask meanwhile, and keeps them on the disk up to a bound in bytes. Those that nobody
 * has asked for longest are removed first: they can be made again.
 */
export class Pictures extends Context.Service<
  Pictures,
  {
    readonly get: (recipe: Recipe) => Effect.Effect<Made, CannotMake>
    /** The picture if it is made already, else `null`. */
    readonly peek: (recipe: Recipe) => Effect.Effect<Made | null>
    /** Makes it when there is time; nobody waits for it. */
    readonly later: (recipe: Recipe) => Effect.Effect<void>
    /** Removes all pictures that were made of an original. */
    readonly forget: (name: string) => Effect.Effect<void>
  }
>()("@halles/media/Pictures") {
  static readonly layer = (options: { readonly directory: string; readonly bytesMax: number }) =>
    Layer.effect(Pictures, make(options))
}

const make = Effect.fnUntraced(function* (options: { readonly directory: string; readonly bytesMax: number }) {
  const { bytesMax, directory } = options
  const blobs = yield* BlobStore
  const makers = yield* Semaphore.make(makersMax)
  const pathOf = (key: string) => join(directory, key.slice(3, 5), key)
  const context = yield* Effect.context<never>()
  const making = yield* OncePerKey.make<Made, CannotMake>()

  /** By key, how many bytes lie on the disk. */
  const index = new LRUCache<string, number>({
    maxSize: bytesMax,
    sizeCalculation: (bytes) => Math.max(1, bytes),
    dispose: (_, key, reason) => {
      if (reason !== "set") void rm(pathOf(key), { force: true }).catch(() => undefined)
    }
  })
  const counted = () => held.updateUnsafe(index.calculatedSize, context)
  for (const { bytes, key } of yield* Effect.promise(() => found(directory))) index.set(key, bytes)
  counted()

  const read = (key: string): Effect.Effect<Made | null> =>
    Effect.promise(async () => {
      if (index.get(key) === undefined) return null
      try {
        const bytes = await readFile(pathOf(key))
        // So that a restart knows which were asked for last.
        void utimes(pathOf(key), new Date(), new Date()).catch(() => undefined)
        return madeOf(bytes)
      } catch {
        index.delete(key)
        return null
      }
    })

  /** Keys of pictures whose original was dropped while they were made. */
  const outdated = new Set<string>()
  const write = (key: string, bytes: Uint8Array): Effect.Effect<void> =>
    Effect.promise(async () => {
      const path = pathOf(key)
      try {
        await mkdir(dirname(path), { recursive: true })
        await writeFile(`${path}.part`, bytes)
        await rename(`${path}.part`, path)
        index.set(key, bytes.length)
        if (outdated.has(key)) index.delete(key)
        counted()
      } catch {
        // It is made again the next time.
        await rm(`${path}.part`, { force: true })
      }
    })

  const originalOf = Effect.fnUntraced(function* (name: string) {
    if ((yield* blobs.find(name)) === null) return yield* new NoOriginal()
    return Buffer.concat(yield* Stream.runCollect(blobs.read(name)))
  })

  const makeNow = (recipe: Recipe): Effect.Effect<Made, CannotMake> =>
    Effect.gen(function* () {
      const key = keyOf(recipe)
      const known = yield* read(key)
      if (known !== null) return known
      const bytes = yield* makers.withPermit(
        Effect.flatMap(originalOf(recipe.name), (original) =>
          transform(original, recipe.transform, recipe.format, recipe.isSaving)
        )
      )
      yield* Metric.update(Metric.withAttributes(made, { format: recipe.format }), 1)
      yield* write(key, bytes)
      return madeOf(bytes)
    })

  /** Joining what is being made adds nobody who waits; what is made already waits behind nothing. */
  const get = (recipe: Recipe): Effect.Effect<Made, CannotMake> =>
    Effect.gen(function* () {
      const key = keyOf(recipe)
      const known = yield* read(key)
      if (known !== null) return known
      if (making.underWay.size >= waitingMax && !making.underWay.has(key)) return yield* new TooManyWait()
      return yield* making.run(
        key,
        Effect.ensuring(
          makeNow(recipe),
          Effect.sync(() => outdated.delete(key))
        )
      )
    })

  const queue = yield* Queue.dropping<Recipe>(laterMax)
  const noted = new Set<string>()
  yield* Queue.take(queue).pipe(
    Effect.flatMap((recipe) =>
      Effect.andThen(
        Effect.ignore(get(recipe)),
        Effect.sync(() => noted.delete(keyOf(recipe)))
      )
    ),
    Effect.forever,
    Effect.forkScoped
  )

  return Pictures.of({
    get,
    peek: (recipe) => read(keyOf(recipe)),
    later: (recipe) =>
      Effect.suspend(() => {
        const key = keyOf(recipe)
        if (noted.has(key)) return Effect.void
        return Effect.map(Queue.offer(queue, recipe), (isNoted) => {
          if (isNoted) noted.add(key)
        })
      }),
    forget: (name) =>
      Effect.sync(() => {
        for (const key of index.keys()) if (key.startsWith(`${name}/`)) index.delete(key)
        for (const key of making.underWay.keys()) if (key.startsWith(`${name}/`)) outdated.add(key)
        counted()
      })
  })
})

/** The pictures on the disk, those first that nobody has asked for longest; unfinished files are removed. */
const found = async (directory: string): Promise<ReadonlyArray<{ readonly key: string; readonly bytes: number }>> => {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true }).catch(() => [])
  const files = entries.filter((entry) => entry.isFile())
  const all = await Promise.all(
    files.map(async (entry) => {
      const path = join(entry.parentPath, entry.name)
      if (path.endsWith(".part")) return rm(path, { force: true }).then(() => [])
      const { mtimeMs, size } = await stat(path)
      return [{ key: path.slice(directory.length + "/ab/".length), bytes: size, mtimeMs }]
    })
  )
  return all.flat().toSorted((a, b) => a.mtimeMs - b.mtimeMs)
}
