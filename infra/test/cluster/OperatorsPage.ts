import { assert } from "@effect/vitest"
import { demoCode } from "@halles/identity/accounts/DemoCode"
import { ChromiumTest, openPage } from "@halles/chromium/ChromiumTest"
import { Context, Effect, Layer } from "effect"
import { mkdirSync } from "node:fs"
import { join } from "node:path"
import type { Browser, Page } from "playwright-core"
import { Cluster } from "../../src/cluster/Cluster.ts"
import { ports } from "../../src/cluster/Ports.ts"
import * as Layout from "../../src/Layout.ts"
import { type Secrets, secrets } from "../../src/servers/Secrets.ts"
import { Settings } from "../../src/Settings.ts"
import { type ClusterTests, Shopper } from "./ClusterTest.ts"
import type * as Shop from "./Shop.ts"

const pictures = join(Layout.root, ".halles", "screenshots")

/** The cluster, its accounts, and the page as it is served. */
class Stage extends Context.Service<
  Stage,
  { readonly url: string; readonly keys: Secrets; readonly shop: Shop.Shop; readonly cluster: Cluster["Service"] }
>()("test/Stage") {
  static readonly layer = Layer.effect(
    Stage,
    Effect.gen(function* () {
      const layout = Layout.of("e2e", (yield* Settings).portBase)
      const keys = yield* secrets(layout)
      const url = `http://localhost:${ports(layout.portBase).ops}`
      return { url, keys, shop: yield* Shopper, cluster: yield* Cluster }
    })
  ).pipe(Layer.orDie)
}

/** What was to be seen when a test failed. */
const failed = async (chromium: Browser) => {
  for (const [index, page] of chromium
    .contexts()
    .flatMap((context) => context.pages())
    .entries())
    await page.screenshot({ path: join(pictures, `failed-${index}.png`), fullPage: true })
}

const signIn = async (page: Page, email: string, password: string) => {
  await page.getByRole("button", { name: "Sign in" }).click()
  await page.getByLabel("E-mail").fill(email)
  await page.getByLabel("Password").fill(password)
  await page.getByRole("button", { name: "Sign in", exact: true }).click()
}

const heading = (page: Page, name: string) => page.getByRole("heading", { level: 1, name, exact: true }).waitFor()

const go = async (page: Page, at: string, name: string) => {
  await page.evaluate(`location.hash = ${JSON.stringify(at)}`)
  await heading(page, name)
}

const row = (page: Page, name: string) => page.getByRole("row").filter({ hasText: name })

/** Fills in why, and waits until it is done. */
const because = async (page: Page, deed: string, reason: string) => {
  const dialog = page.getByRole("dialog")
  await dialog.getByLabel("Reason").fill(reason)
  await dialog.getByRole("button", { name: deed, exact: true }).click()
  await dialog.waitFor({ state: "detached" })
}

