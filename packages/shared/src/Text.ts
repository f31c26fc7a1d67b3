import { Schema, SchemaTransformation } from "effect"
import { hasCardNumber } from "./CardNumbers.ts"

/**
 * Text that a `jsonb` column takes: no NUL and no half of a surrogate pair. JSON and TypeScript allow both, Postgres
 * refuses them (22P05), and an event that cannot be stored would kill its entity. For what programs write; what people write
 * is a `line` or a `paragraph`.
 */
export const storable = Schema.isPattern(/^[^\0\ud800-\udfff]*$/u)

const lineBreaks = /[\r\n\t]/g
/** Nothing here needs a closer look. */
const plain = /^[\x20-\x7e]*$/

/**
 * What no text has a use for: controls, halves of pairs, line and paragraph separators (which few programs take for line
 * breaks), the sign for what was read in a wrong encoding, what is no character, deprecated and annotating format characters,
 * a byte order mark, and tags, but in the flags of regions.
 */
const unfit =
  /\p{Cc}|\p{Cs}|\p{Zl}|\p{Zp}|\ufffd|\p{Noncharacter_Code_Point}|[\u206a-\u206f\ufff9-\ufffb\ufeff]|[\u{e0000}-\u{e0fff}]/u
const regionFlags = /\u{1f3f4}[\u{e0020}-\u{e007e}]{1,10}\u{e007f}/gu
const variationSelectors = /[\u{e0100}-\u{e01ef}]/gu

/** At most this many marks on one character: the bound of Unicode's stream-safe text (UAX #15). */
const marksMax = /\p{M}{31}/u
/** Letters, digits, punctuation and symbols, without those that show as nothing (fillers, the blank of Braille). */
const visible = /[\p{L}\p{N}\p{P}\p{S}]/u
const hidden = /[\p{Default_Ignorable_Code_Point}\u2800]/gu

const opening = "\u202a\u202b\u202d\u202e\u2066\u2067\u2068"
const closing: Readonly<Record<string, RegExp>> = {
  "\u202c": /[\u202a\u202b\u202d\u202e]/,
  "\u2069": /[\u2066-\u2068]/
}
const directions = /[\u202a-\u202e\u2066-\u2069]/g

/** Each embedding, override and isolate ends within the text, in the order of UAX #9. */
const closesDirections = (text: string): boolean => {
  const open: Array<string> = []
  for (const sign of text.match(directions) ?? []) {
    if (opening.includes(sign)) open.push(sign)
    else if (!closing[sign]!.test(open.pop() ?? "")) return false
  }
  return open.length === 0
}

/**
 * Composed (NFC), and without embeddings, overrides and isolates, which keyboards and address books put round what they copy: who shows
 * the text decides on its direction, and letters have their own. One that is not closed would turn round what stands beside the text; it stays,
 * and is refused.
 */
const clean = (text: string): string => {
  if (plain.test(text)) return text
  const composed = text.normalize("NFC")
  return composed.search(directions) >= 0 && closesDirections(composed) ? composed.replace(directions, "") : composed
}

const codePoints = (text: string): number => {
  let count = 0
  for (const _ of text) count += 1
  return count
}

/** At most so many code points, as JSON Schema counts them; `Schema.isMaxLength` counts what is beyond the first plane twice. */
export const isMaxCharacters = (max: number) =>
  Schema.makeFilter<string>(
    (text) =>
      text.length <= max || (text.length <= 2 * max && codePoints(text) <= max) || `Expected at most ${max} characters`,
    {
      expected: `at most ${max} characters`,
      toJsonSchema: () => ({ maxLength: max }),
      arbitraryConstraint: { maxLength: max }
    }
  )

interface Rules {
  readonly min: number
  readonly max: number
  /** Line breaks and tabs may stand in it. */
  readonly lines: boolean
  readonly cards: boolean
}

/** What is wrong with a text, in words for whoever wrote it; `undefined` when nothing is. */
const faultOf = (text: string, { cards, lines, max, min }: Rules): string | undefined => {
  if (text.length > max && codePoints(text) > max) return `Expected at most ${max} characters`
  if (text.length < min) return min === 1 ? "Expected something" : `Expected at least ${min} characters`
  if (text === "") return undefined
  if (!lines && /[\r\n]/.test(text)) return "Expected one line"
  if (!plain.test(text)) {
    const looked = (lines ? text.replace(lineBreaks, " ") : text)
      .replace(regionFlags, "")
      .replace(variationSelectors, "")
    if (unfit.test(looked)) {
      return looked.includes("\ufffd")
        ? "Expected text as it was written: U+FFFD stands for what was read in a wrong encoding"
        : "Expected no control characters"
    }
    if (text.search(directions) >= 0) return "Expected each change of direction to end within the text"
    if (marksMax.test(text)) return "Expected at most 30 marks on one character"
  }
  if (!visible.test(text.replace(hidden, ""))) return "Expected at least one visible character"
  return cards || !hasCardNumber(text) ? undefined : "Expected no card number: it is for the payment gateway only"
}

const written = (rules: Rules, format: string) => {
  const { max, min } = rules
  const tidy = (text: string): string => (min === 0 && text.trim() === "" ? "" : clean(text))
  const bounds = { ...(min === 0 ? {} : { minLength: min }), maxLength: max }
  const documented = { ...bounds, ...(min === 0 ? {} : { pattern: "\\S" }), format }
  /** Composing takes time, and may make a text longer or shorter by a few characters. */
  const sent = Schema.makeFilter<string>((text) => text.length <= 4 * max || `Expected at most ${max} characters`, {
    expected: `at most ${max} characters`,
    toJsonSchema: () => documented
  })
  const kept = Schema.makeFilter<string>(
    (text) => (text === tidy(text) ? (faultOf(text, rules) ?? true) : "Expected composed text (NFC)"),
    {
      expected: format,
      toJsonSchema: () => documented,
      arbitraryConstraint: bounds
    }
  )
  return Schema.String.check(sent).pipe(
    Schema.decodeTo(Schema.String.check(kept), SchemaTransformation.transform({ decode: tidy, encode: (text) => text }))
  )
}

/** One line that people write: 1 to `max` characters (code points, as JSON Schema counts), at least one of them visible. */
export const line = (max: number) => written({ min: 1, max, lines: false, cards: false }, "line")
/** As `line`, or nothing: blanks are nothing. */
export const maybeLine = (max: number) => written({ min: 0, max, lines: false, cards: false }, "line")
/** What people write where line breaks are welcome: a note, a reason. */
export const paragraph = (max: number, min = 1) => written({ min, max, lines: true, cards: false }, "paragraph")
/** As `paragraph`, or nothing. */
export const maybeParagraph = (max: number) => written({ min: 0, max, lines: true, cards: false }, "paragraph")
/** What merchants write about goods, for all to read: numbers of articles, as long as those of cards, belong there. */
export const copy = (max: number) => written({ min: 1, max, lines: true, cards: true }, "copy")
/** As `copy`, or nothing. */
export const maybeCopy = (max: number) => written({ min: 0, max, lines: true, cards: true }, "copy")

/** A person's name as the person writes it, in any script. */
export const PersonName = line(120)
