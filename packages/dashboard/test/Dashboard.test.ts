import { assert, layer } from "@effect/vitest"
import { ChromiumTest, openPage } from "@halles/chromium/ChromiumTest"
import axe from "axe-core"
import { Effect, Layer } from "effect"
import { mkdirSync, readdirSync, statSync } from "node:fs"
import { join } from "node:path"
import type { Page } from "playwright-core"
import { SampleCluster } from "./SampleCluster.ts"

/** Where it is, what it is called, and what is to be seen there. */
interface Screen {
  readonly at: string
  readonly heading: string
  readonly says: string
}

const order = "eu_Qm3vXr8Kd0ZtWbYp5nLc2A"
const screens = {
  overview: { at: "#/", heading: "Overview", says: "Europe" },
  alarms: { at: "#/alarms", heading: "Alarms", says: "is parked" },
  shards: { at: "#/shards?region=eu&shard=17", heading: "Shard map", says: "Entities of shard 17" },
  runners: { at: "#/runners", heading: "Runners", says: "eu-2" },
  types: { at: "#/types", heading: "Entity types", says: "Place" },
  entities: { at: "#/entities?type=Order", heading: "Entities", says: order },
  entity: { at: `#/entity/Order/${order}`, heading: `Order/${order}`, says: "ShipmentBooked" },
  sku: { at: "#/entity/Sku/eu_TEA-01", heading: "Sku/eu_TEA-01", says: "eu-north" },
  parked: { at: "#/entity/Order/eu_poison", heading: "Order/eu_poison", says: "Parked since" },
  sagas: { at: "#/sagas", heading: "Sagas", says: "stuck" },
  saga: {
    at: "#/saga/Order/eu_stuck0000000000000000",
    heading: "Saga Order/eu_stuck0000000000000000",
    says: "is pending"
  },
  streams: { at: "#/streams", heading: "Streams", says: "503 Service Unavailable" },
  events: { at: "#/events", heading: "Events", says: "StockHeld" },
  audit: { at: "#/audit", heading: "Audit", says: "new kernel" },
  nowhere: { at: "#/nowhere", heading: "No such page", says: "Go to the overview" }
} satisfies Record<string, Screen>

const looks = {
  "laptop-light": { colorScheme: "light", viewport: { width: 1_366, height: 860 } },
  "phone-dark": { colorScheme: "dark", viewport: { width: 390, height: 844 } }
} as const

const pictures = join(import.meta.dirname, "..", "..", "..", ".halles", "screenshots")

const arrive = async (page: Page, { at, heading, says }: Screen) => {
  await page.evaluate(`location.hash = ${JSON.stringify(at)}`)
  await page.getByRole("heading", { level: 1, name: heading, exact: true }).waitFor()
  await page.getByText(says).first().waitFor()
}

