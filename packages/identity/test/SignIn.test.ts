import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { decodeJwt, decodeProtectedHeader } from "jose"
import * as oidc from "openid-client"
import { IdentityTest, withPassword } from "./IdentityTest.ts"

const codeOf = async (attempt: Promise<unknown>): Promise<string> => {
  try {
    await attempt
    return "it was granted"
  } catch (error) {
    return error instanceof oidc.ResponseBodyError ? error.error : String(error)
  }
}

layer(IdentityTest.layer(), { timeout: "60 seconds" })("signing in with a client that is not ours", (it) => {
  it.effect("gives an access token for the API, and an ID token", () =>
    Effect.gen(function* () {
      const test = yield* IdentityTest
      yield* Effect.promise(async () => {
        const accountId = await test.account("ada@example.com")
        const { tokens } = await test.signIn(withPassword("ada@example.com"))
        const token = decodeJwt(tokens.access_token)
        const header = decodeProtectedHeader(tokens.access_token)
        assert.strictEqual(header.typ, "at+jwt")
        assert.strictEqual(header.alg, "ES256")
        assert.isString(header.kid)
        assert.strictEqual(token.iss, test.issuer)
        assert.strictEqual(token.aud, "halles")
        assert.strictEqual(token.sub, accountId)
        assert.strictEqual(token["client_id"], "halles-shop")
        assert.strictEqual(token["scope"], "carts:write orders:read")
        assert.deepStrictEqual(token["roles"], ["customer"])
        assert.match(String(token["customer_id"]), /^eu_[A-Za-z0-9_-]{22}$/)
        assert.strictEqual(token["acr"], "urn:halles:acr:1")
        assert.deepStrictEqual(token["amr"], ["pwd"])
        assert.isString(token["sid"])
        assert.strictEqual((token.exp ?? 0) - (token.iat ?? 0), 600)
        assert.strictEqual(tokens.claims()?.["email"], "ada@example.com")
      })
    })
  )

  it.effect("refuses a code that is sent again, and takes back what it gave", () =>
    Effect.gen(function* () {
      const test = yield* IdentityTest
      yield* Effect.promise(async () => {
        await test.account("bea@example.com")
        const config = await test.client("halles-shop")
        const { again, tokens } = await test.signIn(withPassword("bea@example.com"))
        assert.strictEqual(await codeOf(again()), "invalid_grant")
        assert.strictEqual(await codeOf(oidc.refreshTokenGrant(config, tokens.refresh_token ?? "")), "invalid_grant")
      })
    })
  )

  it.effect("gives a new refresh token for each, and ends the family when one comes again", () =>
    Effect.gen(function* () {
      const test = yield* IdentityTest
      yield* Effect.promise(async () => {
        await test.account("cleo@example.com")
        const config = await test.client("halles-shop")
        const { tokens } = await test.signIn(withPassword("cleo@example.com"))
        const second = await oidc.refreshTokenGrant(config, tokens.refresh_token ?? "")
        assert.notStrictEqual(second.refresh_token, tokens.refresh_token)
        assert.strictEqual(decodeJwt(second.access_token)["sid"], decodeJwt(tokens.access_token)["sid"])
        assert.strictEqual(await codeOf(oidc.refreshTokenGrant(config, tokens.refresh_token ?? "")), "invalid_grant")
        assert.strictEqual(await codeOf(oidc.refreshTokenGrant(config, second.refresh_token ?? "")), "invalid_grant")
        const said = test.audit.find(({ reason }) => reason === "refresh token already used")
        assert.strictEqual(said?.action, "token.issue")
      })
    })
  )

  it.effect("lets one of two win that send the same refresh token at once", () =>
    Effect.gen(function* () {
      const test = yield* IdentityTest
      yield* Effect.promise(async () => {
        await test.account("dora@example.com")
        const config = await test.client("halles-shop")
        const { tokens } = await test.signIn(withPassword("dora@example.com"))
        const answers = await Promise.all(
          Array.from({ length: 8 }, () => codeOf(oidc.refreshTokenGrant(config, tokens.refresh_token ?? "")))
        )
        assert.isAtMost(answers.filter((answer) => answer === "it was granted").length, 1)
        assert.deepStrictEqual([...new Set(answers.filter((answer) => answer !== "it was granted"))], ["invalid_grant"])
      })
    })
  )
})
