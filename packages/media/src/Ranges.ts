import type { ByteRange } from "./BlobStore.ts"

/**
 * The range of bytes that a request asks for (RFC 9110). `whole` if it asks for none, for several, or in other units: a server may answer
 * each of these with all bytes. `none` if the range begins behind the last byte.
 */
export const rangeOf = (header: string | undefined, bytes: number): ByteRange | "whole" | "none" => {
  const [, first = "", last = ""] = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header?.trim() ?? "") ?? []
  if (first === "" && last === "") return "whole"
  if (first === "") {
    const length = Math.min(bytes, Number(last))
    return length === 0 ? "none" : { start: bytes - length, end: bytes - 1 }
  }
  const start = Number(first)
  const end = last === "" ? bytes - 1 : Math.min(Number(last), bytes - 1)
  if (last !== "" && Number(last) < start) return "whole"
  return start >= bytes ? "none" : { start, end }
}
