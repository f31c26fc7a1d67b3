/** A word of a text: as it is looked for, and where it stands. */
export interface Word {
  readonly word: string
  readonly start: number
  readonly end: number
}

const ideographs = String.raw`[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}ー]+`
const letters = String.raw`[[\p{L}\p{M}\p{N}]--[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}ー]]+`
/** A run of ideographs, a number with its fraction, or other letters and digits. */
const run = new RegExp(`(${ideographs})|\\p{N}+(?:[.,]\\p{N}+)+(?!\\p{L})|${letters}`, "gv")
const accents = /([\p{Script=Latin}\p{Script=Greek}\p{Script=Cyrillic}])\p{M}+/gu
const ascii = /^\p{ASCII}*$/u
/** The same where there are no other letters, which is ten times as fast. */
const asciiRun = /()\d+(?:[.,]\d+)+(?![A-Za-z])|[A-Za-z0-9]+/g
const ligatures: Readonly<Record<string, string>> = { ß: "ss", æ: "ae", œ: "oe", ø: "o", ł: "l", đ: "d" }

/** Without capitals, accents, ligatures and compatibility forms: `Crème` is looked for as `creme`. */
export const fold = (text: string): string =>
  ascii.test(text)
    ? text.toLowerCase()
    : text
        .normalize("NFKD")
        .replace(accents, "$1")
        .normalize("NFC")
        .toLowerCase()
        .replace(/[ßæœøłđ]/g, (letter) => ligatures[letter] ?? letter)

/** `2,5` and `2.5` are one number. */
const asWord = (text: string): string => fold(text).replace(/(?<=\p{N}),(?=\p{N})/gu, ".")

/** Characters of a run of ideographs that stand together are looked for as one word. */
const gram = 3

/** Words in the order of the text. Of a run of ideographs each character begins a word of at most `gram` characters. */
export const words = (text: string): ReadonlyArray<Word> => {
  const found: Array<Word> = []
  for (const match of text.matchAll(ascii.test(text) ? asciiRun : run)) {
    const start = match.index
    if (!match[1]) {
      found.push({ word: asWord(match[0]), start, end: start + match[0].length })
      continue
    }
    const characters = [...match[1]]
    let at = start
    for (const [index, character] of characters.entries()) {
      const some = characters.slice(index, index + gram).join("")
      found.push({ word: fold(some), start: at, end: at + some.length })
      at += character.length
    }
  }
  return found
}

const ideograph = new RegExp(`^${ideographs}$`, "v")

/** A word of ideographs that is shorter than `gram` stands for all that begin with it. */
export const isShortGram = (word: string): boolean => ideograph.test(word) && [...word].length < gram

/** The words that a query is made of: of a run of ideographs those of full length, or the run itself if it is shorter. */
export const queryWords = (query: string): ReadonlyArray<string> => {
  const all = words(query)
  return all.filter(({ end, word }, at) => !isShortGram(word) || all[at - 1]?.end !== end).map(({ word }) => word)
}
