import { Deferred, Effect, FileSystem, Latch, Path, Schema, type Scope, Stream } from "effect"
import type { PlatformError } from "effect/PlatformError"

/** Lines that wait for the disk; beyond it the partner answers 503. */
const pendingMax = 20_000

/** A whole line of the file is not an entry of ours: the partner does not start. */
export class LedgerCorrupt extends Schema.TaggedError<LedgerCorrupt>()("LedgerCorrupt", {
  path: Schema.String,
  line: Schema.Int,
  cause: Schema.Defect()
}) {}

/**
 * Append-only file of JSON lines. Many appends share one write and one fsync (group commit). When the disk fails,
 * nothing is acknowledged any more: `durable` dies from then on, and only a restart, which reads the file, helps.
 */
export interface LedgerFile<Entry> {
  /** Queues the entry in this very tick; `onDurable` is called once it is on disk. */
  readonly append: (entry: Entry, onDurable?: () => void) => void
  /** Waits until all that was appended before is on disk. */
  readonly durable: Effect.Effect<void>
  readonly isFull: () => boolean
  readonly isBroken: () => boolean
}

interface Batch {
  readonly lines: Array<string>
  readonly onDurable: Array<() => void>
  readonly done: Deferred.Deferred<void>
}
const makeBatch = (): Batch => ({ lines: [], onDurable: [], done: Deferred.makeUnsafe() })

const newline = 10

/** Hands every whole line to `replay` and returns how many bytes they take; a torn last line is not among them. */
const readLines = <Entry>(path: string, decode: (line: string) => Entry, replay: (entry: Entry) => void) =>
  Effect.gen(function* () {
    const fs = yield* FileSystem.FileSystem
    let torn: Buffer = Buffer.alloc(0)
    let bytes = 0
    let line = 0
    yield* Stream.runForEach(fs.stream(path), (chunk) =>
      Effect.try({
        try: () => {
          const buffer = Buffer.concat([torn, chunk])
          let from = 0
          for (let to = buffer.indexOf(newline); to >= 0; to = buffer.indexOf(newline, from)) {
            line += 1
            replay(decode(buffer.toString("utf8", from, to)))
            bytes += to + 1 - from
            from = to + 1
          }
          torn = buffer.subarray(from)
        },
        catch: (cause) => new LedgerCorrupt({ path, line, cause })
      })
    )
    return bytes
  })

/** Opens the file, cuts a torn last line off and replays the rest. One process at a time may hold the file. */
export const open = <Entry>(options: {
  readonly path: string
  readonly schema: Schema.ConstraintCodec<Entry, unknown>
  readonly replay: (entry: Entry) => void
}): Effect.Effect<LedgerFile<Entry>, PlatformError | LedgerCorrupt, FileSystem.FileSystem | Path.Path | Scope.Scope> =>
  Effect.gen(function* () {
    const fs = yield* FileSystem.FileSystem
    const path = yield* Path.Path
    const json = Schema.fromJsonString(options.schema)
    const encode = Schema.encodeSync(json)
    yield* fs.makeDirectory(path.dirname(options.path), { recursive: true })
    const file = yield* fs.open(options.path, { flag: "a", mode: 0o600 })
    const bytes = yield* readLines(options.path, Schema.decodeUnknownSync(json), options.replay)
    yield* fs.truncate(options.path, bytes)

    const wake = yield* Latch.make()
    let next = makeBatch()
    let writing: Batch | null = null
    let broken = false
    const flush = Effect.gen(function* () {
      yield* wake.await
      wake.closeUnsafe()
      const batch = next
      next = makeBatch()
      writing = batch
      yield* file.writeAll(Buffer.from(batch.lines.join("")))
      yield* file.sync
      writing = null
      for (const onDurable of batch.onDurable) onDurable()
      Deferred.doneUnsafe(batch.done, Effect.void)
    })
    const stop = Effect.fnUntraced(function* (cause: PlatformError) {
      broken = true
      yield* Effect.logFatal("The ledger file cannot be written; restart after the disk is repaired", cause)
      for (const batch of [writing, next]) if (batch !== null) Deferred.doneUnsafe(batch.done, Effect.die(cause))
    })
    yield* Effect.forkScoped(Effect.catch(Effect.forever(flush), stop))
    const durable = Effect.suspend(() => {
      if (broken || next.lines.length > 0) return Deferred.await(next.done)
      return writing === null ? Effect.void : Deferred.await(writing.done)
    })
    yield* Effect.addFinalizer(() => Effect.ignore(Effect.sandbox(durable)))
    return {
      append: (entry, onDurable) => {
        next.lines.push(`${encode(entry)}\n`)
        if (onDurable !== undefined) next.onDurable.push(onDurable)
        wake.openUnsafe()
      },
      durable,
      isFull: () => next.lines.length >= pendingMax,
      isBroken: () => broken
    }
  })
