import { assert, it } from "@effect/vitest"
import { Context, Effect, Layer, Option, Redacted } from "effect"
import { decodeJwt } from "jose"
import { Clients } from "../src/oidc/Clients.ts"
import { Browser } from "../src/testing/Browser.ts"
import { IdentityTest, withPassword } from "./IdentityTest.ts"

const secret = "the secret that the shop has at the upstream provider"

/** From the shop's page to the provider's, through it, and back. */
const through = (email: string) => async (opened: Browser) => {
  await opened.open(/href="(\/interaction\/[^"]*\/sso)"/.exec(opened.html)?.[1] ?? "")
  if (opened.title === "Sign in") await withPassword(email)(opened)
}

/** Two of us: one is the upstream provider that the other one's people come from. */
const both = Effect.gen(function* () {
  const upstream = Context.get(yield* Layer.build(Layer.fresh(IdentityTest.layer())), IdentityTest)
  const sso = {
    issuer: upstream.issuer,
    clientId: "shop",
    clientSecret: Redacted.make(secret),
    name: "Upstream",
    region: "am"
  } as const
  const shop = Context.get(yield* Layer.build(Layer.fresh(IdentityTest.layer(Option.some(sso)))), IdentityTest)
  const metadata = {
    first_party: true,
    redirect_uris: [`${shop.issuer}/sso/callback`],
    grant_types: ["authorization_code"],
    response_types: ["code"],
    token_endpoint_auth_method: "client_secret_basic",
    scope: "openid email profile"
  } as const
  yield* Effect.promise(() => upstream.run(Effect.flatMap(Clients, ({ put }) => put("shop", metadata, secret))))
  const browser = () => new Browser().visits(shop.issuer, upstream.issuer)
  return { browser, shop, upstream }
})

it.live(
  "an upstream provider's people sign in; who has an account here proves it once, and then the two are linked",
  () =>
    Effect.gen(function* () {
      const { browser, shop, upstream } = yield* both
      yield* Effect.promise(async () => {
        await upstream.account("uma@example.com")
        const first = await shop.signIn(through("uma@example.com"), { browser: browser() })
        const token = decodeJwt(first.tokens.access_token)
        assert.match(String(token["customer_id"]), /^am_/)
        assert.deepStrictEqual(token["amr"], ["fed"])
        const again = await shop.signIn(through("uma@example.com"), { browser: browser() })
        assert.strictEqual(decodeJwt(again.tokens.access_token).sub, token.sub)

        await upstream.account("vic@example.com")
        const mine = await shop.account("vic@example.com")
        const linked = await shop.signIn(
          async (opened) => {
            await through("vic@example.com")(opened)
            assert.strictEqual(opened.title, "You have an account already")
            await opened.open(/href="(\/interaction\/[^"]*)"/.exec(opened.html)?.[1] ?? "")
            await withPassword("vic@example.com")(opened)
          },
          { browser: browser() }
        )
        assert.deepStrictEqual(decodeJwt(linked.tokens.access_token)["amr"], ["pwd"])
        const now = await shop.signIn(through("vic@example.com"), { browser: browser() })
        assert.strictEqual(decodeJwt(now.tokens.access_token).sub, mine)

        // What one browser began does not end in another one.
        const [attacker, victim] = [browser(), browser()]
        await attacker.open(`${shop.issuer}/account`)
        const began = await fetch(
          new URL(/href="(\/interaction\/[^"]*\/sso)"/.exec(attacker.html)?.[1] ?? "", shop.issuer),
          {
            redirect: "manual",
            headers: { cookie: attacker.cookies() }
          }
        )
        await victim.open(began.headers.get("location") ?? "")
        await withPassword("vic@example.com")(victim)
        assert.strictEqual(victim.title, "That did not work")
        assert.include(victim.text, "this browser did not begin it")
        await attacker.open(`${shop.issuer}/account`)
        assert.strictEqual(attacker.title, "Sign in")
      })
    }).pipe(Effect.scoped),
  60_000
)
