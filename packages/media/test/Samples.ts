import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { crc32, deflateSync } from "node:zlib"
import { Effect } from "effect"
import sharp, { type Sharp } from "sharp"

/** A directory that is gone with the scope. */
export const directory = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "halles-media-"))),
  (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
)

export const written = (path: string, bytes: Uint8Array): string => {
  writeFileSync(path, bytes)
  return path
}

export const upright = { width: 60, height: 40 }
/** Top left red, top right green, bottom left blue, bottom right white. */
export const corners = [
  [255, 0, 0],
  [0, 255, 0],
  [0, 0, 255],
  [255, 255, 255]
] as const

const uprightPixels = (): Buffer => {
  const { height, width } = upright
  const pixels = Buffer.alloc(width * height * 3)
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      pixels.set(corners[(y < height / 2 ? 0 : 2) + (x < width / 2 ? 0 : 1)]!, 3 * (y * width + x))
    }
  }
  return pixels
}
export const picture = (): Sharp => sharp(uprightPixels(), { raw: { ...upright, channels: 3 } })

/** How a camera that was held otherwise stores the upright picture, by the number that it writes into EXIF. */
const held: ReadonlyArray<(stored: Sharp) => Sharp> = [
  (stored) => stored,
  (stored) => stored.flop(),
  (stored) => stored.rotate(180),
  (stored) => stored.flip(),
  // Mirrored first: sharp does so in whatever order it is said.
  (stored) => stored.flop().rotate(270),
  (stored) => stored.rotate(270),
  (stored) => stored.flop().rotate(90),
  (stored) => stored.rotate(90)
]
export const orientations = held.map((_, at) => at + 1)
export const photo = async (orientation: number): Promise<Buffer> => {
  const stored = await held[orientation - 1]!(picture()).raw().toBuffer({ resolveWithObject: true })
  return sharp(stored.data, { raw: stored.info })
    .withMetadata({ orientation })
    .withExifMerge({ IFD0: { Artist: "somebody" }, IFD3: { GPSLatitudeRef: "N", GPSLatitude: "48/1 51/1 2400/100" } })
    .withXmp('<x:xmpmeta xmlns:x="adobe:ns:meta/"></x:xmpmeta>')
    .withIccProfile("p3")
    .jpeg({ quality: 95, chromaSubsampling: "4:4:4" })
    .toBuffer()
}

const chunk = (type: string, data: Uint8Array): Buffer => {
  const named = Buffer.concat([Buffer.from(type), data])
  const framed = Buffer.alloc(named.length + 8)
  framed.writeUInt32BE(data.length, 0)
  named.copy(framed, 4)
  framed.writeUInt32BE(crc32(named), named.length + 4)
  return framed
}
/** A PNG of one bit a pixel that says how large it is; a hundred kilobytes unpack into hundreds of megabytes. */
export const bomb = (width: number, height: number, rows = height): Buffer => {
  const head = Buffer.alloc(13)
  head.writeUInt32BE(width, 0)
  head.writeUInt32BE(height, 4)
  head[8] = 1
  const body = deflateSync(Buffer.alloc((Math.ceil(width / 8) + 1) * rows))
  const magic = Buffer.from([137, 80, 78, 71, 13, 10, 26, 10])
  return Buffer.concat([magic, chunk("IHDR", head), chunk("IDAT", body), chunk("IEND", Buffer.alloc(0))])
}
