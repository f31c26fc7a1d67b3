import { assert, it } from "@effect/vitest"
import { Option, Schema } from "effect"
import * as fc from "fast-check"
import { canonical, Email } from "../src/Email.ts"
import { scrubbed } from "../src/clients/Scrubbed.ts"

it.each([
  ["a@example.com", "a@example.com"],
  ["a+b@example.com", "a+b@example.com"],
  ["o'neil@example.com", "o'neil@example.com"],
  ["a@sub.example.museum", "a@sub.example.museum"],
  ["Ada.Byron@EXAMPLE.com", "Ada.Byron@example.com"],
  ["info@müller.example", "info@müller.example"],
  ["info@MÜLLER.example", "info@müller.example"],
  ["info@xn--mller-kva.example", "info@müller.example"],
  ["info@mu\u0308ller.example", "info@müller.example"],
  ["käthe@example.com", "käthe@example.com"],
  ["ka\u0308the@example.com", "käthe@example.com"],
  ["用户@例え。jp", "用户@例え.jp"],
  ["अजय@डाटा.भारत", "अजय@डाटा.भारत"],
  [" a@example.com\u00a0", "a@example.com"],
  ["a@example.com\r\n", "a@example.com"],
  [`${"a".repeat(64)}@example.com`, `${"a".repeat(64)}@example.com`]
])("%j is kept as %s", (text, kept) => {
  assert.deepStrictEqual(Schema.decodeUnknownOption(Email)(text), Option.some(kept))
})

it.each([
  "",
  "a",
  "a@b",
  "@example.com",
  "a@",
  "a@@example.com",
  "a@b@example.com",
  "a b@example.com",
  "a@exa mple.com",
  "a@example..com",
  "a@.example.com",
  "a@example.com.",
  ".a@example.com",
  "a.@example.com",
  "a..b@example.com",
  '"a b"@example.com',
  "a(comment)@example.com",
  "Ada <a@example.com>",
  "a@example.com, b@example.com",
  "a@example.com\r\nbcc: x@example.com",
  "a\u0000@example.com",
  "a\u202e@example.com",
  "a\ufffd@example.com",
  "a@example.com\u200bx",
  "a@-example.com",
  "a@example-.com",
  "a@exa_mple.com",
  "a@exa%6dple.com",
  "a@example.com:25",
  "a@example.com/x",
  "a@127.0.0.1",
  "a@[127.0.0.1]",
  "a@example.123",
  `${"a".repeat(65)}@example.com`,
  `${"ä".repeat(33)}@example.com`,
  `a@${"b".repeat(64)}.com`,
  `a@${Array.from({ length: 30 }, () => "label123").join(".")}.com`
])("%j is no address", (text) => {
  assert.isUndefined(canonical(text))
  assert.isTrue(Option.isNone(Schema.decodeUnknownOption(Email)(text)))
})

const words = fc.array(
  fc.constantFrom("a", "Ö", "ß", "İ", ".", "-", "@", " ", "xn--", "例", "ا", "1", "%", "_", "。"),
  { maxLength: 20 }
)

it("what is kept is one form, and nothing else of its kind", () => {
  fc.assert(
    fc.property(words, fc.constantFrom("", "a@", "@example.com"), (parts, more) => {
      const kept = canonical(more.startsWith("@") ? parts.join("") + more : more + parts.join(""))
      if (kept === undefined) return
      assert.strictEqual(canonical(kept), kept)
      assert.isTrue(Schema.is(Email)(kept))
      assert.lengthOf(kept.split("@"), 2)
      assert.notMatch(kept, /\s/)
      assert.notInclude(scrubbed(`mail to ${kept} failed`), kept.split("@")[1]!)
    }),
    { numRuns: 3_000 }
  )
})
