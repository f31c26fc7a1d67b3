import { assert, layer } from "@effect/vitest"
import { failing } from "@halles/shared/clients/Breaker"
import { Nats } from "@halles/shared/clients/Nats"
import { accountCustomerId } from "@halles/shared/security/Ownership"
import { Revocations } from "@halles/shared/security/Revocations"
import { NatsTest } from "@halles/shared/testing/NatsTest"
import { Effect, Layer, Logger, Schedule } from "effect"
import { AccessTokens } from "../../src/access/AccessTokens.ts"
import type { Principal } from "@halles/shared/wire/Principal"
import { Issuer } from "../Issuer.ts"

const world = Layer.unwrap(Effect.map(Issuer, ({ url }) => AccessTokens.layer(url))).pipe(
  Layer.provideMerge(Revocations.layer),
  Layer.provideMerge(Layer.merge(Issuer.layer, NatsTest.layerConnection("credentials"))),
  Layer.provideMerge(NatsTest.layer),
  Layer.provideMerge(Logger.layer([]))
)
const me = accountCustomerId("eu", "m".repeat(22))

/** In a world of its own, since each remembers keys and when it asked for them. */
const fresh = <A, E>(effect: Effect.Effect<A, E, AccessTokens | Issuer | Nats | Revocations>) =>
  Effect.provide(effect, Layer.fresh(world))

const shown = (token: Effect.Effect<string, never, Issuer>) =>
  Effect.gen(function* () {
    const tokens = yield* AccessTokens
    return yield* tokens.principalOf(yield* token)
  })
const signed = (...args: Parameters<Issuer["Service"]["sign"]>) =>
  shown(Effect.flatMap(Issuer, ({ sign }) => sign(...args)))
const verdictOf = ({ kind, rejected }: Principal) => rejected ?? kind

