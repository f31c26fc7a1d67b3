import type { MediaType } from "@halles/entities/media/MediaContent"
import { pixelsMax } from "@halles/entities/media/MediaContent"
import { Effect } from "effect"
import sharp, { type Sharp } from "sharp"
import { NotKept, type Picture } from "./Inspect.ts"

/** A picture that takes longer to decode and encode is hostile, or the machine is far too busy. */
export const decodeSecondsMax = 30

/** Opens an uploaded picture: damage is an error, and bytes behind what its head announces are not read. */
const open = (path: string, animated: boolean): Sharp =>
  sharp(path, { animated, failOn: "error", limitInputPixels: pixelsMax, sequentialRead: true }).timeout({
    seconds: decodeSecondsMax
  })

/** High, since all other pictures are made of the original. */
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
 * Writes the picture anew from its pixels: upright, with its colour profile, and without anything else that was in the file, such as
 * where and with which camera it was taken, or a program behind the last pixel. Colours of a printer become those of a screen.
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
