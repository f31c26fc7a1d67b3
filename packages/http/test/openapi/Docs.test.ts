import { assert, layer } from "@effect/vitest"
import { ChromiumTest } from "@halles/chromium/ChromiumTest"
import { Effect, Layer } from "effect"
import { Issuer } from "@halles/entities/routes/Edge"
import { EdgeTest } from "../EdgeTest.ts"

const edge = EdgeTest.layer.pipe(Layer.provide(Layer.succeed(Issuer, "https://login.example")))

layer(Layer.merge(edge, ChromiumTest.layer), { excludeTestServices: true, timeout: "60 seconds" })(
  "the document",
  (it) => {
    it.effect("names the issuer that the edge was told", () =>
      Effect.gen(function* () {
        const { json } = yield* (yield* EdgeTest).send("GET", "/openapi.json")
        const { flows } = json.components.securitySchemes.oauth2
        assert.strictEqual(flows.authorizationCode.tokenUrl, "https://login.example/token")
      })
    )

    it.effect("is a page that draws itself and sends a request, under a policy that names each script", () =>
      Effect.gen(function* () {
        const { url } = yield* EdgeTest
        const chromium = yield* ChromiumTest
        yield* Effect.promise(async () => {
          const page = await chromium.newPage()
          page.setDefaultTimeout(100_000)
          const wrong: Array<string> = []
          page.on("console", (message) => {
            // There is no icon, which a browser asks for by itself.
            if (message.type() === "error" && message.location().url !== `${url}/favicon.ico`)
              wrong.push(message.text())
          })
          page.on("pageerror", (error) => wrong.push(error.message))
          const answer = await page.goto(`${url}/docs`)
          const policy = (await answer?.allHeaders())?.["content-security-policy"] ?? ""
          assert.match(policy, /default-src 'none'; script-src 'sha256-/)
          assert.notMatch(policy, /script-src[^;]*unsafe/)
          await page.getByRole("heading", { name: "Halles", exact: false }).first().waitFor()
          const asked = page.waitForResponse((response) => response.url() === `${url}/health/live`)
          await page.goto(`${url}/docs#tag/health/GET/health/live`)
          // Operations are drawn as they come into view, so that the first button may be another one's.
          await page
            .locator('[id$="tag/health/GET/health/live"]')
            .getByRole("button", { name: /test request/i })
            .first()
            .click()
          await page.getByRole("button", { name: /^send/i }).first().click()
          assert.strictEqual((await asked).status(), 200)
          assert.deepStrictEqual(wrong, [])
        })
      })
    )
  }
)
