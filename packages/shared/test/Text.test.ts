import { assert, it } from "@effect/vitest"
import { Option, Schema } from "effect"
import * as fc from "fast-check"
import { hasCardNumber } from "../src/CardNumbers.ts"
import { copy, isMaxCharacters, line, maybeLine, paragraph, PersonName } from "../src/Text.ts"

const nameOf = Schema.decodeUnknownOption(PersonName)
const noteOf = Schema.decodeUnknownOption(paragraph(200))

it.each([
  "O",
  "Zoë 👩‍👩‍👧‍👦 O’Brien",
  "D'Arcy-Łukasz, Jr.",
  "محمد بن سلمان",
  "دובאי",
  "علی‌رضا",
  "𠮷野家 太郎",
  "葛󠄁城",
  "नरेन्द्र",
  "🏴󠁧󠁢󠁥󠁮󠁧󠁿 Harry",
  "N".repeat(120),
  "😀".repeat(120)
])("a name as people have it is kept as it is: %s", (name) => {
  assert.deepStrictEqual(nameOf(name), Option.some(name.normalize("NFC")))
})

it.each([
  ["nothing", ""],
  ["blanks", "   "],
  ["a blank that is none of ASCII", "\u00a0\u3000"],
  ["only what shows as nothing", "\u200b\u200d\u3164\u2800\u00ad"],
  ["NUL", "Ada\u0000"],
  ["half a pair", "Ada \ud83d"],
  ["a line break", "Ada\r\nExample"],
  ["a tab", "Ada\tExample"],
  ["a line separator", "Ada\u2028Example"],
  ["a control of C1", "Ada\u0085Example"],
  ["an escape sequence", "\u001b[31mAda"],
  ["what was read in a wrong encoding", "Caf\ufffd"],
  ["no character", "Ada\ufffe"],
  ["a byte order mark", "\ufeffAda"],
  ["tags", "Ada\u{e0041}\u{e0042}"],
  ["a direction that does not end", "Ada \u202eelpmaxE"],
  ["an end of no direction", "Ada\u202c"],
  ["directions that cross", "\u202aAda \u2067x\u202c y\u2069"],
  ["a tower of marks", `Z${"\u0351".repeat(40)}`],
  ["one character too many", "N".repeat(121)],
  ["one emoji too many", "😀".repeat(121)]
])("is no name: %s", (_, name) => {
  assert.isTrue(Option.isNone(nameOf(name)), JSON.stringify(name))
})

it("composed and decomposed are one name", () => {
  assert.deepStrictEqual(nameOf("José Łukasz".normalize("NFD")), Option.some("José Łukasz"))
  assert.deepStrictEqual(nameOf("é".normalize("NFD").repeat(120)), Option.some("é".repeat(120)))
})

it("what turns letters round is left out where it ends, and refused where it does not", () => {
  assert.deepStrictEqual(nameOf("Ada \u202eelpmaxE\u202c"), Option.some("Ada elpmaxE"))
  assert.deepStrictEqual(nameOf("\u2067\u202aAda\u202c\u2069"), Option.some("Ada"))
})

it("notes have line breaks, and nothing else that a name may not have", () => {
  assert.deepStrictEqual(noteOf("Ring twice.\r\n\tThen wait."), Option.some("Ring twice.\r\n\tThen wait."))
  assert.isTrue(Option.isNone(noteOf("Ring\u0007")))
  assert.isTrue(Option.isNone(noteOf("\n\n")))
})

it("blanks in what may be left out are nothing", () => {
  const decode = Schema.decodeUnknownSync(maybeLine(10))
  assert.deepStrictEqual(
    ["", "  ", " a "].map((text) => decode(text)),
    ["", "", " a "]
  )
})

it("what goes wrong is told without what was written", () => {
  const faults = Schema.decodeUnknownResult(line(20))("4111 1111 1111 1111")
  assert.strictEqual(faults._tag, "Failure")
  assert.notInclude(JSON.stringify(faults._tag === "Failure" ? faults.failure.message : ""), "4111")
})

const anything = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.string({ unit: "grapheme" }),
  fc.string({
    unit: fc.constantFrom(
      "a",
      " ",
      "e\u0301",
      "\u202a",
      "\u202c",
      "\u2067",
      "\u2069",
      "\u200d",
      "\n",
      "\t",
      "😀",
      "\ufffd",
      "4111"
    )
  })
)

