import { assert, layer } from "@effect/vitest"
import { Revocations } from "@halles/shared/security/Revocations"
import { Effect } from "effect"
import { SqlClient } from "effect/sql"
import * as fc from "fast-check"
import { decodeJwt } from "jose"
import { overlapSeconds } from "../src/oidc/Artifacts.ts"
import { Browser } from "../src/testing/Browser.ts"
import { Throttle } from "../src/signin/Throttle.ts"
import { IdentityTest, staff, withPassword } from "./IdentityTest.ts"

type Identity = IdentityTest["Service"]
interface Answer {
  readonly status: number
  readonly access: string
  readonly refresh: string
}

const refresh = async ({ issuer }: Identity, token: string, client = "halles-shop"): Promise<Answer> => {
  const body = new URLSearchParams({ client_id: client, grant_type: "refresh_token", refresh_token: token })
  const response = await fetch(`${issuer}/token`, { method: "POST", body })
  const json = (await response.json()) as { readonly access_token?: string; readonly refresh_token?: string }
  return { status: response.status, access: json.access_token ?? "", refresh: json.refresh_token ?? "" }
}

const statuses = (answers: ReadonlyArray<Answer>) => answers.map(({ status }) => status)

/** The clock by which the database judges: what was used, was used so much earlier. */
const pass = (identity: Identity, ms: number) =>
  identity.run(
    Effect.flatMap(
      SqlClient.SqlClient,
      (sql) => sql`
        UPDATE identity.artifact SET consumed_at = consumed_at - make_interval(secs => ${ms / 1_000}::float8)
        WHERE consumed_at IS NOT NULL`
    )
  )

const isEnded = (identity: Identity, access: string) =>
  identity.run(Effect.map(Revocations, ({ isRevoked }) => isRevoked(String(decodeJwt(access)["grant_id"]))))

/** Tries do not count here: many more are made than anybody would. */
const uncounted = async (identity: Identity) => {
  for (const client of ["halles-shop", "halles-ops"])
    await identity.run(Effect.flatMap(Throttle, ({ reset }) => reset("tokenClient", `${client} 127.0.0.1`)))
  await identity.run(Effect.flatMap(Throttle, ({ reset }) => reset("tokenAddress", "127.0.0.1")))
}

const signedIn = async (identity: Identity, email: string) => {
  await identity.account(email)
  const first = await identity.signIn(withPassword(email))
  return { ...first, refreshToken: first.tokens.refresh_token ?? "", access: first.tokens.access_token }
}

/** A tab of a shop: when it looks at what all tabs keep, how long its request and the answer travel, and whether it hears it. */
const Tab = fc.record({
  looksAt: fc.integer({ min: 0, max: 4_000 }),
  there: fc.integer({ min: 0, max: 3_000 }),
  back: fc.integer({ min: 0, max: 3_000 }),
  deaf: fc.boolean()
})
const Tabs = fc.array(Tab, { minLength: 1, maxLength: 4 })

interface Kept {
  refresh: string
  access: string
}

/**
 * Tabs that share what they keep, and renew it when they see that it is old; one that hears nothing looks again. Gives all
 * tokens that were kept, the oldest first.
 */
const renewed = async (
  identity: Identity,
  kept: Kept,
  tabs: ReadonlyArray<typeof Tab extends fc.Arbitrary<infer A> ? A : never>
) => {
  const old = kept.refresh
  type Step = { readonly at: number; readonly run: () => Promise<void> }
  const steps: Array<Step> = []
  const add = (at: number, run: Step["run"]) => steps.push({ at, run })
  for (const { back, deaf, looksAt, there } of tabs) {
    const ask = (at: number, hears: boolean) =>
      add(at, async () => {
        const token = kept.refresh
        if (token !== old) return
        add(at + there, async () => {
          const answer = await refresh(identity, token)
          assert.strictEqual(answer.status, 200, "an honest tab was signed out")
          if (hears) add(at + there + back, async () => void Object.assign(kept, answer))
          else ask(at + there + 3_000, true)
        })
      })
    ask(looksAt, !deaf)
  }
  let now = 0
  while (steps.length > 0) {
    steps.sort((a, b) => a.at - b.at)
    const step = steps.shift()!
    await pass(identity, step.at - now)
    now = step.at
    await step.run()
  }
}

