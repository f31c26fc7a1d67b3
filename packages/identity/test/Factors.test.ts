import { assert, layer } from "@effect/vitest"
import { oneFactor, twoFactors } from "@halles/shared/security/Authority"
import { Revocations } from "@halles/shared/security/Revocations"
import { Effect } from "effect"
import { decodeJwt } from "jose"
import * as oidc from "openid-client"
import { generate, generateSecret } from "otplib"
import { Accounts } from "../src/accounts/Accounts.ts"
import { Enrolments } from "../src/factors/Enrolments.ts"
import { Factors } from "../src/factors/Factors.ts"
import { Browser } from "../src/testing/Browser.ts"
import { IdentityTest, password, staff, withPassword } from "./IdentityTest.ts"

type Identity = IdentityTest["Service"]
const ops = { client: "halles-ops", scope: "openid ops:read" } as const
const by = { actor: "test", reason: "a test", region: null } as const

const secretOn = ({ html }: Browser): string =>
  (/class="secret">([^<]+)</.exec(html)?.[1] ?? "no secret").replaceAll(" ", "")

/** Sets an app up where the browser is let to, and gives its secret. */
const setUpApp = async (browser: Browser, issuer: string): Promise<string> => {
  await browser.open(`${issuer}/account/totp`)
  const secret = secretOn(browser)
  await browser.submit("/account/totp", { code: await generate({ secret }) })
  return secret
}
const account = async ({ issuer }: Identity) => new Browser().open(`${issuer}/account`)
const grant = (identity: Identity, id: string) =>
  identity.run(Effect.flatMap(Accounts, ({ grantRole }) => grantRole(id, "ops-write", by)))
const offer = (identity: Identity, id: string) => identity.run(Effect.flatMap(Enrolments, ({ offer }) => offer(id)))
const acrOf = (token: string) => decodeJwt(token)["acr"]
const never = () => Promise.reject(new Error("asked to sign in"))
const rolesIn = (token: string) => decodeJwt(token)["roles"]

const refused = async (attempt: Promise<unknown>): Promise<string> =>
  attempt.then(
    () => "it was granted",
    (error: Error) => error.message
  )