it.each([
  ["line", line(40)],
  ["paragraph", paragraph(40)],
  ["copy", copy(40)]
] as const)(
  "a %s is kept in one form, which is accepted as it is, stored as it is and never turns anything round",
  (_, schema) => {
    const decode = Schema.decodeUnknownOption(schema)
    fc.assert(
      fc.property(anything, (text) => {
        const kept = Option.getOrUndefined(decode(text))
        if (kept === undefined) return
        assert.deepStrictEqual(decode(kept), Option.some(kept))
        assert.isTrue(Schema.is(schema)(kept))
        assert.strictEqual(Schema.encodeSync(schema)(kept), kept)
        assert.strictEqual(kept, kept.normalize("NFC"))
        assert.isTrue(kept.isWellFormed())
        assert.isAtMost([...kept].length, 40)
        assert.notMatch(kept, /(?![\t\n\r])\p{Cc}|[\u202a-\u202e\u2066-\u2069\ufffd]/u)
        assert.strictEqual(kept, text.normalize("NFC").replace(/[\u202a-\u202e\u2066-\u2069]/gu, ""))
      }),
      { numRuns: 3_000 }
    )
  }
)

it.each([
  "4111111111111111",
  "4111 1111 1111 1111",
  "4111-1111-1111-1111",
  "4111.1111.1111.1111",
  "4111\u00a01111\u20111111\u20111111",
  "4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1",
  "41 11 11 11 11 11 11 11",
  "４１１１１１１１１１１１１１１１",
  "٤١١١ ١١١١ ١١١١ ١١١١",
  "𝟜𝟙𝟙𝟙𝟙𝟙𝟙𝟙𝟙𝟙𝟙𝟙𝟙𝟙𝟙𝟙",
  "4111\u200b1111\u200b1111\u200b1111",
  "please charge 4111 1111 1111 1111 12/29 123",
  "card:5555555555554444.",
  "No. 12, 378282246310005",
  "3782 822463 10005",
  "3056 930902 5904",
  "6011 1111 1111 1117",
  "3566002020360505",
  "2223003122003222",
  "6304000000000000018",
  "4111\n1111\n1111\n1111",
  "a4111111111111111b"
])("a card's number is found: %s", (text) => {
  assert.isTrue(hasCardNumber(text))
  assert.isTrue(Option.isNone(noteOf(text)))
  assert.isTrue(Option.isSome(Schema.decodeUnknownOption(copy(200))(text)), "texts on goods have long numbers")
})

it.each([
  "4111111111111112",
  "+49 30 901820, +44 20 7946 0958",
  "(415) 555-0100, (415) 555-0199",
  "DE89 3704 0044 0532 0130 00",
  "GB29 NWBK 6016 1331 9268 19",
  "EAN 4006381333931",
  "2026-10-20 12:34:56.789",
  "1Z999AA10123456784",
  "order eu_4111, 1111 pieces",
  "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15",
  "0000 0000 0000 0000"
])("no card's number: %s", (text) => {
  assert.isFalse(hasCardNumber(text))
})

it("every number of a network is found in a sentence, and none with another check digit", () => {
  const starts = fc.constantFrom("4", "51", "55", "2221", "2720", "6011", "65", "3528", "62", "2200")
  fc.assert(
    fc.property(
      starts,
      fc.stringMatching(/^\d{15}$/),
      fc.constantFrom("", " ", "-", "\u00a0"),
      (start, rest, between) => {
        const body = (start + rest).slice(0, 15)
        const check = [..."0123456789"].filter((last) => hasCardNumber(body + last))
        assert.lengthOf(check, 1)
        const groups = (body + check[0]!).match(/.{4}/g)!.join(between)
        assert.isTrue(hasCardNumber(`Charge ${groups}, thanks`))
      }
    )
  )
})

it("characters are counted as JSON Schema counts them, whatever their number of bytes", () => {
  const fits = Schema.is(Schema.String.check(isMaxCharacters(10)))
  fc.assert(
    fc.property(fc.array(fc.constantFrom("a", "é", "例", "😀", "\u0000"), { maxLength: 20 }), (characters) => {
      assert.strictEqual(fits(characters.join("")), characters.length <= 10)
    })
  )
})
