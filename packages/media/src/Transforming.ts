import type { Focus, Transform } from "@halles/entities/media/MediaUrl"
import { Data, Effect } from "effect"
import sharp, { type Sharp } from "sharp"
import { decodeSecondsMax } from "./Normalise.ts"
import { pixelsMax } from "@halles/entities/media/MediaContent"

/** The stored original cannot be decoded. */
export class Undecodable extends Data.TaggedError("Undecodable")<{ readonly cause: unknown }> {}

interface Size {
  readonly width: number
  readonly height: number
}
/** The picture is scaled to one size first, then cut to a part of it. */
export interface Plan {
  readonly scaled: Size
  readonly part: (Size & { readonly left: number; readonly top: number }) | null
}

const atLeast1 = (value: number): number => Math.max(1, Math.round(value))
const scaledBy = ({ height, width }: Size, factor: number): Size => ({
  width: atLeast1(width * factor),
  height: atLeast1(height * factor)
})

/** Where a stretch has to begin so that the point is as near to its middle as the whole allows. */
const beginning = (whole: number, stretch: number, thousandths: number): number =>
  Math.round(Math.min(whole - stretch, Math.max(0, (thousandths / 1_000) * whole - stretch / 2)))

/**
 * How a picture is fitted to a box. It is never made larger: if it is smaller than the box, `cover` keeps the proportions of the box, and
 * `inside` the size of the picture.
 */
export const planOf = (
  picture: Size,
  { fit, focus, height, width }: Size & { readonly fit: Transform["fit"]; readonly focus: Focus }
): Plan => {
  const across = width / picture.width
  const down = height / picture.height
  if (fit === "inside") return { scaled: scaledBy(picture, Math.min(1, across, down)), part: null }
  const box = scaledBy({ width, height }, Math.min(1, 1 / across, 1 / down))
  const covering = Math.max(box.width / picture.width, box.height / picture.height)
  const whole = scaledBy(picture, covering)
  const scaled = { width: Math.max(box.width, whole.width), height: Math.max(box.height, whole.height) }
  return {
    scaled,
    part: {
      ...box,
      left: beginning(scaled.width, box.width, focus.x),
      top: beginning(scaled.height, box.height, focus.y)
    }
  }
}

export type Format = Exclude<Transform["format"], "auto">

/** Of 100. `usual` looks like the original; `saving`, for clients that save data, shows slight losses. */
const qualities: Readonly<Record<Format, { readonly usual: number; readonly saving: number }>> = {
  webp: { usual: 80, saving: 55 },
  avif: { usual: 55, saving: 38 },
  jpeg: { usual: 80, saving: 55 },
  png: { usual: 100, saving: 100 }
}

const encoded = (pipeline: Sharp, format: Format, isSaving: boolean): Sharp => {
  const quality = qualities[format][isSaving ? "saving" : "usual"]
  switch (format) {
    case "webp":
      return pipeline.webp({ quality })
    case "avif":
      return pipeline.avif({ quality, effort: 4 })
    case "jpeg":
      return pipeline.flatten({ background: "white" }).jpeg({ quality })
    case "png":
      return pipeline.png()
  }
}

/** Of these formats only WebP has animations. */
const isAnimated = (format: Format): boolean => format === "webp"

export const transform = Effect.fn("Transforming.transform")(function* (
  original: Uint8Array,
  wanted: Transform,
  format: Format,
  isSaving: boolean
) {
  return yield* Effect.tryPromise({
    try: async () => {
      const opened = sharp(original, { animated: isAnimated(format), limitInputPixels: pixelsMax }).timeout({
        seconds: decodeSecondsMax
      })
      const { height, pageHeight = height, width } = await opened.metadata()
      const { part, scaled } = planOf({ width, height: pageHeight }, wanted)
      const resized = opened.resize({ ...scaled, fit: "fill" })
      const cut = part === null ? resized : resized.extract(part)
      return await encoded(cut.keepIccProfile(), format, isSaving).toBuffer()
    },
    catch: (cause) => new Undecodable({ cause })
  })
})
