import type { MediaType } from "@halles/entities/media/MediaContent"
import { pixelsMax } from "@halles/entities/media/MediaContent"
import { Effect } from "effect"
import sharp, { type Sharp } from "sharp"
import { NotKept, type Picture } from "./Inspect.ts"

/** A picture that takes longer to decode and encode is hostile, or the machine far too busy. */
export const decodeSecondsMax = 30

/** How every picture is opened: damage is an error, and what is longer than its head says is not read. */
export const open = (path: string, animated: boolean): Sharp =>
  sharp(path, { animated, failOn: "error", limitInputPixels: pixelsMax, sequentialRead: true }).timeout({
    seconds: decodeSecondsMax
  })

/** Close to what was sent: it is the original from which everything else is made. */
const qualityOfOriginals = 92

const encoded = (pipeline: Sharp, type: MediaType, picture: Picture): Sharp => {
  switch (type) {
    case "image/jpeg":
      return pipeline.jpeg({
        quality: qualityOfOriginals,
        chromaSubsampling: picture.isFullChroma ? "4:4:4" : "4:2:0"
      })
    case "image/png":
      return pipeline.png()
    case "image/webp":
      return pipeline.webp({ quality: qualityOfOriginals })
    case "image/gif":
      return pipeline.gif()
    case "image/avif":
      return pipeline.avif({ quality: qualityOfOriginals, effort: 2 })
    case "video/mp4":
    case "video/webm":
    case "application/pdf":
      throw new Error(`${type} is no picture`)
  }
}

/**
 * The picture once more, as only its pixels say: upright, with its colour profile, and without anything else that was in the file,
 * such as where and with which camera it was taken, or a program that stood behind its last pixel. Colours of a printer become those of screens.
 */
export const normalise = Effect.fn("Normalise.normalise")(function* (
  path: string,
  to: string,
  type: MediaType,
  picture: Picture
) {
  const upright = open(path, picture.frames > 1).autoOrient()
  const coloured = picture.isCmyk ? upright.toColourspace("srgb") : upright.keepIccProfile()
  return yield* Effect.tryPromise({
    try: () => encoded(coloured, type, picture).toFile(to),
    catch: () => new NotKept({ reason: "broken" })
  })
})
