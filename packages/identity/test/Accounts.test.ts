import { assert, layer } from "@effect/vitest"
import { Revocations } from "@halles/shared/security/Revocations"
import { Effect } from "effect"
import { SqlClient } from "effect/sql"
import { decodeJwt } from "jose"
import * as oidc from "openid-client"
import { generate } from "otplib"
import { Accounts } from "../src/accounts/Accounts.ts"
import { limits } from "../src/signin/Throttle.ts"
import { Browser } from "../src/testing/Browser.ts"
import { IdentityTest, password, withPassword } from "./IdentityTest.ts"

const other = "copper-lantern-brook-4"
const link = (mail: string): string => /https?:\/\/\S+token=\S+/.exec(mail)?.[0] ?? "the mail has no link"

/** The codes on the page that shows them. */
const codesOn = (browser: Browser): ReadonlyArray<string> =>
  [...browser.html.matchAll(/<li>([0-9a-f-]{20,})<\/li>/g)].map(([, code]) => code ?? "")

const setUpApp = async (browser: Browser, issuer: string) => {
  await browser.open(`${issuer}/account/totp`)
  const secret = (/class="secret">([^<]+)</.exec(browser.html)?.[1] ?? "").replaceAll(" ", "")
  await browser.submit("/account/totp", { code: await generate({ secret }) })
  return { secret, codes: codesOn(browser) }
}

const signedIn = async (identity: IdentityTest["Service"], email: string): Promise<Browser> =>
  withPassword(email)(await new Browser().open(`${identity.issuer}/account`))

/** What customers are to be told of their accounts. */
const notices = (identity: IdentityTest["Service"]) =>
  identity.run(
    Effect.flatMap(
      SqlClient.SqlClient,
      (sql) => sql<{ email: string | null }>`SELECT email FROM identity.customer_notice ORDER BY id`
    )
  )

