import { assert, describe, it } from "@effect/vitest"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import * as fc from "fast-check"
import { root } from "@halles/infra/Layout"
import { boundsOf, limits, placed, withNumbers } from "../src/Bounds.ts"
import { type Contract, parse, type Route } from "../src/Contract.ts"
import { judge } from "../src/Judge.ts"
import { key } from "../src/Requests.ts"
import type { Received, Sent } from "../src/Wire.ts"

const contract = parse(readFileSync(join(root, "packages/http/openapi.json"), "utf8"))
const routeOf = (name: string): Route => contract.routes.find((route) => route.name === name)!
const json = "application/json"

const placesOf = (route: Route, { resolve }: Contract = contract) =>
  boundsOf(
    route.parameters.map((parameter) => [key(parameter), parameter] as const),
    route.bodies[json],
    resolve
  )
const samplesAt = (route: Route, place: string): ReadonlyArray<unknown> =>
  placesOf(route)
    .filter((one) => [one.place].flat().join(".") === place)
    .flatMap(({ values }) => fc.sample(values, { numRuns: 300, seed: 1 }))

describe("sizes at every bound of the document", () => {
  const cases: ReadonlyArray<readonly [string, string, (value: unknown) => number, number]> = [
    ["POST /v1/carts/{id}/checkout", "shippingAddress.name", (value) => [...String(value)].length, 120],
    ["POST /v1/bulk/carts/{id}/lines", "items", (value) => (value as ReadonlyArray<unknown>).length, 100],
    ["POST /v1/orders/{id}/returns", "lines", (value) => (value as ReadonlyArray<unknown>).length, 2_000],
    ["PATCH /v1/customers/{id}", "addresses", (value) => Object.keys(value as object).length, 50],
    ["PUT /v1/carts/{id}/lines/{sku}", "quantity", (value) => Number(withNumbers(String(value))), 1_000_000],
    ["GET /v1/products", "query.q", (value) => [...String(value)].length, 100],
    ["POST /v1/carts", "header.idempotency-key", (value) => String(value).length, 100]
  ]
  it.each(cases)("%s: %s", (name, place, size, bound) => {
    const sizes = new Set(samplesAt(routeOf(name), place).map(size))
    for (const wanted of [bound - 1, bound, bound + 1]) assert.isTrue(sizes.has(wanted), `${wanted} never came`)
  })

  it("there is a place for each bounded member of each body", () => {
    for (const route of contract.routes) {
      const { schema } = route.bodies[json] ?? {}
      const isBounded = /"(?:max(?:imum|Length|Items)|pattern|\$ref)":/.test(JSON.stringify(schema ?? {}))
      if (!isBounded || schema!["type"] === "string") continue
      assert.isNotEmpty(
        placesOf(route).filter(({ place }) => typeof place !== "string"),
        route.name
      )
    }
  })

  it("a value is put where it belongs, and nowhere if there is no such place", () => {
    const body = { items: [{ sku: "A", address: null }], name: "a" }
    assert.deepStrictEqual(placed(body, ["items", 0, "sku"], "B"), { items: [{ sku: "B", address: null }], name: "a" })
    assert.deepStrictEqual(placed(body, ["absent", "name"], "B"), body)
    assert.deepStrictEqual(placed(body, ["name"], undefined), { ...body, name: undefined })
  })

  it("a number is sent as it is written", () => {
    assert.strictEqual(withNumbers(JSON.stringify({ a: "<number 1e999>", b: 1 })), '{"a":1e999,"b":1}')
  })
})

describe("the length of a text is that of what is kept of it", () => {
  const { bodies } = routeOf("POST /v1/customers")
  const fits = (name: string) => bodies[json]!.fits({ region: "eu", name }) === undefined
  it.each([
    ["composed", "é".repeat(120), true],
    ["of letters with their marks apart", "e\u0301".repeat(120), true],
    ["of signs beyond the first plane", "😀".repeat(120), true],
    ["of signs that Unicode takes apart", "\u0958".repeat(61), false],
    ["one too many", "é".repeat(121), false],
    ["one too many with its mark apart", "e\u0301".repeat(121), false]
  ])("%s", (_, name, taken) => assert.strictEqual(fits(name), taken))
})

const received = (status: number, code: string): Received => ({
  status,
  headers: { "content-type": "application/problem+json" },
  text: JSON.stringify({ type: `/problems/${code}`, code, status, title: "", detail: "" }),
  open: false,
  ms: 1
})

describe("a refusal for size", () => {
  const sent: Sent = {
    route: routeOf("POST /v1/carts"),
    method: "POST",
    target: "/v1/carts",
    headers: [],
    head: { bytes: 100, count: 4 },
    body: Buffer.alloc(limits.bodyBytes),
    aborted: false,
    credential: "nothing",
    by: "beyond",
    routed: true
  }
  it("of what is within the bound is a failure, and of what is beyond it none", () => {
    const within = judge(sent, received(413, "payload_too_large"))
    assert.match(String(within), /413 of a body of 262144 bytes/)
    const large = { ...sent, body: Buffer.alloc(limits.bodyBytes + 1) }
    assert.isUndefined(judge(large, received(413, "payload_too_large")))
    assert.match(String(judge(sent, received(414, "target_too_long"))), /414/)
    assert.match(String(judge(sent, received(431, "headers_too_large"))), /431/)
    const wide = { ...sent, head: { bytes: 100, count: limits.headers + 1 } }
    assert.isUndefined(judge(wide, received(431, "headers_too_large")))
  })
})
