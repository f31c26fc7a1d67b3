import type { FileHandle } from "node:fs/promises"

/** Read at a time, with some of what was read before, so that nothing is missed in between. */
const windowBytes = 1_048_576
const overlapBytes = 128
/** Places that one search finds; packets, and dictionaries that trailers name, that are looked at: for each the file is read again. */
const foundMax = 1_000
const packetsMax = 64
const dictionariesMax = 16
/** Of a packet, and of a dictionary. */
const packetBytesMax = 4 * 1_048_576
const dictionaryBytesMax = 65_536

interface Found {
  readonly at: number
  readonly text: string
}

/** The places of all that a pattern finds, byte by byte. */
const find = async (file: FileHandle, size: number, pattern: RegExp): Promise<ReadonlyArray<Found>> => {
  const found = new Map<number, string>()
  for (let from = 0; from < size && found.size < foundMax; from += windowBytes - overlapBytes) {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(windowBytes), 0, windowBytes, from)
    for (const { 0: text, index } of buffer.toString("latin1", 0, bytesRead).matchAll(pattern))
      found.set(from + index, text)
  }
  return [...found].slice(0, foundMax).map(([at, text]) => ({ at, text }))
}

const textAt = async (file: FileHandle, at: number, bytes: number): Promise<string> => {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(bytes), 0, bytes, at)
  return buffer.toString("latin1", 0, bytesRead)
}

/** XMP that is not compressed: readers find its length where it was, and blanks in it. */
const blankPackets = async (file: FileHandle, size: number): Promise<void> => {
  for (const { at } of (await find(file, size, /<\?xpacket begin=/g)).slice(0, packetsMax)) {
    const text = await textAt(file, at, Math.min(packetBytesMax, size - at))
    const begin = text.indexOf("?>") + 2
    const end = text.indexOf("<?xpacket end")
    if (begin >= 2 && end > begin) await file.write(" ".repeat(end - begin), at + begin, "latin1")
  }
}

/** Where a string that begins at `from` ends: parentheses in it match, or are escaped (ISO 32000-1, 7.3.4.2). */
const endOf = (text: string, from: number): number => {
  let depth = 0
  for (let at = from; at < text.length; at += 1) {
    if (text[at] === "\\") at += 1
    else if (text[at] === "(") depth += 1
    else if (text[at] === ")") {
      depth -= 1
      if (depth === 0) return at
    }
  }
  return -1
}

const blank = (text: string): string => (text.startsWith("D:") ? text : " ".repeat(text.length))

/** The dictionary with blanks in its texts; days stay. */
const blanked = (dictionary: string): string => {
  let made = ""
  for (let at = 0; at < dictionary.length; at += 1) {
    const sign = dictionary[at]!
    if (sign !== "(") {
      made += sign
      continue
    }
    const end = endOf(dictionary, at)
    if (end === -1) return made + dictionary.slice(at)
    made += `(${blank(dictionary.slice(at + 1, end))})`
    at = end
  }
  // A text in hexadecimal digits: 20 is a blank.
  return made.replaceAll(
    /<([0-9A-Fa-f\s]+)>/g,
    (_, digits: string) => `<${digits.replaceAll(/[0-9A-Fa-f]{2}/g, "20")}>`
  )
}

/** The dictionary that `/Info` of a trailer names. */
const blankInformation = async (file: FileHandle, size: number): Promise<void> => {
  const named = new Set(
    (await find(file, size, /\/Info\s+\d{1,10}\s+\d{1,5}\s+R/g)).map(({ text }) => text.replace(/^\/Info\s+/, ""))
  )
  for (const reference of [...named].slice(0, dictionariesMax)) {
    const [number, generation] = reference.split(/\s+/)
    for (const { at } of await find(file, size, new RegExp(`(?<!\\d)${number}\\s+${generation}\\s+obj`, "g"))) {
      const text = await textAt(file, at, dictionaryBytesMax)
      const end = text.indexOf("endobj")
      const body = text.slice(0, end)
      if (end !== -1 && /\/(Author|Creator|Producer|Title|Subject|Keywords)\b/.test(body))
        await file.write(blanked(body), at, "latin1")
    }
  }
}

/**
 * Blanks what a PDF says of its author and its programs: XMP, and the dictionary that its trailer names. Nothing moves. What is compressed stays,
 * and so does all of a file that is signed or encrypted, which would not be what was signed any more, or could not be read.
 */
export const removePersonal = async (file: FileHandle, size: number): Promise<void> => {
  if ((await find(file, size, /\/(ByteRange|Encrypt)\b/g)).length > 0) return
  await blankPackets(file, size)
  await blankInformation(file, size)
}