layer(IdentityTest.layer(), { timeout: "60 seconds" })("accounts", (it) => {
  const test = (name: string, run: (identity: IdentityTest["Service"]) => Promise<void>) =>
    it.effect(name, () =>
      Effect.gen(function* () {
        const identity = yield* IdentityTest
        yield* Effect.promise(() => run(identity))
      })
    )

  test("who registers chooses a password by the link in the mail, and goes on to the application", async (identity) => {
    const { tokens } = await identity.signIn(async (browser) => {
      const before = identity.mails()
      await browser.open(/href="(\/register[^"]*)"/.exec(browser.html)?.[1] ?? "")
      await browser.submit("/register", { email: " Ivy@Example.com ", name: "Ivy", region: "ap" })
      assert.strictEqual(browser.title, "Look into your mail")
      const mail = await identity.mailTo("ivy@example.com", before)
      await browser.open(link(mail))
      await browser.submit("/register/finish", { password: "password123" })
      assert.include(browser.text, "easy to guess")
      await browser.submit("/register/finish", { password: "ivy@example.com" })
      assert.include(browser.text, "easy to guess")
      await browser.submit("/register/finish", { password })
    })
    assert.strictEqual(tokens.claims()?.["email"], "ivy@example.com")
    assert.match(String(decodeJwt(tokens.access_token)["customer_id"]), /^ap_/)
  })

  test("a link that was begun in another browser makes the account, and signs nobody in there", async (identity) => {
    const attacker = new Browser("attacker")
    const before = identity.mails()
    await assertRejects(
      identity.signIn(
        async (browser) => {
          await browser.open(/href="(\/register[^"]*)"/.exec(browser.html)?.[1] ?? "")
          await browser.submit("/register", { email: "jo@example.com", name: "Jo", region: "eu" })
        },
        { browser: attacker }
      )
    )
    const owner = await new Browser("owner").open(link(await identity.mailTo("jo@example.com", before)))
    await owner.submit("/register/finish", { password })
    assert.strictEqual(owner.title, "Sign in")
    await attacker.open(`${identity.issuer}/account`)
    assert.strictEqual(attacker.title, "Sign in")
  })

  test("nobody learns from a page whether an address has an account; the mail tells", async (identity) => {
    await identity.account("kim@example.com")
    const seen = async (path: "/register" | "/forgot", email: string) => {
      const browser = await new Browser().open(`${identity.issuer}${path}`)
      const before = identity.mails()
      await browser.submit(path, { email, name: "Kim", region: "eu" })
      return { page: browser.html, status: browser.status, mail: await identity.mailTo(email, before) }
    }
    for (const path of ["/register", "/forgot"] as const) {
      const known = await seen(path, "kim@example.com")
      const unknown = await seen(path, "nobody@example.com")
      assert.deepStrictEqual([known.status, known.page], [unknown.status, unknown.page])
      assert.notStrictEqual(link(known.mail).includes("token="), link(unknown.mail).includes("token="))
    }
    const refused = async (email: string) => {
      const browser = await new Browser().open(`${identity.issuer}/account`)
      // Of this process, threads and all: how busy the machine is does not count.
      const before = process.cpuUsage()
      await withPassword(email, "not the password")(browser)
      const notice = /role="alert">([^<]*)</.exec(browser.html)?.[1]
      const { system, user } = process.cpuUsage(before)
      return { said: [browser.status, notice], ms: (system + user) / 1_000 }
    }
    const tries = { known: [] as Array<number>, unknown: [] as Array<number> }
    for (let round = 0; round < 3; round++) {
      const known = await refused("kim@example.com")
      const unknown = await refused("nobody@example.com")
      assert.deepStrictEqual(known.said, unknown.said)
      tries.known.push(known.ms)
      tries.unknown.push(unknown.ms)
    }
    // A hash is computed either way: without one the answer would come in a small part of the time.
    const [one = 0, two = 0] = [Math.min(...tries.known), Math.min(...tries.unknown)].sort((a, b) => a - b)
    assert.isBelow(two / one, 3)
  })

  test("a reset link works once, ends all sessions, and voids other links", async (identity) => {
    await identity.account("lea@example.com")
    const { browser: signedIn, tokens } = await identity.signIn(withPassword("lea@example.com"))
    const ask = async () => {
      const before = identity.mails()
      const browser = await new Browser().open(`${identity.issuer}/forgot`)
      await browser.submit("/forgot", { email: "lea@example.com" })
      return link(await identity.mailTo("lea@example.com", before))
    }
    const [first, second] = [await ask(), await ask()]
    const browser = await new Browser().open(second)
    await browser.submit("/reset", { password: other })
    assert.strictEqual(browser.title, "Password saved")
    for (const used of [first, second]) {
      await browser.open(used)
      assert.strictEqual(browser.title, "This link has ended")
    }
    await signedIn.open(`${identity.issuer}/account`)
    assert.strictEqual(signedIn.title, "Sign in")
    const config = await identity.client("halles-shop")
    await assertRejects(oidc.refreshTokenGrant(config, tokens.refresh_token ?? ""))
    await withPassword("lea@example.com")(signedIn)
    assert.include(signedIn.text, "E-mail or password is not right")
    await withPassword("lea@example.com", other)(signedIn)
    assert.strictEqual(signedIn.title, "Your account")
    const digests = await identity.run(
      Effect.flatMap(
        SqlClient.SqlClient,
        (sql) => sql<{ password_hash: string }>`SELECT password_hash FROM identity.account`
      )
    )
    for (const { password_hash } of digests) assert.match(password_hash, /^\$argon2id\$v=19\$m=19456,t=2,p=1\$/)
  })

  test("tries at one account from one address are few; whoever else has the password still gets in", async (identity) => {
    await identity.account("mia@example.com")
    const browser = await new Browser().open(`${identity.issuer}/account`)
    const statuses: Array<number> = []
    for (let tries = 0; tries <= limits.signInPair.points; tries++) {
      await withPassword("mia@example.com", "wrong")(browser)
      statuses.push(browser.status)
    }
    assert.deepStrictEqual(statuses, [400, 400, 400, 400, 400, 429])
    await withPassword("mia@example.com")(browser)
    assert.strictEqual(browser.status, 429)
    assert.include(browser.text, "Too many tries")
    // The same for an address that nobody has.
    const unknown = await new Browser().open(`${identity.issuer}/account`)
    for (let tries = 0; tries <= limits.signInPair.points; tries++)
      await withPassword("none@example.com", "wrong")(unknown)
    assert.strictEqual(unknown.status, 429)
    await identity.account("mo@example.com")
    await withPassword("mo@example.com")(await unknown.open(`${identity.issuer}/account`))
    assert.strictEqual(unknown.title, "Your account")
  })

  test("a code from an app counts once, a recovery code too, and the token says so", async (identity) => {
    await identity.account("nia@example.com")
    const owner = await new Browser().open(`${identity.issuer}/account`)
    await withPassword("nia@example.com")(owner)
    const { codes, secret } = await setUpApp(owner, identity.issuer)
    assert.strictEqual(codes.length, 10)
    const spent = await generate({ secret })
    const [recovery = ""] = codes
    const { tokens } = await identity.signIn(async (browser) => {
      await withPassword("nia@example.com")(browser)
      assert.strictEqual(browser.title, "Confirm that it is you")
      // It was used to set the app up.
      await browser.submit("/second", { code: spent })
      assert.include(browser.text, "was used before")
      await browser.submit("/second", { code: recovery.toUpperCase() })
    })
    const token = decodeJwt(tokens.access_token)
    assert.deepStrictEqual([token["acr"], token["amr"]], ["urn:halles:acr:2", ["pwd", "rcv", "mfa"]])
    await assertRejects(
      identity.signIn(async (browser) => {
        await withPassword("nia@example.com")(browser)
        await browser.submit("/second", { code: recovery })
      })
    )
    // The app's next code, as it will show it half a minute from now.
    const next = await generate({ secret, epoch: Math.floor(Date.now() / 1000) + 30 })
    const again = await identity.signIn(async (browser) => {
      await withPassword("nia@example.com")(browser)
      await browser.submit("/second", { code: next })
    })
    assert.deepStrictEqual(decodeJwt(again.tokens.access_token)["amr"], ["pwd", "otp", "mfa"])
    await assertRejects(
      identity.signIn(async (browser) => {
        await withPassword("nia@example.com")(browser)
        await browser.submit("/second", { code: next })
      })
    )
    const stored = await identity.run(
      Effect.flatMap(
        SqlClient.SqlClient,
        (sql) =>
          sql<{
            all: string
          }>`SELECT concat(t.*, (SELECT string_agg(r::text, '') FROM identity.recovery_code r)) AS all FROM identity.totp t`
      )
    )
    for (const { all } of stored) for (const text of [secret, ...codes]) assert.notInclude(all, text)
  })

  test("an account's owner sees its sessions and ends one, with its refresh token", async (identity) => {
    await identity.account("ola@example.com")
    const lost = await identity.signIn(withPassword("ola@example.com"), {
      browser: new Browser("Mozilla/5.0 (Android) Firefox/150.0")
    })
    const owner = await new Browser("Mozilla/5.0 (X11; Linux) Chrome/150.0").open(`${identity.issuer}/account`)
    await withPassword("ola@example.com")(owner)
    assert.include(owner.text, "Firefox on Android")
    assert.include(owner.text, "Chrome on Linux (this one)")
    await owner.submit("/account/sessions/end")
    assert.notInclude(owner.text, "Firefox on Android")
    await lost.browser.open(`${identity.issuer}/account`)
    assert.strictEqual(lost.browser.title, "Sign in")
    await assertRejects(oidc.refreshTokenGrant(await identity.client("halles-shop"), lost.tokens.refresh_token ?? ""))
    await owner.submit("/account/password", { current: "wrong", password: other })
    assert.include(owner.text, "The current password is not right")
    await owner.submit("/account/password", { current: password, password: other })
    assert.include(owner.text, "Your password was changed")
  })

  test("a password with an accent is one at every door, however it is typed", async (identity) => {
    const [composed, decomposed] = (["NFC", "NFD"] as const).map((form) =>
      "gr\u{f6}\u{df}e-fjord-7-l\u{e4}mmer".normalize(form)
    ) as [string, string]
    const next = "\u{e9}clair-violet-orbit-8"
    const browser = await new Browser().open(`${identity.issuer}/register`)
    const before = identity.mails()
    await browser.submit("/register", { email: "noa@example.com", name: "Noa", region: "eu" })
    await browser.open(link(await identity.mailTo("noa@example.com", before)))
    await browser.submit("/register/finish", { password: composed })
    const opens = async (given: string) =>
      (await withPassword("noa@example.com", given)(await new Browser().open(`${identity.issuer}/account`))).title
    assert.deepStrictEqual([await opens(composed), await opens(decomposed)], ["Your account", "Your account"])
    // Changing it, asking for another address, and a link that sets a new one.
    await withPassword("noa@example.com", decomposed)(await browser.open(`${identity.issuer}/account`))
    await browser.submit("/account/password", { current: decomposed, password: next.normalize("NFD") })
    assert.include(browser.text, "Your password was changed")
    assert.strictEqual(await opens(next), "Your account")
    await browser.open(`${identity.issuer}/account/email`)
    await browser.submit("/account/email", { email: "noah@example.com", current: next.normalize("NFD") })
    assert.strictEqual(browser.title, "Look into your mail")
    await browser.open(`${identity.issuer}/forgot`)
    const mailsBefore = identity.mails()
    await browser.submit("/forgot", { email: "noa@example.com" })
    await browser.open(link(await identity.mailTo("noa@example.com", mailsBefore, "/reset?token=")))
    await browser.submit("/reset", { password: decomposed })
    assert.deepStrictEqual([await opens(composed), await opens(next)], ["Your account", "Sign in"])
  })

  test("a form that does not come from our page is refused", async (identity) => {
    await identity.account("pia@example.com")
    const browser = await new Browser().open(`${identity.issuer}/account`)
    await withPassword("pia@example.com")(browser)
    await browser.open("/account/password", {
      method: "POST",
      body: new URLSearchParams({ current: password, password: other, form: "made up" })
    })
    assert.strictEqual(browser.status, 403)
    const after = await withPassword("pia@example.com")(await new Browser().open(`${identity.issuer}/account`))
    assert.strictEqual(after.title, "Your account")
  })

  test("pages allow no inline script, no frame and no other place to send a form to", async (identity) => {
    for (const path of ["/register", "/forgot", "/device", "/nothing"]) {
      const response = await fetch(`${identity.issuer}${path}`)
      const policy = response.headers.get("content-security-policy") ?? ""
      assert.include(policy, "default-src 'none'")
      assert.include(policy, "frame-ancestors 'none'")
      assert.notInclude(policy, "unsafe")
      assert.strictEqual(response.headers.get("cache-control"), "no-store")
      const html = await response.text()
      assert.strictEqual(html.match(/<h1>/g)?.length, 1)
      assert.notMatch(html, /<script>|style=|\son[a-z]+=/)
      for (const [, id] of html.matchAll(/<(?:input|select)[^>]*\bid="([^"]*)"/g))
        assert.include(html, `<label for="${id}"`)
    }
  })

  test("another address is proved by a link, and the old one is told how to take the account back", async (identity) => {
    await identity.account("rio@example.com")
    const { browser: device, tokens } = await identity.signIn(withPassword("rio@example.com"))
    const owner = await signedIn(identity, "rio@example.com")
    const ask = async (email: string, current: string) => {
      await owner.open(`${identity.issuer}/account/email`)
      await owner.submit("/account/email", { email, current })
    }
    await ask("rita@example.com", "wrong")
    assert.include(owner.text, "The password is not right")
    const before = identity.mails()
    await ask(" Rita@Example.com", password)
    assert.strictEqual(owner.title, "Look into your mail")
    const proof = link(await identity.mailTo("rita@example.com", before))
    // A stranger to the account, though the link reached them: the account would be somebody else's.
    await identity.account("sid@example.com")
    const stranger = await signedIn(identity, "sid@example.com")
    await stranger.open(proof)
    assert.deepStrictEqual([stranger.status, stranger.title], [403, "Sign in first"])
    // To look at the link changes nothing, and the page's button works once.
    await owner.open(proof)
    assert.include(owner.text, "rita@example.com")
    await owner.submit("/account/email/confirm")
    assert.strictEqual(owner.title, "Your address was changed")
    await owner.open(proof)
    assert.strictEqual(owner.title, "This link has ended")
    await device.open(`${identity.issuer}/account`)
    assert.strictEqual(device.title, "Sign in")
    await assertRejects(oidc.refreshTokenGrant(await identity.client("halles-shop"), tokens.refresh_token ?? ""))
    assert.strictEqual((await signedIn(identity, "rita@example.com")).title, "Your account")
    assert.strictEqual((await signedIn(identity, "rio@example.com")).title, "Sign in")
    assert.deepStrictEqual((await notices(identity)).at(-1), { email: "rita@example.com" })

    const back = await new Browser().open(link(await identity.mailTo("rio@example.com", before)))
    await back.submit("/account/email/back")
    assert.strictEqual(back.title, "The account is yours again")
    await owner.open(`${identity.issuer}/account`)
    assert.strictEqual(owner.title, "Sign in")
    // The password that somebody else may know has ended too.
    assert.strictEqual((await signedIn(identity, "rio@example.com")).title, "Sign in")
  })

  test("who asks for an address that has an account learns nothing from the page", async (identity) => {
    await identity.account("tom@example.com")
    await identity.account("una@example.com")
    const owner = await signedIn(identity, "tom@example.com")
    const ask = async (email: string) => {
      await owner.open(`${identity.issuer}/account/email`)
      const before = identity.mails()
      await owner.submit("/account/email", { email, current: password })
      return { page: owner.html, status: owner.status, mail: await identity.mailTo(email, before) }
    }
    const known = await ask("una@example.com")
    const unknown = await ask("nobody-yet@example.com")
    assert.deepStrictEqual([known.status, known.page], [unknown.status, unknown.page])
    assert.notInclude(known.mail, "token=")
    // Of two that prove one address, the first has it.
    const proof = link(unknown.mail)
    await identity.account("nobody-yet@example.com")
    await owner.open(proof)
    await owner.submit("/account/email/confirm")
    assert.strictEqual(owner.title, "This link has ended")
    assert.strictEqual((await signedIn(identity, "tom@example.com")).title, "Your account")
  })

  test("an account is closed by its owner alone, with all that was kept of it", async (identity) => {
    const id = await identity.account("uma@example.com")
    const { tokens } = await identity.signIn(withPassword("uma@example.com"))
    const owner = await signedIn(identity, "uma@example.com")
    const { codes } = await setUpApp(owner, identity.issuer)
    // What wants all factors wants the new one too, of this browser as well.
    await owner.open(`${identity.issuer}/account/close`)
    assert.strictEqual(owner.title, "Sign in")
    await withPassword("uma@example.com")(owner)
    await owner.submit("/second", { code: codes[0] ?? "" })
    const close = async (fields: Record<string, string>) => {
      await owner.open(`${identity.issuer}/account/close`)
      await owner.submit("/account/close", fields)
    }
    await close({ current: password })
    assert.include(owner.text, "Please confirm")
    await close({ current: "wrong", sure: "yes" })
    assert.include(owner.text, "The password is not right")
    const by = { actor: "test", reason: "a test", region: null } as const
    await identity.run(Effect.flatMap(Accounts, ({ grantRole }) => grantRole(id, "support", by)))
    await close({ current: password, sure: "yes" })
    assert.strictEqual(owner.title, "This account is staff's")
    await identity.run(Effect.flatMap(Accounts, ({ revokeRole }) => revokeRole(id, "support")))
    const before = identity.mails()
    await close({ current: password, sure: "yes" })
    assert.strictEqual(owner.title, "Your account is closed")
    await identity.mailTo("uma@example.com", before, "was closed")
    await assertRejects(oidc.refreshTokenGrant(await identity.client("halles-shop"), tokens.refresh_token ?? ""))
    const sid = String(decodeJwt(tokens.access_token)["sid"])
    assert.isTrue(await identity.run(Effect.map(Revocations, ({ isRevoked }) => isRevoked(sid))))
    const left = await identity.run(
      Effect.gen(function* () {
        const sql = yield* SqlClient.SqlClient
        const tables = yield* sql<{ name: string }>`
          SELECT c.table_name AS name FROM information_schema.columns c
          WHERE c.table_schema = 'identity' AND c.column_name = 'account_id'`
        const counts = yield* Effect.forEach(
          tables,
          ({ name }) => sql<{ n: bigint }>`SELECT count(*) AS n FROM identity.${sql(name)} WHERE account_id = ${id}`
        )
        const rows = yield* sql`SELECT 1 FROM identity.account WHERE id = ${id} OR email = 'uma@example.com'`
        return { tables: tables.length, rows: rows.length + counts.reduce((sum, [row]) => sum + Number(row?.n), 0) }
      })
    )
    assert.isAtLeast(left.tables, 8)
    assert.strictEqual(left.rows, 0)
    assert.deepStrictEqual((await notices(identity)).at(-1), { email: null })
    assert.strictEqual((await signedIn(identity, "uma@example.com")).title, "Sign in")
  })

  test("whatever was done and tried is in the audit log, without an address of mail", async (identity) => {
    const actions = new Set(identity.audit.map(({ action, outcome }) => `${action} ${outcome}`))
    for (const expected of [
      "account.create allowed",
      "sign-in.password allowed",
      "sign-in.password failed",
      "sign-in.code allowed",
      "sign-in.code failed",
      "password.reset allowed",
      "password.change allowed",
      "password.change failed",
      "mfa.totp.add allowed",
      "session.end allowed",
      "email.ask failed",
      "email.change allowed",
      "email.back allowed",
      "account.close failed",
      "account.close allowed"
    ])
      assert.include([...actions], expected)
    assert.notInclude(JSON.stringify(identity.audit), "@example.com")
  })
})

const assertRejects = async (attempt: Promise<unknown>): Promise<void> => {
  const outcome = await attempt.then(
    () => "it was granted",
    () => "it was refused"
  )
  assert.strictEqual(outcome, "it was refused")
}
