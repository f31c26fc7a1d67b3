import { assert, describe, it } from "@effect/vitest"
import { Redacted } from "effect"
import * as DerivedKey from "../src/security/DerivedKey.ts"
import * as ServiceToken from "../src/security/ServiceToken.ts"

const key = ServiceToken.signingKey(Redacted.make("secret"))
const known = DerivedKey.publicKey(DerivedKey.publicText(key))
const now = Date.UTC(2026, 10, 28)
const day = ServiceToken.lifetimeMs

describe("a service token", () => {
  it("is that tool's until it ends", () => {
    for (const name of ["import", "admin"] as const) {
      const token = ServiceToken.make(key, name, now + day)
      assert.match(token, /^[A-Za-z0-9_-]+$/)
      assert.strictEqual(ServiceToken.read(known, token, now), name)
      assert.strictEqual(ServiceToken.read(known, token, now + day - 1), name)
      assert.strictEqual(ServiceToken.read(known, token, now + day), "expired")
      assert.strictEqual(ServiceToken.expiryOf(token), now + day)
    }
  })

  it("is nobody's with another name, another end, another key or in another form", () => {
    const token = ServiceToken.make(key, "import", now + day)
    const later = (now + 2 * day).toString(36)
    const others = [
      token.replace("hs_import", "hs_admin"),
      token.replace(/_[0-9a-z]+_/, `_${later}_`),
      token.slice(0, -1),
      `${token}A`,
      `${token} `,
      token.toUpperCase(),
      ServiceToken.make(ServiceToken.signingKey(Redacted.make("other")), "import", now + day),
      "hs_import",
      ""
    ]
    for (const other of others) assert.isUndefined(ServiceToken.read(known, other, now), other)
  })
})
