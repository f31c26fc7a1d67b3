import { assert, layer } from "@effect/vitest"
import { run } from "@halles/fuzz/Campaign"
import { credentials } from "@halles/fuzz/Credentials"
import { roleCredentials } from "@halles/fuzz/Issuer"
import { Effect, Redacted } from "effect"
import { adminToken, carrierSecret, EdgeTest, gatewaySecret, importToken } from "./EdgeTest.ts"
import { Issuer } from "./Issuer.ts"
import * as ShopTest from "./shop/ShopTest.ts"

/** `npm run fuzz` sends more, to a whole cluster. */
const count = 400

/**
 * Only eu has a runner here; calls to the other regions end at their deadline, which takes a test its time. So do calls
 * that an operator makes to fail, which `npm run fuzz` ends again.
 */
const inEurope = (paths: object): object => {
  const calm = Object.fromEntries(Object.entries(paths).filter(([path]) => !path.startsWith("/v1/ops/")))
  return JSON.parse(JSON.stringify(calm).replaceAll("(eu|am|ap)", "(eu)").replaceAll('"eu","am","ap"', '"eu"'))
}

layer(EdgeTest.layerOver(ShopTest.layer), { excludeTestServices: true, timeout: "60 seconds" })("fuzzed", (it) => {
  it.effect(
    "answers whatever comes as the document says, and never with a defect",
    () =>
      Effect.gen(function* () {
        const { send, url } = yield* EdgeTest
        const people = yield* roleCredentials((yield* Issuer).sign)
        const { json } = yield* send("GET", "/openapi.json")
        const report = yield* Effect.promise(() =>
          run({
            url,
            document: JSON.stringify({ ...json, paths: inEurope(json.paths) }),
            seed: 1,
            lanes: 16,
            // Other tests may take the processor meanwhile.
            deadlineMs: 20_000,
            withinMs: 100_000,
            count,
            credentials: credentials({
              importToken: Redacted.make(importToken),
              adminToken: Redacted.make(adminToken),
              gatewayWebhook: gatewaySecret,
              carrierWebhook: carrierSecret,
              people
            })
          })
        )
        const failures = report.failures.map(({ reason, request }) => `${reason}\n${request}`)
        assert.strictEqual(failures.length, 0, failures.join("\n---\n"))
        for (const [route, answers] of Object.entries(report.answers)) {
          assert.isNotEmpty(Object.keys(answers), `${route} was never asked`)
        }
      }),
    120_000
  )
})
