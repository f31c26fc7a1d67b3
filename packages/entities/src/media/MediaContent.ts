import type { Region } from "@halles/shared/Region"
import { Schema, Struct } from "effect"

/** The types of file that the media process keeps, and the bytes of each. It decodes only pictures; others it serves as they are. */
export const kinds = {
  "image/jpeg": { extension: "jpg", bytesMax: 48 * 1_048_576 },
  "image/png": { extension: "png", bytesMax: 48 * 1_048_576 },
  "image/webp": { extension: "webp", bytesMax: 48 * 1_048_576 },
  "image/avif": { extension: "avif", bytesMax: 48 * 1_048_576 },
  "image/gif": { extension: "gif", bytesMax: 24 * 1_048_576 },
  "video/mp4": { extension: "mp4", bytesMax: 2_048 * 1_048_576 },
  "video/webm": { extension: "webm", bytesMax: 2_048 * 1_048_576 },
  "application/pdf": { extension: "pdf", bytesMax: 96 * 1_048_576 }
} as const satisfies Readonly<Record<string, { readonly extension: string; readonly bytesMax: number }>>

export const MediaType = Schema.Literals(Struct.keys(kinds))
export type MediaType = typeof MediaType.Type

export type PictureType = Extract<MediaType, `image/${string}`>
export const isPicture = (type: MediaType): type is PictureType => type.startsWith("image/")

/** Of a picture, all frames together. A picture of 100 million pixels takes 300 MB where it has to be turned. */
export const pixelsMax = 100_000_000
export const sideMax = 20_000
export const framesMax = 500
/** Of a file of any type. */
export const bytesMax = Math.max(...Object.values(kinds).map((kind) => kind.bytesMax))

/** SHA-256 of the bytes as they are stored. */
export const ContentHash = Schema.String.check(Schema.isPattern(/^[0-9a-f]{64}$/u)).annotate({
  examples: ["9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"]
})

const natural = Schema.Int.check(Schema.isGreaterThanOrEqualTo(0))

/** Stored bytes, as the media process found them. For a file that is no picture width and height are `null`, and there is one frame. */
export const Content = Schema.Struct({
  hash: ContentHash,
  type: MediaType,
  bytes: natural,
  width: Schema.NullOr(natural),
  height: Schema.NullOr(natural),
  frames: natural
})
export type Content = typeof Content.Type

/** The name of content in the store and in addresses: its region, its hash, and the extension of its type. */
export const contentName = (region: Region, { hash, type }: Pick<Content, "hash" | "type">): string =>
  `${region}-${hash}.${kinds[type].extension}`

const types = new Map<string, MediaType>(MediaType.literals.map((type) => [kinds[type].extension, type]))

/** The type of content by its name, or `undefined` for a text that is no such name. */
export const contentTypeOf = (name: string): MediaType | undefined => {
  const [, extension] = /^(?:eu|am|ap)-[0-9a-f]{64}\.([a-z0-9]{3,4})$/.exec(name) ?? []
  return extension === undefined ? undefined : types.get(extension)
}

/** Why the media process refuses an upload. */
export const Unfit = Schema.Literals(["empty", "type", "bytes", "pixels", "frames", "broken", "infected", "unscanned"])
export type Unfit = typeof Unfit.Type

const mebibytes = (bytes: number): number => bytes / 1_048_576

/** The `detail` of the problem `media_unfit`, by reason. */
export const unfitDetails: Readonly<Record<Unfit, string>> = {
  empty: "There is nothing in it.",
  type: `By its bytes it is none of ${MediaType.literals.join(", ")}, whatever its name says.`,
  bytes: `A picture has at most ${mebibytes(kinds["image/jpeg"].bytesMax)} MiB, an animated GIF ${mebibytes(kinds["image/gif"].bytesMax)}, a document ${mebibytes(kinds["application/pdf"].bytesMax)}, a video ${mebibytes(kinds["video/mp4"].bytesMax)}.`,
  pixels: `A picture has at most ${pixelsMax} pixels, all frames together, and at most ${sideMax} on a side.`,
  frames: `A picture has at most ${framesMax} frames.`,
  broken: "It cannot be decoded: it ends early, or is not what it begins as.",
  infected: "The virus scanner found something in it.",
  unscanned: "The virus scanner does not answer, and nothing is kept that it has not seen. Send it again later."
}
