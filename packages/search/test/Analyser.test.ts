import { assert, describe, it } from "@effect/vitest"
import { fold, queryWords, words } from "@halles/search/index/Analyser"
import { distance } from "@halles/search/index/Spelling"
import { Schema } from "effect"

const Text = Schema.String.check(Schema.isMaxLength(60))

const of = (text: string): ReadonlyArray<string> => words(text).map(({ word }) => word)

describe("Analyser", () => {
  it.prop("words stand where they say, one after the other", [Text], ([text]) => {
    for (const { end, start } of words(text)) assert.isTrue(start >= 0 && start < end && end <= text.length)
    const starts = words(text).map(({ start }) => start)
    assert.deepStrictEqual(
      starts,
      starts.toSorted((a, b) => a - b)
    )
  })

  it.prop("what is folded stays as it is", [Text], ([text]) => {
    assert.strictEqual(fold(fold(text)), fold(text))
  })

  it("accents, capitals, ligatures and decimal commas make no other word", () => {
    assert.deepStrictEqual(of("Crème BRÛLÉE, Straße 2,5 kg"), of("creme brulee strasse 2.5 KG"))
    assert.deepStrictEqual(of("が か"), ["が", "か"])
  })

  it("runs of ideographs are looked for by three characters that stand together", () => {
    assert.deepStrictEqual(queryWords("緑茶"), ["緑茶"])
    assert.deepStrictEqual(queryWords("抹茶入り緑茶"), ["抹茶入", "茶入り", "入り緑", "り緑茶"])
    assert.deepStrictEqual(queryWords("USBケーブル"), ["usb", "ケーブ", "ーブル"])
  })
})

const Letters = Schema.String.check(Schema.isPattern(/^[abc]{0,6}$/))

/** The definition, without its bound. */
const slow = (a: string, b: string): number => {
  if (a === "" || b === "") return Math.max(a.length, b.length)
  const [x, y] = [a.slice(0, -1), b.slice(0, -1)]
  const costs = [slow(x, b) + 1, slow(a, y) + 1, slow(x, y) + (a.at(-1) === b.at(-1) ? 0 : 1)]
  const isSwap = a.length > 1 && b.length > 1 && a.at(-1) === b.at(-2) && a.at(-2) === b.at(-1)
  return Math.min(...costs, ...(isSwap ? [slow(a.slice(0, -2), b.slice(0, -2)) + 1] : []))
}

describe("Spelling.distance", () => {
  it.prop("is the least number of edits, or more than the bound", [Letters, Letters], ([a, b]) => {
    assert.strictEqual(distance(a, b, 2), Math.min(3, slow(a, b)))
  })
})