layer(IdentityTest.layer(), { timeout: "60 seconds" })("second factors of staff", (it) => {
  const test = (name: string, run: (identity: Identity) => Promise<void>) =>
    it.effect(name, () =>
      Effect.gen(function* () {
        const identity = yield* IdentityTest
        yield* Effect.promise(() => run(identity))
      })
    )

  test("a role counts with a second factor, is in the next token, and opens the operators' application", async (identity) => {
    await identity.account("carl@example.com")
    const customer = await refused(identity.signIn(withPassword("carl@example.com"), ops))
    assert.include(customer, "This application is for staff")
    assert.isTrue(identity.audit.some(({ action, outcome }) => action === "sign-in.client" && outcome === "denied"))
    const { id, pages } = await staff(identity, "quin@example.com", "ops-read", "eu")
    const { tokens } = await identity.signIn(pages, ops)
    const token = decodeJwt(tokens.access_token)
    assert.deepStrictEqual(
      [token["roles"], token["region"], token["scope"], token["acr"]],
      [["ops-read", "customer"], "eu", "ops:read", "urn:halles:acr:2"]
    )
    // The region limits the account at every application, and with every other role.
    await identity.run(Effect.flatMap(Accounts, ({ grantRole }) => grantRole(id, "support", by)))
    const shop = await identity.signIn(pages)
    const elsewhere = decodeJwt(shop.tokens.access_token)
    assert.deepStrictEqual([elsewhere["roles"], elsewhere["region"]], [["ops-read", "support", "customer"], "eu"])
  })

  test("an application that asks for two factors gets them, also from who is signed in without", async (identity) => {
    const id = await identity.account("tove@example.com")
    // Who has none is let in all the same, with the token saying so: the application decides.
    const first = await identity.signIn(withPassword("tove@example.com"), { acrValues: twoFactors })
    assert.strictEqual(acrOf(first.tokens.access_token), oneFactor)
    const { browser } = first
    const secret = generateSecret()
    const adopt = Effect.flatMap(Factors, (factors) => factors.adopt(id, secret))
    await identity.run(adopt)
    const silent = await identity.signIn(never, { browser })
    assert.strictEqual(acrOf(silent.tokens.access_token), oneFactor, "nobody asked for more")
    const stronger = await identity.signIn(
      async (page) => {
        await withPassword("tove@example.com")(page)
        await identity.run(adopt)
        await page.submit("/second", { code: await generate({ secret }) })
      },
      { browser, acrValues: twoFactors }
    )
    assert.strictEqual(acrOf(stronger.tokens.access_token), twoFactors)
    const again = await identity.signIn(never, { browser, acrValues: twoFactors })
    assert.strictEqual(acrOf(again.tokens.access_token), twoFactors, "shown once in a session")
  })

  test("whoever has the password alone sets up a factor, and the role is worth nothing with it", async (identity) => {
    const id = await identity.account("rolf@example.com")
    // Before the role is given, and after.
    const before = await withPassword("rolf@example.com")(await account(identity))
    const secret = await setUpApp(before, identity.issuer)
    await grant(identity, id)
    const adopt = Effect.flatMap(Factors, (factors) => factors.adopt(id, secret))
    const pages = async (browser: Browser) => {
      await withPassword("rolf@example.com")(browser)
      await identity.run(adopt)
      await browser.submit("/second", { code: await generate({ secret }) })
    }
    assert.include(await refused(identity.signIn(pages, ops)), "Your role needs a second factor")
    const shop = await identity.signIn(pages, { scope: "openid orders:read offline_access" })
    assert.deepStrictEqual(rolesIn(shop.tokens.access_token), ["customer"])
    // Nor is there a way to it from there: not by a link that is made up, nor by another account's.
    const other = await identity.account("rosa@example.com")
    const stranger = await offer(identity, other)
    const browser = shop.browser
    for (const key of ["made-up", stranger]) {
      await browser.open(`${identity.issuer}/enrol?token=${key}`)
      assert.deepStrictEqual([browser.status, browser.title], [400, "Your second factor"])
    }
    await browser.open(`${identity.issuer}/enrol?token=${await offer(identity, id)}`)
    const form = { code: await generate({ secret: secretOn(browser) }), token: stranger }
    await browser.submit("/enrol/totp", form)
    assert.strictEqual(browser.title, "This link has ended")
    const tokens = await oidc.refreshTokenGrant(await identity.client("halles-shop"), shop.tokens.refresh_token ?? "")
    assert.deepStrictEqual(rolesIn(tokens.access_token), ["customer"])
  })

  test("a link that an operator hands over sets it up, once, in place of all others, and signs everybody else out", async (identity) => {
    const id = await identity.account("sana@example.com")
    const thief = await withPassword("sana@example.com")(await account(identity))
    const known = await setUpApp(thief, identity.issuer)
    await grant(identity, id)
    const [void_, key] = [await offer(identity, id), await offer(identity, id)]
    const owner = await withPassword("sana@example.com")(await account(identity))
    // The one that is there is asked for as long as it is.
    await identity.run(Effect.flatMap(Factors, (factors) => factors.adopt(id, known)))
    await owner.submit("/second", { code: await generate({ secret: known }) })
    assert.include(owner.text, "Your role counts once you have set up a second factor")
    await owner.open(`${identity.issuer}/enrol?token=${void_}`)
    assert.strictEqual(owner.status, 400)
    await owner.open(`${identity.issuer}/enrol`)
    await owner.open(`${identity.issuer}/enrol?token=${key}`)
    assert.strictEqual(owner.title, "Set up your second factor")
    await owner.submit("/enrol/totp", { code: "000000" })
    assert.include(owner.text, "That code is not right")
    const secret = secretOn(owner)
    await owner.submit("/enrol/totp", { code: await generate({ secret }) })
    assert.strictEqual(owner.title, "Your recovery codes")
    const codes = [...owner.html.matchAll(/<li>([0-9a-f-]{20,})<\/li>/g)].map(([, code]) => code ?? "")
    for (const browser of [thief, owner]) {
      await browser.open(`${identity.issuer}/account`)
      assert.strictEqual(browser.title, "Sign in")
    }
    // The factor of before is worth nothing, a new one opens the role, and so does a recovery code of it.
    await withPassword("sana@example.com")(thief)
    await thief.submit("/second", {
      code: await generate({ secret: known, epoch: Math.floor(Date.now() / 1_000) + 30 })
    })
    assert.include(thief.text, "That code is not right")
    const { tokens } = await identity.signIn(async (browser) => {
      await withPassword("sana@example.com")(browser)
      await browser.submit("/second", { code: codes[0] ?? "" })
    }, ops)
    assert.deepStrictEqual(rolesIn(tokens.access_token), ["ops-write", "customer"])
    await withPassword("sana@example.com")(owner)
    await owner.submit("/second", { code: codes[1] ?? "" })
    await owner.open(`${identity.issuer}/enrol?token=${key}`)
    assert.strictEqual(owner.status, 400)
    const said = identity.audit
      .filter(({ action }) => action === "mfa.enrol")
      .map(({ outcome, reason }) => reason ?? outcome)
    assert.includeMembers(said, ["wrong", "allowed"])
  })

  test("of two that use one link at once, one sets up a factor", async (identity) => {
    const id = await identity.account("tess@example.com")
    await grant(identity, id)
    const key = await offer(identity, id)
    const browsers = await Promise.all(
      [0, 1].map(async () => withPassword("tess@example.com")(await account(identity)))
    )
    for (const browser of browsers) await browser.open(`${identity.issuer}/enrol?token=${key}`)
    const forms = await Promise.all(
      browsers.map(async (browser) => ({ browser, code: await generate({ secret: secretOn(browser) }) }))
    )
    await Promise.all(forms.map(({ browser, code }) => browser.submit("/enrol/totp", { code })))
    const titles = browsers.map(({ title }) => title)
    assert.strictEqual(titles.filter((title) => title === "Your recovery codes").length, 1, titles.join())
  })

  test("a further factor, taking one away and a new password ask for those that are there", async (identity) => {
    const email = "ugo@example.com"
    await identity.account(email)
    const early = await withPassword(email)(await account(identity))
    const owner = await withPassword(email)(await account(identity))
    await setUpApp(owner, identity.issuer)
    const form = /name="form" value="([^"]*)"/.exec(early.html)?.[1] ?? ""
    for (const path of [
      "/account/totp/remove",
      "/account/totp",
      "/account/recovery",
      "/account/passkeys",
      "/account/password",
      "/account/email",
      "/account/close"
    ]) {
      const body = new URLSearchParams({ form, current: password, password: "copper-lantern-brook-4", code: "000000" })
      await early.open(`${identity.issuer}${path}`, { method: "POST", body })
      assert.strictEqual(early.title, "Sign in", path)
    }
    // Nothing of it was done.
    await withPassword(email)(early)
    assert.strictEqual(early.title, "Confirm that it is you")
  })

  test("who has a role does not take the last factor away; an operator does, and the role waits again", async (identity) => {
    const { id, pages } = await staff(identity, "vera@example.com", "ops-read")
    const owner = await pages(await account(identity))
    assert.strictEqual(owner.title, "Your account")
    await owner.submit("/account/totp/remove")
    assert.include(owner.text, "Your role needs a second factor")
    const { tokens } = await identity.signIn(pages, ops)
    await identity.run(Effect.flatMap(Factors, ({ removeAll }) => removeAll(id)))
    const config = await identity.client("halles-ops")
    const renewed = await oidc.refreshTokenGrant(config, tokens.refresh_token ?? "")
    assert.deepStrictEqual(rolesIn(renewed.access_token), ["customer"])
    assert.include(
      await refused(identity.signIn(withPassword("vera@example.com"), ops)),
      "Your role needs a second factor"
    )
  })

  test("a token that was issued before the role was given does not get it by being renewed", async (identity) => {
    const id = await identity.account("wim@example.com")
    const thief = await withPassword("wim@example.com")(await account(identity))
    const secret = await setUpApp(thief, identity.issuer)
    const { tokens } = await identity.signIn(async (browser) => {
      await withPassword("wim@example.com")(browser)
      await identity.run(Effect.flatMap(Factors, (factors) => factors.adopt(id, secret)))
      await browser.submit("/second", { code: await generate({ secret }) })
    })
    assert.strictEqual(decodeJwt(tokens.access_token)["acr"], "urn:halles:acr:2")
    await grant(identity, id)
    const key = await offer(identity, id)
    const renewed = await oidc.refreshTokenGrant(await identity.client("halles-shop"), tokens.refresh_token ?? "")
    assert.deepStrictEqual(rolesIn(renewed.access_token), ["customer"])
    // Nor once the owner has set up a factor: what was signed in before has ended, at every edge.
    await identity.run(Effect.flatMap(Factors, ({ removeAll }) => removeAll(id)))
    const owner = await withPassword("wim@example.com")(await account(identity))
    await owner.open(`${identity.issuer}/enrol?token=${key}`)
    await owner.submit("/enrol/totp", { code: await generate({ secret: secretOn(owner) }) })
    assert.strictEqual(owner.title, "Your recovery codes")
    const config = await identity.client("halles-shop")
    assert.notStrictEqual(await refused(oidc.refreshTokenGrant(config, renewed.refresh_token ?? "")), "it was granted")
    const grantId = String(decodeJwt(renewed.access_token)["grant_id"])
    assert.isTrue(await identity.run(Effect.map(Revocations, ({ isRevoked }) => isRevoked(grantId))))
  })
})
