import { assert, layer } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { decodeJwt } from "jose"
import * as oidc from "openid-client"
import { generate } from "otplib"
import type { Browser, BrowserContext, Page } from "playwright-core"
import { ChromiumTest } from "@halles/chromium/ChromiumTest"
import { Accounts } from "../src/accounts/Accounts.ts"
import { Enrolments } from "../src/factors/Enrolments.ts"
import { IdentityTest, password } from "./IdentityTest.ts"

/** Sends a page through the authorization endpoint; `pages` does what the person does. */
const signIn = async (identity: IdentityTest["Service"], page: Page, pages: () => Promise<void>) => {
  const config = await identity.client("halles-shop")
  const pkceCodeVerifier = oidc.randomPKCECodeVerifier()
  const expectedState = oidc.randomState()
  const url = oidc.buildAuthorizationUrl(config, {
    redirect_uri: identity.callback,
    scope: "openid orders:read",
    code_challenge: await oidc.calculatePKCECodeChallenge(pkceCodeVerifier),
    code_challenge_method: "S256",
    state: expectedState
  })
  await page.goto(url.href)
  await pages()
  // Arrived, not only sent: a page still on its way would cut off the next one.
  await page.waitForURL((at) => at.href.startsWith(identity.callback))
  const answer = new URL(page.url())
  const tokens = await oidc.authorizationCodeGrant(config, answer, { pkceCodeVerifier, expectedState })
  return decodeJwt(tokens.access_token)
}

/** A device that unlocks for whoever asks. */
const withAuthenticator = async (context: BrowserContext, page: Page) => {
  const devtools = await context.newCDPSession(page)
  await devtools.send("WebAuthn.enable")
  await devtools.send("WebAuthn.addVirtualAuthenticator", {
    options: {
      protocol: "ctap2",
      transport: "internal",
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      automaticPresenceSimulation: true
    }
  })
}

const typePassword = async (page: Page, email: string) => {
  await page.getByLabel("E-mail").fill(email)
  await page.getByLabel("Password").fill(password)
  await page.getByRole("button", { name: "Sign in", exact: true }).click()
}

layer(Layer.merge(IdentityTest.layer(), ChromiumTest.layer), { timeout: "60 seconds" })("in a real browser", (it) => {
  const test = (
    name: string,
    options: Parameters<Browser["newContext"]>[0],
    run: (identity: IdentityTest["Service"], page: Page, context: BrowserContext) => Promise<void>
  ) =>
    it.effect(name, () =>
      Effect.gen(function* () {
        const identity = yield* IdentityTest
        const chromium = yield* ChromiumTest
        yield* Effect.promise(async () => {
          const context = await chromium.newContext(options)
          context.setDefaultTimeout(100_000)
          const page = await context.newPage()
          const refused: Array<string> = []
          page.on("console", (message) => {
            if (/Content Security Policy/.test(message.text())) refused.push(message.text())
          })
          await run(identity, page, context)
          assert.deepStrictEqual(refused, [])
          await context.close()
        })
      })
    )

  test(
    "password and a code from an app, without JavaScript",
    { javaScriptEnabled: false },
    async (identity, page, context) => {
      await identity.account("rae@example.com")
      await page.goto(`${identity.issuer}/account`)
      await typePassword(page, "rae@example.com")
      await page.getByRole("link", { name: "Set up an app" }).click()
      const secret = (await page.locator(".secret").innerText()).replaceAll(" ", "")
      await page.getByLabel("Code that the app shows").fill(await generate({ secret }))
      await page.getByRole("button", { name: "Turn on" }).click()
      assert.strictEqual(await page.locator(".codes li").count(), 10)
      await context.clearCookies()
      const token = await signIn(identity, page, async () => {
        await typePassword(page, "rae@example.com")
        assert.strictEqual(await page.getByRole("heading", { level: 1 }).innerText(), "Confirm that it is you")
        // The code of the next half minute: that of this one was used.
        await page
          .getByLabel("Code from your app")
          .fill(await generate({ secret, epoch: Math.floor(Date.now() / 1000) + 30 }))
        await page.keyboard.press("Enter")
      })
      assert.deepStrictEqual([token["acr"], token["amr"]], ["urn:halles:acr:2", ["pwd", "otp", "mfa"]])
    }
  )

  test("a passkey for a role, by the link of an operator", {}, async (identity, page, context) => {
    const id = await identity.account("ted@example.com")
    const by = { actor: "test", reason: "a test", region: null } as const
    await identity.run(Effect.flatMap(Accounts, ({ grantRole }) => grantRole(id, "ops-read", by)))
    const key = await identity.run(Effect.flatMap(Enrolments, ({ offer }) => offer(id)))
    await withAuthenticator(context, page)
    await page.goto(`${identity.issuer}/account`)
    await typePassword(page, "ted@example.com")
    // One that was added before does not count, and does not keep the device from making another.
    await page.getByRole("button", { name: "Add a passkey" }).click()
    await page.getByRole("heading", { name: "Your recovery codes" }).waitFor()
    await page.goto(`${identity.issuer}/enrol?token=${key}`)
    // Where it leads to is waited for: it would cut off the next page.
    const led = page.waitForEvent("framenavigated")
    await page.getByRole("button", { name: "Sign in with a passkey" }).click()
    await led
    await page.waitForLoadState()
    await page.goto(`${identity.issuer}/enrol?token=${key}`)
    await page.getByRole("button", { name: "Use a passkey instead" }).click()
    await page.getByRole("heading", { name: "Your recovery codes" }).waitFor()
    const token = await signIn(identity, page, () =>
      page.getByRole("button", { name: "Sign in with a passkey" }).click()
    )
    assert.deepStrictEqual([token["acr"], token["roles"]], ["urn:halles:acr:2", ["ops-read", "customer"]])
  })

  test("a passkey of a device, without a password", {}, async (identity, page, context) => {
    const accountId = await identity.account("sol@example.com")
    await withAuthenticator(context, page)
    await page.goto(`${identity.issuer}/account`)
    await typePassword(page, "sol@example.com")
    await page.getByLabel("Name of this device").fill("Test key")
    await page.getByRole("button", { name: "Add a passkey" }).click()
    await page.getByRole("heading", { name: "Your recovery codes" }).waitFor()
    await page.getByRole("link", { name: "I have kept them" }).click()
    await page.getByText("Test key").waitFor()
    await context.clearCookies()
    const token = await signIn(identity, page, () =>
      page.getByRole("button", { name: "Sign in with a passkey" }).click()
    )
    assert.strictEqual(token.sub, accountId)
    assert.strictEqual(token["acr"], "urn:halles:acr:2")
    assert.includeMembers(token["amr"] as Array<string>, ["user", "mfa"])
    // The password alone no longer does.
    await context.clearCookies()
    const again = await signIn(identity, page, async () => {
      await typePassword(page, "sol@example.com")
      await page.getByRole("heading", { name: "Confirm that it is you" }).waitFor()
      await page.getByRole("button", { name: "Use a passkey" }).click()
    })
    assert.strictEqual(again["acr"], "urn:halles:acr:2")
  })
})