/** What an operator sees in a browser, and does there. */
export const operatorsPage = (tests: ClusterTests): void =>
  tests.layer(Layer.mergeAll(Stage.layer, ChromiumTest.layer))("The operators' page on a real cluster", (it) => {
    const test = (
      name: string,
      run: (stage: Stage["Service"], chromium: Browser) => Promise<void>,
      prepare: (stage: Stage["Service"]) => Effect.Effect<void> = () => Effect.void
    ) =>
      it.effect(
        name,
        () =>
          Effect.gen(function* () {
            mkdirSync(pictures, { recursive: true })
            const stage = yield* Stage
            const chromium = yield* ChromiumTest
            yield* prepare(stage)
            yield* Effect.promise(() => run(stage, chromium)).pipe(
              Effect.onError(() => Effect.promise(() => failed(chromium)))
            )
          }),
        180_000
      )

    test("lets nobody in who is no operator", async ({ keys, url }, chromium) => {
      const { close, page } = await openPage(chromium)
      await page.goto(`${url}/#/runners`)
      assert.strictEqual((await fetch(`${url}/v1/ops/runners`)).status, 401)
      await signIn(page, "customer@halles.test", keys.demoCustomer)
      await page.getByRole("alert").waitFor()
      assert.strictEqual(await page.getByRole("heading", { name: "Runners" }).count(), 0)
      await page.goto(url)
      await page.getByRole("button", { name: "Sign in" }).waitFor()
      await close()
    })

    let orderId = ""
    test(
      "shows what the cluster does, moves with it, and changes it",
      async ({ cluster, keys, shop, url }, chromium) => {
        const { close, complaints, page } = await openPage(chromium, { colorScheme: "dark" })
        const shot = (name: string) => page.screenshot({ path: join(pictures, `real-${name}.png`), fullPage: true })
        // Where one wanted to go is where one arrives.
        await page.goto(`${url}/#/runners`)
        await signIn(page, "operator@halles.test", keys.demoOperator)
        const { code } = await Effect.runPromise(demoCode(keys.demoOperatorTotp))
        await page.getByLabel("Code from your app").fill(code)
        await page.getByRole("button", { name: "Continue", exact: true }).click()
        await heading(page, "Runners")
        for (const id of ["eu-1", "eu-2", "am-1", "ap-1"]) await row(page, id).waitFor()
        await shot("runners")

        await go(page, "#/", "Overview")
        await row(page, "Europe").waitFor()
        assert.match(await row(page, "Europe").innerText(), /64 \/ 64/)
        await shot("overview")
        await go(page, "#/shards?region=eu&shard=1", "Shard map")
        await page.getByText("64 shards").first().waitFor()
        await page.getByRole("heading", { name: "Entities of shard 1 of Europe" }).waitFor()
        await shot("shards")
        await go(page, "#/types", "Entity types")
        await row(page, "CheckOut").waitFor()
        await shot("types")
        await go(page, "#/streams", "Streams")
        await row(page, "EVENTS_EU").first().waitFor()
        await shot("streams")
        await go(page, "#/alarms", "Alarms")
        await go(page, `#/entities?type=Order&where=status%3Ddelivered`, "Entities")
        await row(page, orderId).waitFor()
        await shot("entities")

        // Time travel: by the slider's keys, and by a row of the history.
        await go(page, `#/entity/Order/${orderId}`, `Order/${orderId}`)
        await page.getByText("delivered", { exact: true }).first().waitFor()
        await page.getByText("StockHeld").first().waitFor()
        await page.getByText(`Cart/${orderId}`).first().waitFor()
        await shot("entity")
        await page.getByRole("slider", { name: "Seq that is shown" }).press("Home")
        await page.getByText("As it was at seq 0.").waitFor()
        await page.getByRole("slider", { name: "Seq that is shown" }).press("ArrowRight")
        await page.getByText("created", { exact: true }).first().waitFor()
        assert.match(page.url(), /at=1$/)
        await shot("entity-at-1")
        await page.getByRole("button", { name: "Now" }).click()
        await page.getByText("delivered", { exact: true }).first().waitFor()
        await go(page, "#/entity/Sku/eu_CAP", "Sku/eu_CAP")
        await row(page, "eu-main").waitFor()

        // The live tail tells an order as it happens.
        await go(page, "#/events?of=Order", "Events")
        await page.getByText("Quiet.").waitFor()
        const sold = Effect.runPromise(
          Effect.flatMap(shop.cart({ CAP: 1 }), (cart) => shop.checkout(cart, { wait: 0 }))
        )
        await row(page, "StockHeld").first().waitFor()
        await sold
        await shot("events")

        // A saga whose partner is away is shown, and sent again by hand.
        cluster.signal("partners", "SIGSTOP")
        const { body } = await Effect.runPromise(
          Effect.flatMap(shop.cart({ CAP: 1 }), (cart) => shop.checkout(cart, { wait: 0 }))
        )
        await go(page, `#/saga/Order/${body.orderId}`, `Saga Order/${body.orderId}`)
        await page.locator(".timeline .waits").waitFor()
        await shot("saga")
        await page.getByRole("button", { name: "Send again now" }).click()
        await because(page, "Send again now", "the gateway will be back")
        cluster.signal("partners", "SIGCONT")
        await page.getByText("No step is pending.").waitFor()

        // A runner is drained and let work again.
        await go(page, "#/runners", "Runners")
        await page.getByRole("button", { name: "Drain eu-2" }).click()
        await because(page, "Drain eu-2", "a test of draining")
        await row(page, "eu-2").getByText("drained").waitFor()
        assert.match(await row(page, "eu-2").innerText(), /0 \/ 0/)
        await shot("drained")
        await page.getByRole("button", { name: "Undrain eu-2" }).click()
        await because(page, "Let eu-2 work again", "the test is over")
        await row(page, "eu-2").getByText("working").waitFor()

        // A runner that is silent is missed without anybody asking, and so is its return noticed. Killed at once it could be
        // back before it is missed.
        await go(page, "#/", "Overview")
        cluster.signal("am-1", "SIGSTOP")
        await row(page, "Americas")
          .getByText(/no runner|without owner/)
          .waitFor()
        cluster.signal("am-1", "SIGKILL")
        await shot("killed")
        await row(page, "Americas")
          .getByText(/no runner|without owner/)
          .waitFor({ state: "detached" })

        await go(page, "#/audit", "Audit")
        await row(page, "a test of draining").waitFor()
        await row(page, "the gateway will be back").waitFor()
        await shot("audit")
        assert.deepStrictEqual(complaints, [])
        await page.getByRole("button", { name: "Sign out" }).click()
        await page.getByRole("button", { name: "Sign in" }).waitFor()
        await close()
      },
      ({ shop }) =>
        Effect.gen(function* () {
          yield* shop.sell("CAP", 500, 100)
          const placed = yield* shop.checkout(yield* shop.cart({ CAP: 2 }))
          orderId = placed.body.orderId
          yield* shop.until(orderId, ({ status }) => status === "delivered")
        }).pipe(Effect.orDie)
    )
  })
