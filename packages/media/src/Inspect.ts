import {
  framesMax,
  isPicture,
  kinds,
  MediaType,
  pixelsMax,
  sideMax,
  type Unfit
} from "@halles/entities/media/MediaContent"
import { Data, Effect, Option, Schema } from "effect"
import { fileTypeFromFile } from "file-type"
import { stat } from "node:fs/promises"
import sharp from "sharp"
import { isWhole } from "./Whole.ts"

/** The file is refused, and why. */
export class NotKept extends Data.TaggedError("NotKept")<{ readonly reason: Unfit }> {}

/** A file as its bytes say; `picture` is `null` for a video or a document. */
export interface Inspected {
  readonly type: MediaType
  readonly bytes: number
  readonly picture: Picture | null
}

export interface Picture {
  /** As stored, before it is turned upright. */
  readonly width: number
  readonly height: number
  readonly frames: number
  /** Its colours are those of a printer: cyan, magenta, yellow, black. */
  readonly isCmyk: boolean
  readonly isFullChroma: boolean
}

const refuse = (reason: Unfit) => Effect.fail(new NotKept({ reason }))
const knownType = Schema.decodeUnknownOption(MediaType)

/** Animated PNG is kept as PNG: its first frame is one. */
const namedBy = (mime: string | undefined) => (mime === "image/apng" ? "image/png" : mime)

/** Reads the head of the picture: no pixel is decoded. */
const pictureOf = (path: string): Effect.Effect<Picture, NotKept> =>
  Effect.gen(function* () {
    const found = yield* Effect.tryPromise({
      try: () => sharp(path, { limitInputPixels: false, animated: true }).metadata(),
      catch: () => new NotKept({ reason: "broken" })
    })
    const frames = found.pages ?? 1
    const height = found.pageHeight ?? found.height
    const { width } = found
    if (width > sideMax || height > sideMax || width * height * frames > pixelsMax) return yield* refuse("pixels")
    if (frames > framesMax) return yield* refuse("frames")
    return { width, height, frames, isCmyk: found.space === "cmyk", isFullChroma: found.chromaSubsampling === "4:4:4" }
  })

/** Finds what a file is by its bytes, and refuses one that is too large before anything of it is decoded. */
export const inspect = Effect.fn("Inspect.inspect")(function* (path: string) {
  const { size: bytes } = yield* Effect.promise(() => stat(path))
  if (bytes === 0) return yield* refuse("empty")
  const found = yield* Effect.tryPromise({
    try: () => fileTypeFromFile(path),
    catch: () => new NotKept({ reason: "type" })
  })
  const type = Option.getOrUndefined(knownType(namedBy(found?.mime)))
  if (type === undefined) return yield* refuse("type")
  if (bytes > kinds[type].bytesMax) return yield* refuse("bytes")
  if (isPicture(type)) return { type, bytes, picture: yield* pictureOf(path) } satisfies Inspected
  if (!(yield* isWhole(path, type, bytes))) return yield* refuse("broken")
  return { type, bytes, picture: null } satisfies Inspected
})