/** What axe finds to be serious or worse, as `rule: element`. */
const barriers = async (page: Page): Promise<ReadonlyArray<string>> => {
  const { violations } = (await page.evaluate(
    "axe.run(document, { resultTypes: ['violations'], runOnly: ['wcag2a', 'wcag2aa', 'wcag21aa', 'wcag22aa'] })"
  )) as axe.AxeResults
  return violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html.slice(0, 160)}`))
}

layer(Layer.merge(SampleCluster.layer({ shardsPerRegion: 64, perSecond: 20 }), ChromiumTest.layer), {
  excludeTestServices: true,
  timeout: "60 seconds"
})("The operators' page", (it) => {
  for (const [look, options] of Object.entries(looks)) {
    it.effect(
      `every screen shows what is there, keeps nobody out and fits, ${look}`,
      () =>
        Effect.gen(function* () {
          const { url } = yield* SampleCluster
          const chromium = yield* ChromiumTest
          yield* Effect.promise(async () => {
            mkdirSync(pictures, { recursive: true })
            const { close, complaints, page } = await openPage(chromium, options)
            await page.goto(url)
            await page.getByRole("heading", { level: 1 }).waitFor()
            await page.evaluate(axe.source)
            for (const [name, screen] of Object.entries(screens)) {
              await arrive(page, screen)
              assert.deepStrictEqual(await barriers(page), [], name)
              const over = await page.evaluate("document.documentElement.scrollWidth - innerWidth")
              assert.isAtMost(Number(over), 0, `${name} is wider than the screen`)
              await page.screenshot({ path: join(pictures, `${name}-${look}.png`), fullPage: true })
            }
            assert.deepStrictEqual(complaints, [])
            await close()
          })
        }),
      120_000
    )
  }

  it.effect(
    "goes by the keyboard alone: shards, time travel, a change and its refusal",
    () =>
      Effect.gen(function* () {
        const { url } = yield* SampleCluster
        const chromium = yield* ChromiumTest
        yield* Effect.promise(async () => {
          const { close, page } = await openPage(chromium, looks["laptop-light"])
          await page.goto(url)
          await page.getByRole("heading", { level: 1, name: "Overview" }).waitFor()
          await arrive(page, { at: "#/shards", heading: "Shard map", says: "64 shards" })
          await page.getByRole("application", { name: "Shards of Europe" }).focus()
          for (const key of ["ArrowRight", "ArrowDown", "Enter"]) await page.keyboard.press(key)
          await page.getByRole("heading", { name: "Entities of shard 9 of Europe" }).waitFor()
          // Keys that come faster than frames count all the same.
          await arrive(page, { at: "#/shards", heading: "Shard map", says: "64 shards" })
          await page.evaluate(`for (const key of ["Home", "ArrowRight", "ArrowDown", "Enter"])
            document.querySelector('[aria-label^="Shards of Europe"]')
              .dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }))`)
          await page.getByRole("heading", { name: "Entities of shard 10 of Europe" }).waitFor()

          await arrive(page, screens.entity)
          await page.getByRole("slider", { name: "Seq that is shown" }).focus()
          // A key that is pressed while an answer is on its way counts, and that answer moves nothing.
          const answers = Promise.withResolvers<void>()
          await page.route(/at=4/, async (asked) => {
            await answers.promise
            await asked.continue()
          })
          await page.keyboard.press("ArrowLeft")
          await page.waitForURL(/at=4/)
          await page.keyboard.press("ArrowLeft")
          answers.resolve()
          await page.waitForURL(/at=3/)
          await page.getByRole("button", { name: "One row later" }).press("Enter")
          await page.waitForURL(/at=4/)
          await page.getByText("seq 4", { exact: true }).first().waitFor()
          await page.getByText("shipping", { exact: true }).first().waitFor()

          await arrive(page, screens.runners)
          await page.getByRole("button", { name: "Drain eu-1" }).focus()
          await page.keyboard.press("Enter")
          const dialog = page.getByRole("dialog", { name: "Drain eu-1" })
          const send = dialog.getByRole("button", { name: "Drain eu-1" })
          assert.isTrue(await send.isDisabled())
          await page.keyboard.type("its machine is to be mended")
          await send.press("Enter")
          await dialog.getByText("eu-1 would have no runner beside it").waitFor()
          await page.keyboard.press("Escape")
          await dialog.waitFor({ state: "detached" })
          await close()
        })
      }),
    60_000
  )

  it.effect(
    "changes what it is told to, for the reason that was given, and says what came of it or why nothing did",
    () =>
      Effect.gen(function* () {
        const { changes, url } = yield* SampleCluster
        const chromium = yield* ChromiumTest
        yield* Effect.promise(async () => {
          const { close, complaints, page } = await openPage(chromium, looks["phone-dark"])
          await page.goto(url)
          await page.getByRole("heading", { level: 1, name: "Overview" }).waitFor()
          await page.evaluate(axe.source)
          const press = (name: string) => page.getByRole("button", { name, exact: true }).click()
          /** Says why; the dialog asks for it before it lets go. */
          const because = async (deed: string, reason: string) => {
            const dialog = page.getByRole("dialog", { name: deed })
            const send = dialog.getByRole("button", { name: deed, exact: true })
            assert.isTrue(await send.isDisabled(), `${deed} without a reason`)
            await dialog.getByLabel("Reason").fill(reason)
            await send.click()
            return dialog
          }
          const done = async (deed: string, reason: string, text: string) => {
            const dialog = await because(deed, reason)
            await dialog.waitFor({ state: "detached" })
            await page.getByRole("status").filter({ hasText: text }).waitFor()
            for (const colorScheme of ["light", "dark"] as const) {
              await page.emulateMedia({ colorScheme })
              assert.deepStrictEqual(await barriers(page), [], `${deed}, ${colorScheme}`)
            }
          }

          await arrive(page, screens.saga)
          await press("Compensate")
          await done("Compensate", "the profile is gone", "sagas/Order:eu_stuck0000000000000000/compensate: accepted")
          await page.getByText("No step is pending.").waitFor()
          assert.strictEqual(await page.getByRole("button", { name: "Compensate" }).count(), 0)

          await arrive(page, { at: "#/saga/Order/eu_other", heading: "Saga Order/eu_other", says: "is pending" })
          assert.strictEqual(await page.getByText("accepted").count(), 0, "told of another screen")
          await press("Skip this step")
          await done("Skip this step", "the mail is not needed", "sagas/Order:eu_other/skip: accepted")

          await arrive(page, { at: `#/saga/Order/${order}`, heading: `Saga Order/${order}`, says: "is pending" })
          await press("Skip this step")
          const refused = await because("Skip this step", "let us see")
          await refused.getByText("retry it, or compensate").waitFor()
          await refused.getByText("Nothing was changed. Cancel, and look at how it stands now").waitFor()
          assert.deepStrictEqual(await barriers(page), [], "a refusal")
          await refused.getByRole("button", { name: "Cancel" }).click()

          await arrive(page, screens.parked)
          await press("Resume")
          await done("Resume Order/eu_poison", "the fault is mended", "entities/Order:eu_poison/resume: accepted")
          await page.getByText("Parked since").waitFor({ state: "detached" })

          await arrive(page, screens.streams)
          for (const box of (await page.getByRole("checkbox").all()).slice(0, 2)) await box.check()
          await press("Send 2 letters again")
          await done("Send 2 letters again", "the shop is back", "2 letters sent again.")
          await page.getByRole("checkbox").nth(1).waitFor({ state: "detached" })
          assert.strictEqual(await page.getByRole("checkbox").count(), 1)

          await arrive(page, { at: "#/shards?region=eu&shard=5", heading: "Shard map", says: "Entities of shard 5" })
          await press("Move")
          await page.getByLabel("To").selectOption({ index: 0 })
          const runner = await page.getByLabel("To").inputValue()
          await done("Move shard 5", "eu-2 is too busy", "shards/eu/5/move: accepted")
          await page.getByRole("row").filter({ hasText: "eu-2 is too busy" }).getByText("waits").waitFor()

          assert.deepStrictEqual(
            changes.map(({ body, fromPage, path }) => ({ path, fromPage, ...body })),
            [
              {
                path: "sagas/Order:eu_stuck0000000000000000/compensate",
                fromPage: true,
                reason: "the profile is gone"
              },
              { path: "sagas/Order:eu_other/skip", fromPage: true, reason: "the mail is not needed" },
              { path: "entities/Order:eu_poison/resume", fromPage: true, reason: "the fault is mended" },
              { path: "dead-letters/replay", fromPage: true, reason: "the shop is back", ids: ["w1", "w2"] },
              { path: "shards/eu/5/move", fromPage: true, reason: "eu-2 is too busy", runner }
            ]
          )
          assert.deepStrictEqual(complaints, [])
          await close()
        })
      }),
    60_000
  )

  it.effect(
    "tries a command without doing anything, and compares two states, by the keyboard",
    () =>
      Effect.gen(function* () {
        const { changes, url } = yield* SampleCluster
        const before = changes.length
        const chromium = yield* ChromiumTest
        yield* Effect.promise(async () => {
          const { close, complaints, page } = await openPage(chromium, looks["phone-dark"])
          await page.goto(url)
          await page.getByRole("heading", { level: 1, name: "Overview" }).waitFor()
          await page.evaluate(axe.source)
          const fine = async (what: string) => {
            for (const colorScheme of ["light", "dark"] as const) {
              await page.emulateMedia({ colorScheme })
              assert.deepStrictEqual(await barriers(page), [], `${what}, ${colorScheme}`)
            }
            const over = await page.evaluate("document.documentElement.scrollWidth - innerWidth")
            assert.isAtMost(Number(over), 0, `${what} is wider than the screen`)
          }
          await arrive(page, { ...screens.entity, at: `${screens.entity.at}?at=3` })
          const command = page.getByLabel("Command as JSON, tried on seq 3.")
          const attempt = async (text: string) => {
            await command.fill(text)
            await command.press("Tab")
            await page.keyboard.press("Enter")
          }
          await attempt("Cancel")
          await page.getByText("This is no JSON.").waitFor()
          await attempt('{"_tag":"Cancle"}')
          await page.getByText('"_tag" must be one of Place, Cancel').waitFor()
          await fine("a command that is none")
          await attempt('{"_tag":"Place"}')
          await page.getByLabel("Why it would be refused").getByText("AlreadyPlaced").waitFor()
          await attempt('{"_tag":"Cancel"}')
          await page.getByLabel("Events that it would write").getByText("CancelRequested").waitFor()
          const would = page.getByRole("status").filter({ hasText: "Would send" })
          assert.match(
            await would.innerText(),
            /At seq\s+3\s+Answer\s+accepted\s+Would send\s+release\s+Timer then\s+\d/
          )
          await page.getByRole("table").filter({ hasText: "cancelling" }).waitFor()
          await fine("what would be")

          await page.getByLabel("From seq").fill("1")
          await page.getByLabel("To seq").fill("4")
          await page.getByLabel("To seq").press("Enter")
          const changed = page.getByRole("region", { name: "Changes from seq 1 to 4" })
          await changed.getByRole("row").filter({ hasText: "reserving" }).waitFor()
          await fine("a comparison")
          await page.getByLabel("To seq").fill("1")
          await page.getByLabel("To seq").press("Enter")
          await page.getByText("Its state is the same.").waitFor()
          await page.getByLabel("To seq").fill("99")
          assert.isFalse(await page.evaluate("document.querySelector('input[name=to]').checkValidity()"))

          assert.strictEqual(changes.length, before)
          assert.deepStrictEqual(complaints, [])
          await close()
        })
      }),
    60_000
  )

  it.effect(
    "shows personal data to whoever says why, and leads who signed in with a password alone to a second factor",
    () =>
      Effect.gen(function* () {
        const { url } = yield* SampleCluster
        const chromium = yield* ChromiumTest
        yield* Effect.promise(async () => {
          const { close, complaints, page } = await openPage(chromium, looks["phone-dark"])
          const requests: Array<URL> = []
          page.on("request", (request) => requests.push(new URL(request.url())))
          await page.goto(`${url}/${screens.entity.at}`)
          await page.getByText("personal data hidden").waitFor()
          await page.evaluate(axe.source)
          await page.getByRole("button", { name: "Show personal data" }).click()
          const dialog = page.getByRole("dialog", { name: "Show personal data" })
          const send = dialog.getByRole("button", { name: "Show personal data" })
          assert.isTrue(await send.isDisabled(), "without a reason")
          assert.isFalse(requests.some(({ searchParams }) => searchParams.has("unmask")))
          await dialog.getByLabel("Reason").fill("the customer called")
          assert.deepStrictEqual(await barriers(page), [], "the question why")
          await send.click()
          await page.getByText("personal data shown").waitFor()
          const unmasking = requests.filter(({ searchParams }) => searchParams.has("unmask"))
          assert.isAtLeast(unmasking.length, 2)
          for (const { searchParams } of unmasking) {
            assert.deepStrictEqual(
              [searchParams.get("unmask"), searchParams.get("reason")],
              ["true", "the customer called"]
            )
          }
          await page.getByRole("button", { name: "Hide personal data" }).click()
          await page.getByText("personal data hidden").waitFor()

          await page.route("**/v1/ops/me", async (route) => {
            const response = await route.fetch()
            const weak = { mayWrite: false, mayUnmask: false, needsTwoFactors: true }
            await route.fulfill({ response, json: { ...(await response.json()), ...weak } })
          })
          await page.reload()
          await page.getByText("You signed in with a password alone: you may look.").waitFor()
          await page.getByText("personal data hidden").waitFor()
          await page.evaluate(axe.source)
          for (const name of ["Show personal data", "Resume"]) {
            assert.strictEqual(await page.getByRole("button", { name }).count(), 0, name)
          }
          assert.strictEqual(
            await page.getByRole("link", { name: "Set one up" }).getAttribute("href"),
            "/second-factor"
          )
          for (const colorScheme of ["light", "dark"] as const) {
            await page.emulateMedia({ colorScheme })
            assert.deepStrictEqual(await barriers(page), [], `a password alone, ${colorScheme}`)
          }
          const over = await page.evaluate("document.documentElement.scrollWidth - innerWidth")
          assert.isAtMost(Number(over), 0, "the notice is wider than the screen")
          const leaving = page.waitForRequest(`${url}/sign-in`)
          await page.getByRole("button", { name: "Sign in with two factors" }).click()
          await leaving
          assert.deepStrictEqual(complaints, [])
          await close()
        })
      }),
    60_000
  )

  it.effect("is told lists that change instead of asking for them again", () =>
    Effect.gen(function* () {
      const { url } = yield* SampleCluster
      const chromium = yield* ChromiumTest
      yield* Effect.promise(async () => {
        const { close, page } = await openPage(chromium, looks["laptop-light"])
        const requests: Array<string> = []
        page.on("request", (request) => requests.push(new URL(request.url()).pathname))
        await page.goto(`${url}/#/types`)
        const calls = page.getByRole("row").filter({ hasText: "View" }).getByRole("cell").nth(2)
        const first = await calls.innerText()
        await page.getByText(first, { exact: true }).waitFor({ state: "detached" })
        const second = await calls.innerText()
        await page.getByText(second, { exact: true }).waitFor({ state: "detached" })
        assert.strictEqual(requests.filter((path) => path === "/v1/ops/types").length, 1)
        await close()
      })
    })
  )

  it.effect("its first load is under 250 kB", () =>
    Effect.gen(function* () {
      const { url } = yield* SampleCluster
      const assets = join(import.meta.dirname, "..", "dist", "assets")
      const compressed = readdirSync(assets).filter((name) => name.endsWith(".gz"))
      const bytes = compressed.reduce((sum, name) => sum + statSync(join(assets, name)).size, 0)
      assert.isAbove(bytes, 50_000)
      assert.isBelow(bytes, 250_000)
      const answer = yield* Effect.promise(() => fetch(url, { headers: { "accept-encoding": "gzip, deflate, br" } }))
      assert.strictEqual(answer.headers.get("content-encoding"), "br")
      assert.match(
        answer.headers.get("content-security-policy") ?? "",
        /^default-src 'none'; script-src 'self'; style-src 'self';/
      )
      const known = { "if-none-match": answer.headers.get("etag") ?? "" }
      assert.strictEqual((yield* Effect.promise(() => fetch(url, { headers: known }))).status, 304)
      const [asset = ""] = readdirSync(assets).filter((name) => name.endsWith(".js"))
      const script = yield* Effect.promise(() => fetch(`${url}/assets/${asset}`))
      assert.include(script.headers.get("cache-control") ?? "", "immutable")
      const html = yield* Effect.promise(() => answer.text())
      assert.notMatch(html, /<script(?![^>]*\bsrc=)|<style|\bstyle=|\bon\w+=/)
    })
  )
})
