import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { scrubbed } from "../src/clients/Scrubbed.ts"

const word = fc.stringMatching(/^[a-z]{1,12}$/)

describe("scrubbed", () => {
  it("leaves no e-mail address, token, password or card in whatever it stands", () => {
    const secrets = fc.oneof(
      fc.tuple(word, word).map(([user, host]) => `${user}@${host}.example`),
      fc.stringMatching(/^tok_[a-z_]{2,20}$/),
      fc.stringMatching(/^whsec_[A-Za-z0-9]{20,30}$/),
      fc.stringMatching(/^eyJ[A-Za-z0-9_-]{10,20}\.[A-Za-z0-9_-]{10,20}\.[A-Za-z0-9_-]{10,20}$/),
      fc.constantFrom("4242424242424242", "4000 0000 0000 0002", "378282246310005", "6011-1111-1111-1117")
    )
    fc.assert(
      fc.property(fc.array(word), secrets, fc.array(word), (before, secret, after) => {
        const text = [...before, secret, ...after].join(" ")
        assert.notInclude(scrubbed(text), secret)
        assert.notInclude(scrubbed(JSON.stringify({ text, nested: [{ secret }] })), secret)
      })
    )
    assert.strictEqual(
      scrubbed("postgres://halles:abc123@127.0.0.1:5432/x"),
      "postgres://halles:<password>@127.0.0.1:5432/x"
    )
    assert.strictEqual(scrubbed("authorization: Bearer abc.def-1"), "authorization: Bearer <token>")
    assert.strictEqual(scrubbed('{"line1":"1 Mill Lane","sku":"TEA"}'), '{"line1":"…","sku":"TEA"}')
    assert.strictEqual(scrubbed('Expected string, got 42 at ["email"]'), 'Expected string, got … at ["email"]')
  })

  it("leaves everything else as it is", () => {
    for (const text of [
      '{"level":"INFO","fiberId":17,"timestamp":"2026-11-23T05:32:12.123Z"}',
      "wake:1700000000123 of Order/eu_Qm3vXr8Kd0ZtWbYp5nLc2A in shard eu/17",
      "at packages/engine/src/eventsourced/EventSourced.ts:155:44",
      "4d3c2b1a-0000-4000-8000-1234567890ab"
    ]) {
      assert.strictEqual(scrubbed(text), text)
    }
  })
})
