import { words } from "./Analyser.ts"

/** A part of a text, from its first character to behind its last one, in UTF-16 units. */
export type Range = readonly [start: number, end: number]

/** Parts of a text that are highlighted at the most. */
export const rangesMax = 50

/** Where words stand in a text. Places instead of marked text: whoever shows it escapes the text as it escapes all texts. */
export const ranges = (text: string, looked: ReadonlySet<string>): ReadonlyArray<Range> => {
  const found: Array<[number, number]> = []
  for (const { end, start, word } of words(text)) {
    if (!looked.has(word)) continue
    const last = found.at(-1)
    if (last !== undefined && start <= last[1]) last[1] = Math.max(last[1], end)
    else if (found.length < rangesMax) found.push([start, end])
  }
  return found
}
