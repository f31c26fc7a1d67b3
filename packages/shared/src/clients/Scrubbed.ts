/** The check digit that every card number has (ISO/IEC 7812-1): few other long numbers do. */
const isCard = (text: string): boolean => {
  const digits = [...text]
    .filter((one) => one >= "0" && one <= "9")
    .map(Number)
    .toReversed()
  const sum = digits.reduce((all, digit, at) => all + (at % 2 === 0 ? digit : digit > 4 ? 2 * digit - 9 : 2 * digit), 0)
  return sum % 10 === 0
}

type Rule = readonly [RegExp, string | ((found: string) => string)]

/** What must never stand in a log, an alarm or a span, wherever it comes from: who somebody is, how they pay, what proves who they are. */
const rules: ReadonlyArray<Rule> = [
  [/(?<=:\/\/[^\s:/@]*:)[^\s@]+(?=@)/g, "<password>"],
  [/(?<!>)[\p{L}\p{M}\p{N}\w.!#$%&'*+/=?^`{|}~-]+@[\p{L}\p{M}\p{N}\w-]+(?:[.。][\p{L}\p{M}\p{N}\w-]+)+/gu, "<e-mail>"],
  [/\beyJ[\w-]{8,}\.[\w-]+\.[\w-]*/g, "<token>"],
  [/\b(?:tok|whsec|hk|sk)_[\w-]+/g, "<token>"],
  [/\b(Bearer|Basic)\s+[\w.~+/=-]+/gi, "$1 <token>"],
  [/(?<![\w.-])\d(?:[ -]?\d){12,18}(?![\w.-])/g, (found) => (isCard(found) ? "<number>" : found)],
  // Members of an object that was logged as a whole.
  [
    /(?<="(?:line1|line2|city|postalCode|phone|paymentToken|password|secret|authorization|cookie|customerName)":\s*")[^"]+(?=")/gi,
    "…"
  ],
  // A schema says what it got in place of what it expected.
  [/(?<=, got )[^\n]+?(?= at \[|\n|$)/g, "…"]
]

/** The text without them. */
export const scrubbed = (text: string): string =>
  rules.reduce(
    (kept, [pattern, instead]) =>
      typeof instead === "string" ? kept.replace(pattern, instead) : kept.replace(pattern, instead),
    text
  )
