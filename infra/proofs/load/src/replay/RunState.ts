import { Effect, FileSystem, Path, Schema } from "effect"
import { createHash, randomBytes } from "node:crypto"
import { join } from "node:path"
import { OtherRun } from "./LoadErrors.ts"

/** Names one replay: every key that it sends derives from this and from the invoice, so a repeated run writes nothing twice. */
export const RunId = Schema.String.check(Schema.isPattern(/^[A-Za-z0-9-]{1,20}$/))

export const random = Effect.sync(() => randomBytes(5).toString("hex"))

const OnHand = Schema.Record(Schema.String, Schema.Struct({ onHand: Schema.Int, shipped: Schema.Int }))
export type OnHand = typeof OnHand.Type

/** What a run must remember to be resumed: of what file it is, and the stock that was there before its import. */
const State = Schema.Struct({ source: Schema.String, before: OnHand })
const StateJson = Schema.fromJsonString(State)

/** In the checkout's own folder for what is not committed. */
const directory = join(import.meta.dirname, "../../../../../.halles/replay")

/** The content of the file and the options that change the plan. */
export const source = (sha256: string, limit: number): string =>
  createHash("sha256").update(`${sha256} ${limit}`).digest("hex").slice(0, 16)

/** The stock before the run: as remembered if the run is resumed, else read now and remembered. */
export const before = Effect.fn("RunState.before")(function* <E, R>(
  run: string,
  ofSource: string,
  read: Effect.Effect<OnHand, E, R>
) {
  const fs = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const file = path.join(directory, `${run}.json`)
  if (yield* fs.exists(file)) {
    const state = yield* Schema.decodeUnknownEffect(StateJson)(yield* fs.readFileString(file))
    if (state.source !== ofSource) return yield* new OtherRun({ run, file })
    return state.before
  }
  const stock = yield* read
  yield* fs.makeDirectory(directory, { recursive: true })
  yield* fs.writeFileString(`${file}.new`, yield* Schema.encodeEffect(StateJson)({ source: ofSource, before: stock }))
  yield* fs.rename(`${file}.new`, file)
  return stock
})