layer(world, { excludeTestServices: true, timeout: "60 seconds" })("access tokens", (it) => {
  it.effect("say who it is: roles and scopes that we know, and nothing else", () =>
    Effect.gen(function* () {
      const roles = ["customer", "emperor"]
      const customer = yield* signed({ roles, scope: "orders:read world:rule openid", customer_id: me, region: "xx" })
      assert.deepStrictEqual(customer, {
        kind: "customer",
        subject: "account-1",
        clientId: "halles-shop",
        roles: new Set(["customer"] as const),
        scopes: new Set(["orders:read"] as const),
        customerId: me
      })
      const staff = yield* signed({ roles: ["customer", "support"], region: "am" })
      assert.deepInclude(staff, { kind: "staff", region: "am" })
      assert.strictEqual((yield* signed({ roles: ["partner"] })).kind, "partner")
    })
  )

  it.effect("are refused when anything of them is wrong", () =>
    Effect.gen(function* () {
      const { sign } = yield* Issuer
      const wrong: ReadonlyArray<readonly [string, Parameters<Issuer["Service"]["sign"]>, string]> = [
        ["expired", [{}, { issuedAt: -500, lifetime: 400 }], "expired"],
        ["too long a life", [{}, { issuedAt: -700, lifetime: 7_000 }], "expired"],
        ["from the future", [{}, { issuedAt: 120 }], "malformed"],
        ["another issuer", [{ iss: "https://elsewhere.example" }], "malformed"],
        ["another audience", [{ aud: "others" }], "malformed"],
        ["an ID token", [{}, { header: { typ: "JWT" } }], "malformed"],
        ["no subject", [{ sub: undefined }], "malformed"],
        ["no client", [{ client_id: undefined }], "malformed"],
        ["no id", [{ jti: undefined }], "malformed"],
        ["signed by somebody else", [{}, { forged: true }], "malformed"]
      ]
      for (const [name, how, reason] of wrong) {
        assert.strictEqual(verdictOf(yield* signed(...how)), reason, name)
      }
      const good = yield* sign({})
      const [head = "", body = "", signature = ""] = good.split(".")
      const unsigned = `${Buffer.from('{"alg":"none","typ":"at+jwt"}').toString("base64url")}.${body}.`
      const changed = `${head}.${Buffer.from(`{"sub":"x"}`).toString("base64url")}.${signature}`
      for (const text of [unsigned, changed, `${head}.${body}`, "..", `${good}x`, "x".repeat(9_000)]) {
        assert.strictEqual(verdictOf(yield* shown(Effect.succeed(text))), "malformed", text.slice(0, 60))
      }
    })
  )

  it.effect("may be used for half a minute by a clock that is late, and no longer", () =>
    Effect.gen(function* () {
      assert.strictEqual(verdictOf(yield* signed({}, { issuedAt: -420, lifetime: 400 })), "partner")
      assert.strictEqual(verdictOf(yield* signed({}, { issuedAt: -440, lifetime: 400 })), "expired")
    })
  )

  it.effect("are checked without asking the issuer again, however many there are", () =>
    Effect.gen(function* () {
      const { asked, sign } = yield* Issuer
      yield* signed({})
      const before = asked()
      const tokens = yield* Effect.forEach(Array.from({ length: 50 }), () => sign({ roles: ["customer"] }))
      for (const token of [...tokens, ...tokens]) yield* shown(Effect.succeed(token))
      for (let n = 0; n < 50; n++) yield* signed({}, { header: { kid: `made-up-${n}` } })
      assert.isAtMost(asked() - before, 1)
    })
  )

  it.effect("of an issuer that is not there yet: it is asked until it is, and then nothing is told as failing", () =>
    Effect.gen(function* () {
      const { asked, away } = yield* Issuer
      // This world's own has asked.
      yield* Effect.repeat(Effect.sleep("20 millis"), { until: () => asked() > 0, times: 500 })
      away(true)
      const before = asked()
      const until = (count: number) =>
        Effect.repeat(Effect.sleep("20 millis"), { until: () => asked() - before >= count, times: 500 })
      yield* Layer.launch(Layer.unwrap(Effect.map(Issuer, ({ url }) => AccessTokens.layer(url)))).pipe(
        Effect.forkScoped
      )
      // Two failures, then an answer: of three calls two have failed, which is no reason to stop.
      yield* until(2)
      away(false)
      yield* until(3)
      yield* Effect.sleep("500 millis")
      assert.isUndefined(failing.get("issuer"))
    }).pipe(Effect.scoped, fresh)
  )

  it.effect("of a key that is not known are refused until the issuer has been asked again", () =>
    fresh(
      Effect.gen(function* () {
        const { asked, rotate } = yield* Issuer
        // Asked for by itself, when the process starts.
        yield* Effect.suspend(() => (asked() > 0 ? Effect.void : Effect.fail("not yet"))).pipe(
          Effect.retry(Schedule.spaced("10 millis"))
        )
        assert.strictEqual(verdictOf(yield* signed({})), "partner")
        yield* rotate("two")
        assert.strictEqual(verdictOf(yield* signed({})), "unknown")
      })
    )
  )

  it.effect("cannot be checked while the issuer has never answered: nobody's fault, and not asked for each", () =>
    fresh(
      Effect.gen(function* () {
        const issuer = yield* Issuer
        issuer.away(true)
        const tokens = yield* AccessTokens
        const token = yield* issuer.sign({})
        const answers = yield* Effect.forEach(Array.from({ length: 20 }), () => tokens.principalOf(token))
        assert.isTrue(answers.every((principal) => verdictOf(principal) === "unavailable"))
        assert.isAtMost(issuer.asked(), 2)
      })
    )
  )

  it.effect("end when their grant or client is revoked, and those of the session's other grants do not", () =>
    Effect.gen(function* () {
      const { sign } = yield* Issuer
      const token = yield* sign({ sid: "session-3", grant_id: "grant-1", roles: ["customer"] })
      const other = yield* sign({ sid: "session-3", grant_id: "grant-2", roles: ["customer"] })
      assert.strictEqual(verdictOf(yield* shown(Effect.succeed(token))), "customer")
      const partner = yield* sign({ client_id: "acme-shop", roles: ["partner"] })
      yield* (yield* Revocations).revoke("grant-1")
      yield* (yield* Revocations).revoke("acme-shop")
      yield* shown(Effect.succeed(token)).pipe(
        Effect.repeat({ until: ({ rejected }) => rejected === "revoked", schedule: Schedule.spaced("10 millis") }),
        Effect.timeout("1 second")
      )
      assert.strictEqual(verdictOf(yield* shown(Effect.succeed(other))), "customer")
      assert.strictEqual(verdictOf(yield* shown(Effect.succeed(partner))), "revoked")
    })
  )

  it.effect("end when their session is revoked, also those that were good a moment ago", () =>
    Effect.gen(function* () {
      const { sign } = yield* Issuer
      const sid = "session-1"
      const token = yield* sign({ sid, roles: ["customer"] })
      const other = yield* sign({ sid: "session-2" })
      assert.strictEqual(verdictOf(yield* shown(Effect.succeed(token))), "customer")
      yield* (yield* Revocations).revoke(sid)
      yield* shown(Effect.succeed(token)).pipe(
        Effect.repeat({ until: ({ rejected }) => rejected === "revoked", schedule: Schedule.spaced("10 millis") }),
        Effect.timeout("5 seconds")
      )
      assert.strictEqual(verdictOf(yield* signed({ sid })), "revoked")
      assert.strictEqual(verdictOf(yield* shown(Effect.succeed(other))), "partner")
      // A process that starts later knows it too.
      const late = Effect.gen(function* () {
        const { isRevoked } = yield* Revocations
        yield* Effect.sync(() => isRevoked(sid)).pipe(
          Effect.repeat({ until: (known) => known, schedule: Schedule.spaced("10 millis") }),
          Effect.timeout("5 seconds")
        )
      })
      yield* Effect.provide(late, Layer.fresh(Revocations.layer))
    })
  )
})
