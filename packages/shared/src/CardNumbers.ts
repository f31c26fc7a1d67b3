/** Lengths from `from` to `to`. */
const to = (from: number, to: number): ReadonlyArray<number> =>
  Array.from({ length: to - from + 1 }, (_, index) => from + index)

/**
 * First digits and lengths of the networks' numbers (ISO/IEC 7812). Maestro's of 12 to 15 digits are left out: they are rare,
 * and other numbers of that length are not.
 */
const networks: ReadonlyArray<readonly [RegExp, ReadonlyArray<number>]> = [
  // Visa
  [/^4/, [13, 16, 19]],
  // Mastercard
  [/^(5[1-5]|222[1-9]|22[3-9]|2[3-6]|27[01]|2720)/, [16]],
  // American Express
  [/^3[47]/, [15]],
  // Diners Club
  [/^(30[0-5]|3095|36|38|39)/, to(14, 19)],
  // Discover, UnionPay, RuPay
  [/^(60|62|64[4-9]|65|81|82|508)/, to(16, 19)],
  // JCB
  [/^35(2[89]|[3-8])/, to(16, 19)],
  // Maestro
  [/^(50|5[6-9]|63|67)/, to(16, 19)],
  // Mir, Troy
  [/^(220[0-4]|9792)/, to(16, 19)]
]

/** The check digit that every card number has (ISO/IEC 7812-1): one other number in ten does. */
const passesLuhn = (digits: string): boolean => {
  let sum = 0
  for (let at = 0; at < digits.length; at++) {
    const digit = digits.charCodeAt(digits.length - 1 - at) - 48
    sum += at % 2 === 0 ? digit : digit > 4 ? 2 * digit - 9 : 2 * digit
  }
  return sum % 10 === 0
}

/** The check digit of GS1's article numbers: weights 1 and 3 from the right. */
const isArticleNumber = (digits: string): boolean => {
  if (digits.length > 14) return false
  let sum = 0
  for (let at = 0; at < digits.length; at++) {
    sum += (digits.charCodeAt(digits.length - 1 - at) - 48) * (at % 2 === 0 ? 1 : 3)
  }
  return sum % 10 === 0
}

/** A number as a payment card has it; one that is just as well an article's (EAN-13, GTIN-14) is taken for that. */
export const isCardNumber = (digits: string): boolean =>
  networks.some(([start, lengths]) => lengths.includes(digits.length) && start.test(digits)) &&
  passesLuhn(digits) &&
  !isArticleNumber(digits)

/** As people write them: in one, in groups of one size with a shorter last one, or as Amex and Diners print them. */
const isGrouping = (sizes: ReadonlyArray<number>): boolean => {
  const first = sizes[0]!
  const last = sizes.at(-1)!
  if (sizes.slice(0, -1).every((size) => size === first) && last <= first) return true
  return sizes.length === 3 && first === 4 && sizes[1] === 6 && (last === 5 || last === 4)
}

const digit = /\p{Nd}/u
/** Decimal digits of every script come ten in a row, from zero on. */
const asciiDigit = (one: string): string => {
  const code = one.codePointAt(0)!
  let before = 0
  while (digit.test(String.fromCodePoint(code - before - 1))) before += 1
  return String(before % 10)
}

const lengthMin = 13
const lengthMax = 19
const enoughDigits = /\p{N}(?:\P{N}{0,3}\p{N}){12}/u
/** Digits with up to three signs between them that are no letters. */
const runs = /\d+(?:[^\p{L}\d]{1,3}\d+)*/gu

/**
 * Whether a text has the number of a payment card in it: in the digits of any script, in one or in groups. Card numbers belong
 * to the payment gateway alone (PCI DSS 3.3); whoever writes one into a note has it refused.
 */
export const hasCardNumber = (text: string): boolean => {
  if (!enoughDigits.test(text)) return false
  const plain = text
    .normalize("NFKC")
    .replace(/\p{Cf}/gu, "")
    .replace(/\p{Nd}/gu, asciiDigit)
  return (plain.match(runs) ?? []).some((run) => hasOne(run.match(/\d+/g) ?? []))
}

const hasOne = (groups: ReadonlyArray<string>): boolean =>
  groups.some((_, from) => {
    let digits = ""
    for (let end = from; end < groups.length && digits.length < lengthMax; end++) {
      digits += groups[end]!
      if (digits.length < lengthMin || digits.length > lengthMax) continue
      if (isGrouping(groups.slice(from, end + 1).map(({ length }) => length)) && isCardNumber(digits)) return true
    }
    return false
  })
