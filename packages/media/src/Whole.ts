import type { MediaType, PictureType } from "@halles/entities/media/MediaContent"
import { Effect } from "effect"
import { open } from "node:fs/promises"

/** Top-level boxes of an MP4 file that are looked at: an hour of fragments of a second has about 7,200. */
const boxesMax = 32_768
/** Of a box: its size, its type, and its size again where that takes eight bytes. */
const headBytes = 16
/** Read at a time, so that boxes of a few bytes are many at a read. */
const pageBytes = 4_096
/** Readers look for the end of a PDF in so many bytes at its end (ISO 32000-1, annex H, 3.4.4). */
const pdfTailBytes = 1_024

type Read = (at: number, bytes: number) => Effect.Effect<Buffer<ArrayBuffer>>

/** ISO/IEC 14496-12, 4.2: boxes follow one another up to the end of the file, and `moov` says what is in them. */
const isWholeMp4 = Effect.fnUntraced(function* (read: Read, size: number) {
  let hasMovie = false
  let at = 0
  let page = { at: 0, bytes: Buffer.alloc(0) }
  for (let boxes = 0; at < size; boxes++) {
    if (at + headBytes > page.at + page.bytes.length) page = { at, bytes: yield* read(at, pageBytes) }
    const head = page.bytes.subarray(at - page.at, at - page.at + headBytes)
    if (boxes === boxesMax || head.length < 8) return false
    hasMovie ||= head.toString("latin1", 4, 8) === "moov"
    const short = head.readUInt32BE(0)
    if (short === 0) return hasMovie
    if (short === 1 && head.length < headBytes) return false
    const bytes = short === 1 ? Number(head.readBigUInt64BE(8)) : short
    if (bytes < (short === 1 ? headBytes : 8) || bytes > size - at) return false
    at += bytes
  }
  return hasMovie
})

/** A number of EBML (RFC 8794, 4): its first byte says how long it is. `null` where all its bits say "not known". */
const ebmlSize = (bytes: Buffer, at: number): { readonly length: number; readonly size: number | null } | undefined => {
  const first = bytes[at] ?? 0
  const length = Math.clz32(first) - 23
  if (first === 0 || at + length > bytes.length) return undefined
  const mask = (1n << BigInt(7 * length)) - 1n
  const value = BigInt(`0x${bytes.toString("hex", at, at + length)}`) & mask
  return { length, size: value === mask ? null : Number(value) }
}

/** Matroska (RFC 9559, 4.5): a head, then a segment, which a live recording leaves without a size. */
const isWholeWebm = Effect.fnUntraced(function* (read: Read, size: number) {
  const head = ebmlSize(yield* read(4, 8), 0)
  if (head === undefined || head.size === null) return false
  const segmentAt = 4 + head.length + head.size
  if (segmentAt > size) return false
  const segment = yield* read(segmentAt, 12)
  const length = ebmlSize(segment, 4)
  if (segment.toString("hex", 0, 4) !== "18538067" || length === undefined) return false
  return length.size === null || length.size <= size - segmentAt - 4 - length.length
})

const isWholePdf = (read: Read, size: number) =>
  Effect.map(read(Math.max(0, size - pdfTailBytes), pdfTailBytes), (tail) => tail.includes("%%EOF"))

type Unpictured = Exclude<MediaType, PictureType>
const checks: Readonly<Record<Unpictured, (read: Read, size: number) => Effect.Effect<boolean>>> = {
  "application/pdf": isWholePdf,
  "video/mp4": isWholeMp4,
  "video/webm": isWholeWebm
}

/** Whether a video or a document reaches the end that its own structure names. Nothing of it is decoded. */
export const isWhole = Effect.fn("Whole.isWhole")(function* (path: string, type: Unpictured, size: number) {
  const file = yield* Effect.acquireRelease(
    Effect.promise(() => open(path)),
    (file) => Effect.promise(() => file.close())
  )
  const read: Read = (at, bytes) =>
    Effect.promise(async () => {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(bytes), 0, bytes, at)
      return buffer.subarray(0, bytesRead)
    })
  return yield* checks[type](read, size)
}, Effect.scoped)
