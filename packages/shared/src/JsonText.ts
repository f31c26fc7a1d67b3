import { Result, Schema } from "effect"

/** Objects and arrays inside each other; none of our contracts has more than ten. */
export const depthMax = 64

/** JSON that two readers could take for two things, or that cannot be kept as it is; `pointer` (RFC 6901) says where. */
export class JsonRefused extends Schema.TaggedError<JsonRefused>()("JsonRefused", {
  pointer: Schema.String,
  detail: Schema.String
}) {}

interface Frame {
  /** Of an object: its members so far. */
  readonly names: Set<string> | undefined
  /** The member, or the number of the item, that is being read. */
  at: string | number
}

const pointerOf = (frames: ReadonlyArray<Frame>): string =>
  frames.map(({ at }) => `/${String(at).replaceAll("~", "~0").replaceAll("/", "~1")}`).join("")

/** Where the string that begins at `start` ends, past its quote; -1 where it does not. */
const endOfString = (text: string, start: number): number => {
  for (let at = start + 1; at < text.length; at += 1) {
    const code = text.charCodeAt(at)
    if (code === 0x22) return at + 1
    if (code === 0x5c) at += 1
  }
  return -1
}

/** What a string of JSON says; `undefined` where it is none, which the parser tells. */
const stringOf = (literal: string): string | undefined => {
  if (!literal.includes("\\")) return literal.slice(1, -1)
  try {
    return JSON.parse(literal) as string
  } catch {
    return undefined
  }
}

const number = /-?[0-9][0-9.eE+-]*/y

/**
 * What a parser would let pass: a member that stands twice (`"a"` and `"\u0061"` are one), `__proto__`, half of a
 * surrogate pair, U+0000, a number without a finite value, and nesting without end. Syntax is left to the parser.
 */
export const faultOf = (text: string): JsonRefused | undefined => {
  const frames: Array<Frame> = []
  const fault = (detail: string) => new JsonRefused({ pointer: pointerOf(frames), detail })
  let isName = false
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at)
    const frame = frames.at(-1)
    if (code === 0x22) {
      const end = endOfString(text, at)
      const value = end === -1 ? undefined : stringOf(text.slice(at, end))
      if (value === undefined) return undefined
      if (isName && frame?.names !== undefined) {
        frame.at = value
        if (frame.names.has(value)) return fault("The member stands twice")
        if (value === "__proto__") return fault("No member has this name")
        frame.names.add(value)
        isName = false
      }
      if (!value.isWellFormed() || value.includes("\0")) return fault("Text has a character that none is")
      at = end - 1
    } else if (code === 0x7b || code === 0x5b) {
      if (frames.length === depthMax) return fault(`At most ${depthMax} levels`)
      isName = code === 0x7b
      frames.push({ names: isName ? new Set() : undefined, at: 0 })
    } else if (code === 0x7d || code === 0x5d) {
      isName = false
      frames.pop()
    } else if (code === 0x2c && frame !== undefined) {
      if (typeof frame.at === "number") frame.at += 1
      isName = frame.names !== undefined
    } else if (code === 0x2d || (code >= 0x30 && code <= 0x39)) {
      number.lastIndex = at
      const digits = number.exec(text)?.[0] ?? ""
      if (Math.abs(Number(digits)) === Number.POSITIVE_INFINITY) return fault("The number is too large")
      if (digits.length > 1) at += digits.length - 1
    }
  }
  return undefined
}

/** The value of a JSON text that means one thing. */
export const parse = (text: string): Result.Result<unknown, JsonRefused> => {
  const fault = faultOf(text)
  if (fault !== undefined) return Result.fail(fault)
  try {
    return Result.succeed(JSON.parse(text) as unknown)
  } catch {
    return Result.fail(new JsonRefused({ pointer: "", detail: "Expected a valid JSON text" }))
  }
}