layer(IdentityTest.layer(), { timeout: "120 seconds" })("refresh tokens", (it) => {
  const test = (name: string, run: (identity: Identity) => Promise<void>) =>
    it.effect(name, () =>
      Effect.gen(function* () {
        const identity = yield* IdentityTest
        yield* Effect.promise(() => run(identity))
      })
    )

  test("give another one each time, of the same session, whose predecessor ends everything when it comes later", async (identity) => {
    const { access, refreshToken } = await signedIn(identity, "abe@example.com")
    const second = await refresh(identity, refreshToken)
    assert.notStrictEqual(second.refresh, refreshToken)
    assert.strictEqual(decodeJwt(second.access)["sid"], decodeJwt(access)["sid"])
    await pass(identity, overlapSeconds * 1_000 + 1)
    assert.isFalse(await isEnded(identity, access))
    assert.deepStrictEqual(statuses([await refresh(identity, refreshToken)]), [400])
    assert.deepStrictEqual(statuses([await refresh(identity, second.refresh)]), [400])
    assert.isTrue(await isEnded(identity, access))
    assert.isTrue(await isEnded(identity, second.access))
    const said = identity.audit.find(({ reason }) => reason === "refresh token already used")
    assert.strictEqual(said?.action, "token.issue")
  })

  test("may come again for a while, at once or one after the other, and give the same successor", async (identity) => {
    const { refreshToken } = await signedIn(identity, "ben@example.com")
    const atOnce = await Promise.all(Array.from({ length: 8 }, () => refresh(identity, refreshToken)))
    assert.deepStrictEqual([...new Set(statuses(atOnce))], [200])
    assert.strictEqual(new Set(atOnce.map(({ refresh }) => refresh)).size, 1)
    assert.strictEqual(new Set(atOnce.map(({ access }) => access)).size, 8)
    await pass(identity, overlapSeconds * 1_000 - 2_000)
    const late = await refresh(identity, refreshToken)
    assert.deepStrictEqual([late.status, late.refresh], [200, atOnce[0]?.refresh])
    assert.deepStrictEqual(statuses([await refresh(identity, late.refresh)]), [200])
  })

  test("were used though nobody heard the answer, and no successor was stored: it is made then", async (identity) => {
    const { refreshToken } = await signedIn(identity, "cai@example.com")
    // A process that is killed between the two.
    await identity.run(
      Effect.flatMap(
        SqlClient.SqlClient,
        (sql) => sql`
          UPDATE identity.artifact SET consumed_at = now()
          WHERE model = 'RefreshToken' AND account_id = (SELECT id FROM identity.account WHERE email = 'cai@example.com')`
      )
    )
    const again = await refresh(identity, refreshToken)
    assert.deepStrictEqual(statuses([again, await refresh(identity, again.refresh)]), [200, 200])
  })

  test("end everything when one comes that is older than the one before, however soon", async (identity) => {
    const { access, refreshToken } = await signedIn(identity, "dag@example.com")
    const second = await refresh(identity, refreshToken)
    const third = await refresh(identity, second.refresh)
    assert.deepStrictEqual(statuses([second, third, await refresh(identity, refreshToken)]), [200, 200, 400])
    assert.deepStrictEqual(statuses([await refresh(identity, third.refresh)]), [400])
    for (const token of [access, second.access, third.access]) assert.isTrue(await isEnded(identity, token))
  })

  test("of the operators' page, which one process keeps, have no second time", async (identity) => {
    const { pages } = await staff(identity, "eli@example.com", "ops-read")
    const { tokens } = await identity.signIn(pages, {
      client: "halles-ops",
      scope: "openid ops:read"
    })
    const token = tokens.refresh_token ?? ""
    const second = await refresh(identity, token, "halles-ops")
    assert.deepStrictEqual(statuses([second, await refresh(identity, token, "halles-ops")]), [200, 400])
    assert.deepStrictEqual(statuses([await refresh(identity, second.refresh, "halles-ops")]), [400])
    assert.isTrue(await isEnded(identity, tokens.access_token))
  })

  test("are worth nothing to another client, and take nothing from their own by it", async (identity) => {
    const { refreshToken } = await signedIn(identity, "fae@example.com")
    assert.deepStrictEqual(statuses([await refresh(identity, refreshToken, "halles-cli")]), [400])
    const second = await refresh(identity, refreshToken)
    assert.deepStrictEqual(statuses([await refresh(identity, refreshToken, "halles-cli")]), [400])
    assert.deepStrictEqual(statuses([second, await refresh(identity, second.refresh)]), [200, 200])
  })

  test("leave the browser signed in when they end: it gets a new grant, and nobody is asked for consent", async (identity) => {
    const { browser, refreshToken } = await signedIn(identity, "gus@example.com")
    await refresh(identity, refreshToken)
    await pass(identity, overlapSeconds * 1_000 + 1)
    assert.deepStrictEqual(statuses([await refresh(identity, refreshToken)]), [400])
    const again = await identity.signIn(() => Promise.reject(new Error("it was asked again")), { browser })
    assert.isFalse(await isEnded(identity, again.tokens.access_token))
    assert.deepStrictEqual(statuses([await refresh(identity, again.tokens.refresh_token ?? "")]), [200])
  })

  test("however honest tabs come one after the other, nobody is signed out", async (identity) => {
    await identity.account("hope@example.com")
    const { browser } = await identity.signIn(withPassword("hope@example.com"))
    await fc.assert(
      fc.asyncProperty(fc.array(Tabs, { minLength: 1, maxLength: 4 }), async (rounds) => {
        await uncounted(identity)
        const { tokens } = await identity.signIn(() => Promise.reject(new Error("signed out")), { browser })
        const kept = { refresh: tokens.refresh_token ?? "", access: tokens.access_token }
        for (const tabs of rounds) {
          await renewed(identity, kept, tabs)
          await pass(identity, 540_000)
        }
        assert.strictEqual((await refresh(identity, kept.refresh)).status, 200)
        assert.isFalse(await isEnded(identity, kept.access))
      }),
      { numRuns: 12 }
    )
  })

  test("whichever token a thief sends when its time is over, everybody is signed out, the thief too", async (identity) => {
    await identity.account("iris@example.com")
    const { browser } = await identity.signIn(withPassword("iris@example.com"))
    await fc.assert(
      fc.asyncProperty(
        fc.array(Tabs, { minLength: 1, maxLength: 4 }),
        fc.nat({ max: 3 }),
        fc.boolean(),
        async (rounds, stolenIn, first) => {
          await uncounted(identity)
          const { tokens } = await identity.signIn(() => Promise.reject(new Error("signed out")), { browser })
          const kept = { refresh: tokens.refresh_token ?? "", access: tokens.access_token }
          const line: Array<Kept> = [{ ...kept }]
          for (const tabs of rounds) {
            await renewed(identity, kept, tabs)
            await pass(identity, 540_000)
            line.push({ ...kept })
          }
          // The newest one that the thief has is used by nobody yet: then it is the owner who comes second.
          const stolen = first ? kept.refresh : (line[stolenIn % rounds.length]?.refresh ?? "")
          const thief = await refresh(identity, stolen)
          if (first) {
            assert.strictEqual(thief.status, 200)
            await pass(identity, overlapSeconds * 1_000 + 1)
            assert.strictEqual((await refresh(identity, kept.refresh)).status, 400)
            assert.strictEqual((await refresh(identity, thief.refresh)).status, 400)
            assert.isTrue(await isEnded(identity, thief.access))
          } else assert.strictEqual(thief.status, 400)
          assert.strictEqual((await refresh(identity, kept.refresh)).status, 400)
          for (const { access } of line) assert.isTrue(await isEnded(identity, access))
        }
      ),
      { numRuns: 12 }
    )
  })
})

