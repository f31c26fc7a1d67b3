/** What must never stand in a log or an alarm, wherever it comes from: who somebody is, how they pay, what proves who they are. */
const patterns: ReadonlyArray<readonly [RegExp, string]> = [
  [/[\w.+-]+@[\w-]+(?:\.[\w-]+)+/g, "<e-mail>"],
  [/\beyJ[\w-]{8,}\.[\w-]+\.[\w-]*/g, "<token>"],
  [/\b(?:tok|whsec|hk|sk)_[\w-]+/g, "<token>"],
  [/\b(Bearer|Basic)\s+[\w.~+/=-]+/gi, "$1 <token>"],
  [/(?<=:\/\/[^\s:/@]*:)[^\s@]+(?=@)/g, "<password>"],
  // Cards have 13 to 19 digits; Unix milliseconds have 13.
  [/\b\d(?:[ -]?\d){13,18}\b/g, "<number>"],
  // A schema says what it got in place of what it expected.
  [/(?<=, got )[^\n]+?(?= at \[|\n|$)/g, "…"]
]

/** The text without them. */
export const scrubbed = (text: string): string =>
  patterns.reduce((kept, [pattern, instead]) => kept.replace(pattern, instead), text)
