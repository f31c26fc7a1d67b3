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
const european = (part: object): object =>
  JSON.parse(JSON.stringify(part).replaceAll("(eu|am|ap)", "(eu)").replaceAll('"eu","am","ap"', '"eu"'))
interface Contract {
  readonly paths: object
  readonly components: { readonly schemas: Readonly<Record<string, object>>; readonly parameters: object }
}
const inEurope = ({ components, paths, ...rest }: Contract): Contract => {
  const calm = Object.fromEntries(Object.entries(paths).filter(([path]) => !path.startsWith("/v1/ops/")))
  // What is sent and has a name; what is answered tells of all regions.
  const { ProductItem, StockItem, ...answered } = components.schemas
  const schemas = { ...answered, ...european({ ProductItem, StockItem }) }
  return {
    ...rest,
    paths: european(calm),
    components: { ...components, schemas, parameters: european(components.parameters) }
  }
}

type Answers = Readonly<Record<string, object>>
const unaskedOf = (answers: Answers): ReadonlyArray<string> =>
  Object.entries(answers).flatMap(([route, counts]) => (Object.keys(counts).length === 0 ? [route] : []))

/** The routes with the names, such as `GET /v1/products`. */
const only = (paths: object, routes: ReadonlyArray<string>): object =>
  Object.fromEntries(
    Object.entries(paths as Readonly<Record<string, object>>).map(([path, methods]) => [
      path,
      Object.fromEntries(
        Object.entries(methods).filter(([method]) => routes.includes(`${method.toUpperCase()} ${path}`))
      )
    ])
  )

layer(EdgeTest.layerOver(ShopTest.layer), { excludeTestServices: true, timeout: "60 seconds" })("fuzzed", (it) => {
  it.effect(
    "answers whatever comes as the document says, and never with a defect",
    () =>
      Effect.gen(function* () {
        const { send, url } = yield* EdgeTest
        const people = yield* roleCredentials((yield* Issuer).sign)
        const { json } = yield* send("GET", "/openapi.json")
        const contract = inEurope(json)
        const { paths } = contract
        const campaign = (paths: object, count: number) =>
          run({
            url,
            document: JSON.stringify({ ...contract, paths }),
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
        const report = yield* Effect.promise(() => campaign(paths, count))
        const unasked = unaskedOf(report.answers)
        // Those that chance has left out.
        const rest = yield* Effect.promise(() => campaign(only(paths, unasked), unasked.length * 10))
        const failures = [...report.failures, ...rest.failures].map(({ reason, request }) => `${reason}\n${request}`)
        assert.strictEqual(failures.length, 0, failures.join("\n---\n"))
        assert.deepStrictEqual(unaskedOf(rest.answers), [])
      }),
    // Twice as long as requests are begun, one campaign after the other.
    240_000
  )
})