layer(IdentityTest.layer(), { timeout: "60 seconds" })("what ends with its grant", (it) => {
  const test = (name: string, run: (identity: Identity) => Promise<void>) =>
    it.effect(name, () =>
      Effect.gen(function* () {
        const identity = yield* IdentityTest
        yield* Effect.promise(() => run(identity))
      })
    )

  test("a code that comes again ends what it gave, access tokens too", async (identity) => {
    const { again, access, refreshToken } = await signedIn(identity, "jon@example.com")
    await assertRejected(again())
    assert.isTrue(await isEnded(identity, access))
    assert.strictEqual((await refresh(identity, refreshToken)).status, 400)
  })

  test("of a device's code that is redeemed twice at once nothing is left", async (identity) => {
    await identity.account("jill@example.com")
    const post = async (path: string, fields: Record<string, string>) => {
      const body = new URLSearchParams({ client_id: "halles-cli", ...fields })
      const response = await fetch(`${identity.issuer}${path}`, { method: "POST", body })
      return { status: response.status, json: (await response.json()) as Readonly<Record<string, string>> }
    }
    const { json } = await post("/device/auth", { scope: "openid orders:read offline_access" })
    const browser = await new Browser().open(json["verification_uri"] ?? "")
    await browser.submit("/device", { user_code: json["user_code"] ?? "" })
    await browser.submit("/device")
    await withPassword("jill@example.com")(browser)
    assert.strictEqual(browser.title, "Device connected")
    const code = { grant_type: "urn:ietf:params:oauth:grant-type:device_code", device_code: json["device_code"] ?? "" }
    const answers = await Promise.all([post("/token", code), post("/token", code)])
    assert.include(
      answers.map(({ status }) => status),
      400
    )
    for (const { json, status } of answers) {
      if (status !== 200) continue
      assert.isTrue(await isEnded(identity, json["access_token"] ?? ""))
      assert.strictEqual((await refresh(identity, json["refresh_token"] ?? "", "halles-cli")).status, 400)
    }
  })

  test("signing out everywhere else ends access tokens of grants whose session is long gone", async (identity) => {
    await identity.account("kit@example.com")
    const away = await identity.signIn(
      async (browser) => {
        await withPassword("kit@example.com")(browser)
        await browser.submit("/consent")
      },
      { scope: "openid orders:read offline_access", prompt: "consent" }
    )
    const email = "kit@example.com"
    await identity.run(
      Effect.flatMap(
        SqlClient.SqlClient,
        (sql) => sql`
          DELETE FROM identity.artifact
          WHERE model = 'Session' AND account_id = (SELECT id FROM identity.account WHERE email = ${email})`
      )
    )
    assert.strictEqual((await refresh(identity, away.tokens.refresh_token ?? "")).status, 200)
    const owner = await withPassword(email)(await new Browser().open(`${identity.issuer}/account`))
    await identity.signIn(withPassword(email))
    await owner.open(`${identity.issuer}/account`)
    await owner.submit("/account/sessions/end-others")
    assert.isTrue(await isEnded(identity, away.tokens.access_token))
    assert.strictEqual((await refresh(identity, away.tokens.refresh_token ?? "")).status, 400)
    await owner.open(`${identity.issuer}/account`)
    assert.strictEqual(owner.title, "Your account")
  })

  test("whoever revokes a refresh token ends the access tokens that came with it", async (identity) => {
    const { access, refreshToken } = await signedIn(identity, "lou@example.com")
    const body = new URLSearchParams({ client_id: "halles-shop", token: refreshToken })
    assert.strictEqual((await fetch(`${identity.issuer}/token/revocation`, { method: "POST", body })).status, 200)
    assert.isTrue(await isEnded(identity, access))
  })
})

const assertRejected = async (attempt: Promise<unknown>): Promise<void> => {
  const outcome = await attempt.then(
    () => "it was granted",
    () => "it was refused"
  )
  assert.strictEqual(outcome, "it was refused")
}
