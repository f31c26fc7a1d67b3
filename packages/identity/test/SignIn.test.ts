import { assert, layer } from "@effect/vitest"
import { Revocations } from "@halles/shared/security/Revocations"
import { Effect } from "effect"
import { SqlClient } from "effect/sql"
import { createRemoteJWKSet, decodeJwt, decodeProtectedHeader, jwtVerify } from "jose"
import * as oidc from "openid-client"
import { Clients } from "../src/oidc/Clients.ts"
import { SigningKeys } from "../src/oidc/SigningKeys.ts"
import { Browser } from "../src/testing/Browser.ts"
import { IdentityTest, password, withPassword } from "./IdentityTest.ts"
import { deleteExpired } from "../src/oidc/Sweep.ts"
import { type Limit, limits, Throttle } from "../src/signin/Throttle.ts"

const codeOf = async (attempt: Promise<unknown>): Promise<string> => {
  try {
    await attempt
    return "it was granted"
  } catch (error) {
    if (error instanceof oidc.WWWAuthenticateChallengeError) return String(error.cause[0]?.parameters["error"])
    return error instanceof oidc.ResponseBodyError ? error.error : String(error)
  }
}

const isRefused = async (response: Response) => {
  assert.strictEqual(response.status, 429)
  assert.isAtLeast(Number(response.headers.get("retry-after")), 1)
  assert.strictEqual(((await response.json()) as { error: string }).error, "temporarily_unavailable")
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
        assert.match(String(token["customer_id"]), /^eu_acc_[A-Za-z0-9_-]{22}$/)
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

  it.effect("signs with the next key after a rotation; what the key before signed still verifies", () =>
    Effect.gen(function* () {
      const test = yield* IdentityTest
      yield* Effect.promise(async () => {
        await test.account("ella@example.com")
        const config = await test.client("halles-shop")
        const { tokens } = await test.signIn(withPassword("ella@example.com"))
        await test.run(Effect.flatMap(SigningKeys, ({ rotate }) => rotate))
        await test.refresh()
        const after = await oidc.refreshTokenGrant(config, tokens.refresh_token ?? "")
        const kids = [tokens, after].map(({ access_token }) => decodeProtectedHeader(access_token).kid)
        assert.notStrictEqual(kids[0], kids[1])
        const keys = createRemoteJWKSet(new URL(`${test.issuer}/jwks`))
        for (const { access_token } of [tokens, after]) {
          const { payload } = await jwtVerify(access_token, keys, {
            issuer: test.issuer,
            audience: "halles",
            typ: "at+jwt"
          })
          assert.strictEqual(payload["client_id"], "halles-shop")
        }
        const response = await fetch(`${test.issuer}/jwks`)
        const published = (await response.json()) as { readonly keys: ReadonlyArray<Record<string, unknown>> }
        assert.isAtLeast(published.keys.length, 3)
        for (const key of published.keys) assert.notProperty(key, "d")
      })
    })
  )

  it.effect("lets a device in once its code was confirmed in a browser", () =>
    Effect.gen(function* () {
      const test = yield* IdentityTest
      yield* Effect.promise(async () => {
        const accountId = await test.account("fay@example.com")
        const config = await test.client("halles-cli")
        const device = await oidc.initiateDeviceAuthorization(config, { scope: "openid orders:read offline_access" })
        const ask = () =>
          oidc.genericGrantRequest(config, "urn:ietf:params:oauth:grant-type:device_code", {
            device_code: device.device_code
          })
        assert.strictEqual(await codeOf(ask()), "authorization_pending")
        const browser = await new Browser().open(device.verification_uri)
        await browser.submit("/device", { user_code: "WRNG-CDES" })
        assert.include(browser.text, "That code is not known")
        await browser.submit("/device", { user_code: device.user_code })
        assert.strictEqual(browser.title, "Is this your device?")
        assert.include(browser.text, "Halles command line")
        await browser.submit("/device")
        await withPassword("fay@example.com")(browser)
        assert.strictEqual(browser.title, "Device connected")
        const tokens = await ask()
        const token = decodeJwt(tokens.access_token)
        assert.strictEqual(token.sub, accountId)
        assert.strictEqual(token["client_id"], "halles-cli")
        const renewed = await oidc.refreshTokenGrant(config, tokens.refresh_token ?? "")
        assert.strictEqual(decodeJwt(renewed.access_token).sub, accountId)
        // The device's code again: as with any code, what it gave is taken back.
        assert.strictEqual(await codeOf(ask()), "invalid_grant")
        assert.strictEqual(await codeOf(oidc.refreshTokenGrant(config, renewed.refresh_token ?? "")), "invalid_grant")
      })
    })
  )

  it.effect("gives a partner's client its own token, within its scope and with the right secret only", () =>
    Effect.gen(function* () {
      const test = yield* IdentityTest
      yield* Effect.promise(async () => {
        const metadata = {
          roles: ["partner"],
          region: "eu",
          grant_types: ["client_credentials"],
          response_types: [],
          redirect_uris: [],
          token_endpoint_auth_method: "client_secret_basic",
          scope: "orders:read stock:read"
        } as const
        await test.run(Effect.flatMap(Clients, ({ put }) => put("acme", metadata, "a secret of acme")))
        const config = await test.client("acme", oidc.ClientSecretBasic("a secret of acme"))
        const tokens = await oidc.clientCredentialsGrant(config, { scope: "stock:read" })
        const token = decodeJwt(tokens.access_token)
        assert.deepStrictEqual(
          [token.sub, token["client_id"], token["scope"], token["roles"], token["region"], token.aud],
          ["acme", "acme", "stock:read", ["partner"], "eu", "halles"]
        )
        assert.notProperty(token, "customer_id")
        assert.strictEqual(await codeOf(oidc.clientCredentialsGrant(config, { scope: "ops:write" })), "invalid_scope")
        const wrong = await test.client("acme", oidc.ClientSecretBasic("another secret"))
        assert.strictEqual(await codeOf(oidc.clientCredentialsGrant(wrong)), "invalid_client")
        await test.run(Effect.flatMap(Clients, ({ disable }) => disable("acme")))
        assert.strictEqual(await codeOf(oidc.clientCredentialsGrant(config)), "invalid_client")
      })
    })
  )

  it.effect("revokes a refresh token, and tells its client alone whether one lives", () =>
    Effect.gen(function* () {
      const test = yield* IdentityTest
      yield* Effect.promise(async () => {
        await test.account("gil@example.com")
        const config = await test.client("halles-shop")
        const { tokens } = await test.signIn(withPassword("gil@example.com"))
        const token = tokens.refresh_token ?? ""
        assert.isTrue((await oidc.tokenIntrospection(config, token)).active)
        assert.isFalse((await oidc.tokenIntrospection(await test.client("halles-cli"), token)).active)
        await oidc.tokenRevocation(config, token)
        assert.isFalse((await oidc.tokenIntrospection(config, token)).active)
        assert.strictEqual(await codeOf(oidc.refreshTokenGrant(config, token)), "invalid_grant")
      })
    })
  )

  it.effect("knows no flow that OAuth 2.1 left behind, and no code without PKCE", () =>
    Effect.gen(function* () {
      const test = yield* IdentityTest
      yield* Effect.promise(async () => {
        const shop = { client_id: "halles-shop", redirect_uri: test.callback, scope: "openid", nonce: "n", state: "s" }
        const ask = async (more: Record<string, string>) => {
          const { left } = await new Browser().open(`${test.issuer}/auth?${new URLSearchParams({ ...shop, ...more })}`)
          return left?.searchParams.get("error") ?? new URLSearchParams(left?.hash.slice(1)).get("error")
        }
        assert.strictEqual(await ask({ response_type: "token" }), "unsupported_response_type")
        assert.strictEqual(await ask({ response_type: "id_token" }), "unsupported_response_type")
        assert.strictEqual(await ask({ response_type: "code" }), "invalid_request")
        assert.strictEqual(
          await ask({ response_type: "code", code_challenge: "c".repeat(43), code_challenge_method: "plain" }),
          "invalid_request"
        )
        const config = await test.client("halles-shop")
        const given = { username: "ada@example.com", password }
        assert.strictEqual(await codeOf(oidc.genericGrantRequest(config, "password", given)), "unsupported_grant_type")
        assert.deepStrictEqual(config.serverMetadata().code_challenge_methods_supported, ["S256"])
      })
    })
  )

  it.effect("names the issuer in all that it answers, by whatever name it was asked", () =>
    Effect.gen(function* () {
      const test = yield* IdentityTest
      yield* Effect.promise(async () => {
        const response = await fetch(
          `${test.issuer.replace("localhost", "127.0.0.1")}/.well-known/openid-configuration`,
          {
            headers: { "x-forwarded-host": "evil.example", "x-forwarded-proto": "https" }
          }
        )
        const text = await response.text()
        assert.notInclude(text, "evil")
        assert.notInclude(text, "127.0.0.1")
        assert.notInclude(text, "https")
      })
    })
  )

  it.effect("signs out at the application's wish, and the session's refresh tokens end with it", () =>
    Effect.gen(function* () {
      const test = yield* IdentityTest
      yield* Effect.promise(async () => {
        await test.account("hal@example.com")
        const config = await test.client("halles-shop")
        const { browser, tokens } = await test.signIn(withPassword("hal@example.com"))
        const url = oidc.buildEndSessionUrl(config, {
          id_token_hint: tokens.id_token ?? "",
          post_logout_redirect_uri: test.callback,
          state: "bye"
        })
        await browser.open(url.href)
        assert.strictEqual(browser.title, "Sign out?")
        await browser.submit("/session/end/confirm", { logout: "yes" })
        assert.strictEqual(browser.left?.href, `${test.callback}?state=bye`)
        assert.strictEqual(await codeOf(oidc.refreshTokenGrant(config, tokens.refresh_token ?? "")), "invalid_grant")
        const sid = String(decodeJwt(tokens.access_token)["sid"])
        assert.isTrue(await test.run(Effect.map(Revocations, ({ isRevoked }) => isRevoked(sid))))
        await browser.open(`${test.issuer}/account`)
        assert.strictEqual(browser.title, "Sign in")
      })
    })
  )

  it.effect("asks before a partner's application sees an account, and tells it when the person refuses", () =>
    Effect.gen(function* () {
      const test = yield* IdentityTest
      yield* Effect.promise(async () => {
        await test.account("ian@example.com")
        await test.account("ira@example.com")
        const metadata = {
          client_name: "Price <b>Hunter</b>",
          redirect_uris: [test.callback],
          grant_types: ["authorization_code", "refresh_token"],
          response_types: ["code"],
          token_endpoint_auth_method: "client_secret_basic",
          scope: "openid orders:read customers:read"
        } as const
        await test.run(Effect.flatMap(Clients, ({ put }) => put("hunter", metadata, "a secret of hunter")))
        const as = { client: "hunter", auth: oidc.ClientSecretBasic("a secret of hunter"), scope: "openid orders:read" }
        const { browser, tokens } = await test.signIn(async (opened) => {
          await withPassword("ian@example.com")(opened)
          assert.strictEqual(opened.title, "Allow Price <b>Hunter</b>?")
          assert.include(opened.text, "See your orders")
          assert.notInclude(opened.html, "<b>")
          await opened.submit("/consent", { answer: "yes" })
        }, as)
        assert.strictEqual(decodeJwt(tokens.access_token)["scope"], "orders:read")
        // Asked once; the next time the same browser goes straight through, and another one after the sign-in.
        await test.signIn(() => Promise.reject(new Error("it was asked again")), { ...as, browser })
        const elsewhere = await test.signIn(withPassword("ian@example.com"), as)
        assert.strictEqual(decodeJwt(elsewhere.tokens.access_token)["scope"], "orders:read")
        // More than it was allowed is asked for.
        await test.signIn(
          async (opened) => {
            assert.strictEqual(opened.title, "Allow Price <b>Hunter</b>?")
            assert.include(opened.text, "See your profile and addresses")
            await opened.submit("/consent", { answer: "yes" })
          },
          { ...as, browser, scope: "openid orders:read customers:read" }
        )
        // What was allowed is shown, and taken back: what the application was given ends, and it asks again.
        const config = await test.client("hunter", as.auth)
        const renewed = await oidc.refreshTokenGrant(config, elsewhere.tokens.refresh_token ?? "")
        await browser.open(`${test.issuer}/account`)
        assert.include(browser.text, "Applications that you allowed Price <b>Hunter</b>")
        await browser.submit("/account/consents/end")
        assert.notInclude(browser.text, "Applications that you allowed")
        assert.strictEqual(await codeOf(oidc.refreshTokenGrant(config, renewed.refresh_token ?? "")), "invalid_grant")
        await test.signIn(async (opened) => {
          await withPassword("ian@example.com")(opened)
          assert.strictEqual(opened.title, "Allow Price <b>Hunter</b>?")
          await opened.submit("/consent", { answer: "yes" })
        }, as)
        const refused = new Browser()
        await codeOf(
          test.signIn(
            async (opened) => {
              await withPassword("ira@example.com")(opened)
              await opened.submit("/refuse")
            },
            { ...as, browser: refused }
          )
        )
        assert.strictEqual(refused.left?.searchParams.get("error"), "access_denied")
      })
    })
  )

  it.effect(
    "asks an application that asks too often to wait, by client and address; and whoever starts too many devices",
    () =>
      Effect.gen(function* () {
        const test = yield* IdentityTest
        yield* Effect.promise(async () => {
          await test.account("kay@example.com")
          const shop = await test.client("halles-shop")
          const { tokens } = await test.signIn(withPassword("kay@example.com"))
          const exhaust = (limit: Limit, key: string) =>
            test.run(
              Effect.flatMap(Throttle, ({ take }) =>
                Effect.forEach(Array.from({ length: limits[limit].points }), () => take(limit, key), { discard: true })
              ).pipe(Effect.ignore)
            )
          const release = (limit: Limit, key: string) =>
            test.run(Effect.flatMap(Throttle, ({ reset }) => reset(limit, key)))
          const post = (path: string, fields: Record<string, string>) =>
            fetch(`${test.issuer}${path}`, { method: "POST", body: new URLSearchParams(fields) })
          // A wrong code is counted as a right one is; the client is known by its secret, or by its name.
          await exhaust("tokenClient", "halles-shop 127.0.0.1")
          const refresh = { grant_type: "refresh_token", refresh_token: tokens.refresh_token ?? "" }
          await isRefused(await post("/token", { client_id: "halles-shop", ...refresh }))
          await isRefused(await post("/token/introspection", { client_id: "halles-shop", token: "x" }))
          const other = await post("/token", { client_id: "halles-cli", ...refresh })
          assert.strictEqual(other.status, 400)
          await release("tokenClient", "halles-shop 127.0.0.1")
          // What was refused used nothing up.
          assert.isString((await oidc.refreshTokenGrant(shop, refresh.refresh_token)).access_token)
          await exhaust("tokenAddress", "127.0.0.1")
          await isRefused(await post("/token", { client_id: "nobody" }))
          await release("tokenAddress", "127.0.0.1")
          await exhaust("authAddress", "127.0.0.1")
          const begun = await fetch(`${test.issuer}/auth?client_id=halles-shop`, { redirect: "manual" })
          assert.strictEqual(begun.status, 429)
          assert.match(begun.headers.get("retry-after") ?? "", /^[1-9]/)
          await release("authAddress", "127.0.0.1")
          await exhaust("deviceStart", "127.0.0.1")
          await isRefused(await post("/device/auth", { client_id: "halles-cli" }))
          await release("deviceStart", "127.0.0.1")
          assert.strictEqual((await post("/device/auth", { client_id: "halles-cli" })).status, 200)
        })
      })
  )

  it.effect("forgets all that has expired, however much somebody began", () =>
    Effect.gen(function* () {
      const test = yield* IdentityTest
      yield* Effect.promise(() =>
        test.run(
          Effect.gen(function* () {
            const sql = yield* SqlClient.SqlClient
            yield* sql`
              INSERT INTO identity.artifact (model, digest, payload, expires_at)
              SELECT 'Interaction', 'begun-' || n, '', now() + make_interval(secs => CASE WHEN n = 1 THEN 60 ELSE -60 END)
              FROM generate_series(1, 12000) AS n`
            yield* deleteExpired
            const left = yield* sql`SELECT digest FROM identity.artifact WHERE digest LIKE 'begun-%'`
            assert.deepStrictEqual(left, [{ digest: "begun-1" }])
          })
        )
      )
    })
  )

  it.effect("keeps nothing that a thief of the database could send", () =>
    Effect.gen(function* () {
      const test = yield* IdentityTest
      yield* Effect.promise(async () => {
        await test.account("jan@example.com")
        const { browser, tokens } = await test.signIn(withPassword("jan@example.com"))
        const rows = await test.run(
          Effect.flatMap(
            SqlClient.SqlClient,
            (sql) => sql<{ row: string }>`
            SELECT a::text AS row FROM identity.artifact a UNION ALL SELECT k::text FROM identity.signing_key k
            UNION ALL SELECT c::text FROM identity.client c`
          )
        )
        const session = /halles_session=([^;]+)/.exec(browser.cookies())?.[1] ?? "no session"
        const stored = rows.map(({ row }) => row).join()
        for (const secret of [tokens.refresh_token ?? "none", session, "a secret of hunter", '"d":'])
          assert.notInclude(stored, secret)
        assert.include(stored, "RefreshToken")
      })
    })
  )
})
