import type { FileHandle } from "node:fs/promises"

/** Boxes that are looked at, at all levels. */
const boxesMax = 32_768
/** Of a box: its size, its type, and its size again where that takes eight bytes. */
const headBytes = 16
const zeros = Buffer.alloc(65_536)
/** Boxes whose boxes are looked at. */
const containers = new Set(["moov", "trak"])
/** Who made the video, where and with what (ISO/IEC 14496-12, 8.10 and 8.11); players need none of it. */
const personal = new Set(["udta", "meta"])
/** A `uuid` box with XMP. */
const xmp = "be7acfcb97a942e89c71999491e3afac"

interface Box {
  readonly at: number
  readonly type: string
  readonly contentAt: number
  readonly end: number
}

/** The box at a place, or `null` where there is none that ends within its parent. */
const boxAt = async (file: FileHandle, at: number, end: number): Promise<Box | null> => {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(headBytes), 0, headBytes, at)
  if (bytesRead < 8 || at + 8 > end) return null
  const short = buffer.readUInt32BE(0)
  if (short === 1 && bytesRead < headBytes) return null
  const bytes = short === 0 ? end - at : short === 1 ? Number(buffer.readBigUInt64BE(8)) : short
  const contentAt = at + (short === 1 ? headBytes : 8)
  if (at + bytes > end || at + bytes < contentAt) return null
  return { at, type: buffer.toString("latin1", 4, 8), contentAt, end: at + bytes }
}

const isXmp = async (file: FileHandle, { contentAt, end, type }: Box): Promise<boolean> => {
  if (type !== "uuid" || end - contentAt < 16) return false
  const { buffer } = await file.read(Buffer.alloc(16), 0, 16, contentAt)
  return buffer.toString("hex") === xmp
}

/** Nothing moves: samples are found by their places in the file. */
const freed = async (file: FileHandle, { at, contentAt, end }: Box): Promise<void> => {
  await file.write("free", at + 4, "latin1")
  for (let from = contentAt; from < end; from += zeros.length)
    await file.write(zeros, 0, Math.min(zeros.length, end - from), from)
}

/** Makes free space of the boxes of an MP4 file that say who made it, where and with what. A broken box ends the search in its parent. */
export const removePersonal = async (file: FileHandle, size: number): Promise<void> => {
  let left = boxesMax
  const within = async (from: number, end: number): Promise<void> => {
    let at = from
    while (at < end && left > 0) {
      left -= 1
      const box = await boxAt(file, at, end)
      if (box === null) return
      if (personal.has(box.type) || (await isXmp(file, box))) await freed(file, box)
      else if (containers.has(box.type)) await within(box.contentAt, box.end)
      at = box.end
    }
  }
  await within(0, size)
}
