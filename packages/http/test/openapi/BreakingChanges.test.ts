import { assert, describe, it } from "@effect/vitest"
import { OpenApi } from "effect/http-api"
import * as fc from "fast-check"
import { Api } from "../../src/Api.ts"
import { operationsOf } from "../../src/openapi/Operations.ts"
import { breakingChanges, schemaChanges } from "../../src/openapi/BreakingChanges.ts"

const whole = OpenApi.fromApi(Api)
/** A few routes with bodies of every kind, so that a document is compared in a moment. */
const paths = ["/v1/carts/{id}", "/v1/carts/{id}/checkout", "/v1/products/{sku}", "/v1/skus/{region}/{sku}"]
const spec = { ...whole, paths: Object.fromEntries(paths.map((path) => [path, whole.paths[path]!])) }
const numRuns = 20
const copy = () => structuredClone(spec)
const operations = operationsOf(spec)
const anOperation = fc.nat(operations.length - 1)

type Schema = { type?: string; properties: Record<string, object>; required: Array<string> }
const components = spec.components.schemas as Record<string, Schema>
/** Components that answers are made of. */
const views = Object.entries(components).filter(
  ([name, { required = [], type }]) => type === "object" && required.length > 0 && /^(Cart|Product|Sku)$/.test(name)
)

const nothing = { components: { schemas: {}, securitySchemes: {} } }
const changes = (direction: "request" | "response", base: object, next: object) =>
  schemaChanges(direction, { in: nothing, schema: base as never }, { in: nothing, schema: next as never })

describe("a breaking change", () => {
  it("is not there between a document and itself", () => {
    assert.deepStrictEqual(breakingChanges(spec, copy()), [])
  })

  it("is a route that is gone", () => {
    fc.assert(
      fc.property(anOperation, (at) => {
        const { method, path } = operations[at]!
        const next = copy()
        delete next.paths[path]![method as "get"]
        assert.include(breakingChanges(spec, next), `${method.toUpperCase()} ${path} is gone`)
        assert.deepStrictEqual(breakingChanges(next, spec), [], "a new route is none")
      }),
      { numRuns }
    )
  })

  it("is a status that is gone, and no new one", () => {
    fc.assert(
      fc.property(anOperation, fc.nat(20), (at, pick) => {
        const { method, path } = operations[at]!
        const next = copy()
        const responses = next.paths[path]![method as "get"]!.responses as Record<string, object>
        const statuses = Object.keys(responses)
        delete responses[statuses[pick % statuses.length]!]
        assert.isNotEmpty(breakingChanges(spec, next))
        assert.deepStrictEqual(breakingChanges(next, spec), [])
      }),
      { numRuns }
    )
  })

  it("is a member of an answer that is gone or may be absent, and no new one", () => {
    fc.assert(
      fc.property(fc.constantFrom(...views), fc.nat(20), fc.boolean(), ([name, { required }], pick, gone) => {
        const member = required[pick % required.length]!
        const next = copy()
        const changed = next.components.schemas[name] as unknown as Schema
        changed.required = required.filter((other) => other !== member)
        if (gone) delete changed.properties[member]
        assert.isNotEmpty(breakingChanges(spec, next), `${name}.${member}`)
        if (gone) assert.deepStrictEqual(breakingChanges(next, spec), [])
      }),
      { numRuns }
    )
  })

  it("is input that is newly required, and none that is newly possible", () => {
    fc.assert(
      fc.property(anOperation, fc.constantFrom("query", "header"), fc.boolean(), (at, place, required) => {
        const { method, path } = operations[at]!
        const next = copy()
        const parameter = { name: "surplus", in: place as "query", required, schema: { type: "string" } }
        next.paths[path]![method as "get"]!.parameters.push(parameter)
        assert.strictEqual(breakingChanges(spec, next).length, required ? 1 : 0)
      }),
      { numRuns }
    )
  })

  const bound = fc.integer({ min: 0, max: 9 })
  it("is a narrower type in a request, and whatever was taken is still taken where there is none", () => {
    const schema = fc.record(
      { minimum: bound, maximum: bound, enum: fc.uniqueArray(bound, { minLength: 1 }) },
      { requiredKeys: [] }
    )
    type Bounds = { minimum?: number; maximum?: number; enum?: ReadonlyArray<number> }
    const takes = ({ enum: values, maximum = 9, minimum = 0 }: Bounds, value: number) =>
      value >= minimum && value <= maximum && (values?.includes(value) ?? true)
    fc.assert(
      fc.property(schema, schema, (base, next) => {
        const refused = Array.from({ length: 10 }, (_, value) => value).filter(
          (value) => takes(base, value) && !takes(next, value)
        )
        const found = changes("request", { type: "integer", ...base }, { type: "integer", ...next })
        if (refused.length > 0) assert.isNotEmpty(found, `${refused.join()} was taken`)
      }),
      { numRuns: 1_000 }
    )
  })

  it("goes by who writes the value: a type may widen in a request and narrow in an answer", () => {
    const text = { type: "string" }
    const maybe = { anyOf: [{ type: "string" }, { type: "null" }] }
    assert.deepStrictEqual(changes("request", text, maybe), [])
    assert.isNotEmpty(changes("request", maybe, text))
    assert.isNotEmpty(changes("response", text, maybe))
    assert.deepStrictEqual(changes("response", maybe, text), [])
    assert.deepStrictEqual(changes("response", { enum: ["a"] }, { enum: ["a", "b"] }), [])
    assert.isNotEmpty(changes("request", { enum: ["a", "b"] }, { enum: ["a"] }))
  })
})
