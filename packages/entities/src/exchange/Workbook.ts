import { Data, Effect, Stream } from "effect"
import { Worker } from "node:worker_threads"
import type { CsvRecord } from "./CsvReader.ts"
import { Unreadable } from "./Unreadable.ts"

export const contentType = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

/** Bytes of a workbook as it comes, and of all that is packed in it. */
export const packedMax = 16 * 1_024 * 1_024
export const unpackedMax = 256 * 1_024 * 1_024
/** Columns that Excel shows. */
export const columnsMax = 16_384
/** Rows of a workbook that is written. */
export const rowsMax = 100_000
/** Memory of the thread, in megabytes; one that needs more is ended, and its file is too large. */
export const heapMax = 768
const deadline = "1 minute"

export type Cells = ReadonlyArray<string | number>
/** What the thread is asked for. */
export type Task =
  | { readonly _tag: "Read"; readonly bytes: Uint8Array }
  | { readonly _tag: "Write"; readonly rows: ReadonlyArray<Cells> }
export type Done =
  | { readonly _tag: "Rows"; readonly rows: ReadonlyArray<ReadonlyArray<string>> }
  | { readonly _tag: "Written"; readonly bytes: Uint8Array }
  | { readonly _tag: "TooLarge" | "Unreadable" }

/** The thread ended without an answer: mostly since it had not enough memory, or time. */
export class Unfinished extends Data.TaggedError("Unfinished")<{ readonly cause: unknown }> {}

/** In a thread of its own, since it takes seconds: the process goes on serving meanwhile. */
const ask = (task: Task): Effect.Effect<Done, Unfinished> =>
  Effect.callback<Done, Unfinished>((resume) => {
    const worker = new Worker(new URL("./workbookWorker.ts", import.meta.url), {
      workerData: task,
      execArgv: [],
      resourceLimits: { maxOldGenerationSizeMb: heapMax }
    })
    const failed = (cause: unknown) => resume(Effect.fail(new Unfinished({ cause })))
    worker.once("message", (done: Done) => resume(Effect.succeed(done)))
    worker.once("error", failed)
    worker.once("exit", failed)
    return Effect.promise(() => worker.terminate())
  }).pipe(
    Effect.timeoutOrElse({ duration: deadline, orElse: () => Effect.fail(new Unfinished({ cause: "deadline" })) })
  )

const unreadable = new Unreadable({
  code: "invalid_workbook",
  row: 0,
  detail: "The file is no workbook (XLSX) that can be read"
})
const tooLarge = new Unreadable({
  code: "file_too_large",
  row: 0,
  detail: `A workbook has at most ${packedMax / 1_024 / 1_024} MiB, and ${unpackedMax / 1_024 / 1_024} MiB when it is unpacked: save it as CSV, or send it in parts. Nothing of it was imported.`
})

/** The rows of the first sheet; rows without anything are left out. */
export const recordsOf = <E>(body: Stream.Stream<Uint8Array, E>): Stream.Stream<CsvRecord, E | Unreadable> =>
  Stream.unwrap(
    Effect.gen(function* () {
      const pieces: Array<Uint8Array> = []
      let length = 0
      yield* Stream.runForEach(body, (piece) => {
        length += piece.length
        if (length > packedMax) return Effect.fail(tooLarge)
        pieces.push(piece)
        return Effect.void
      })
      const done = yield* Effect.catchTag(ask({ _tag: "Read", bytes: Buffer.concat(pieces) }), "Unfinished", () =>
        Effect.succeed<Done>({ _tag: "TooLarge" })
      )
      if (done._tag === "Rows")
        return Stream.fromIterable(
          done.rows
            .filter((cells) => cells.some((cell) => cell !== ""))
            .map((cells) => ({ _tag: "Cells", cells }) as const)
        )
      return yield* Effect.fail(done._tag === "TooLarge" ? tooLarge : unreadable)
    })
  )

/** A workbook of one sheet. */
export const written = (rows: ReadonlyArray<Cells>): Effect.Effect<Uint8Array, Unfinished> =>
  Effect.flatMap(ask({ _tag: "Write", rows }), (done) =>
    done._tag === "Written" ? Effect.succeed(done.bytes) : Effect.fail(new Unfinished({ cause: done._tag }))
  )
