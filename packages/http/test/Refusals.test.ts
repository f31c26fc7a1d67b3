import { assert, layer } from "@effect/vitest"
import { steadyKey } from "@halles/shared/testing/SteadyKey"
import { Effect } from "effect"
import { connect } from "node:net"
import { EdgeTest, importToken } from "./EdgeTest.ts"

/** What a client that speaks HTTP by hand gets back. */
const raw = (url: string, request: string): Effect.Effect<string> =>
  Effect.callback<string>((resume) => {
    const socket = connect(Number(new URL(url).port), "127.0.0.1", () => socket.write(request))
    let answer = ""
    socket.on("data", (chunk) => {
      answer += chunk.toString()
    })
    socket.on("close", () => resume(Effect.succeed(answer)))
    socket.on("error", () => resume(Effect.succeed(answer)))
  })

layer(EdgeTest.layer, { excludeTestServices: true, timeout: "60 seconds" })("refusals", (it) => {
  const refused = (
    name: string,
    request: readonly [method: string, path: string, body?: unknown, headers?: Readonly<Record<string, string>>],
    expected: { readonly status: number; readonly code: string; readonly errors?: ReadonlyArray<object> }
  ) =>
    it.effect(name, () =>
      Effect.gen(function* () {
        const { send } = yield* EdgeTest
        const answer = yield* send(...request)
        const { errors, ...document } = expected
        assert.strictEqual(answer.status, expected.status, answer.text)
        assert.match(answer.headers.get("content-type") ?? "", /^application\/problem\+json/)
        assert.deepInclude(answer.json, { type: `/problems/${expected.code}`, ...document })
        assert.isString(answer.json.title)
        assert.isString(answer.json.detail)
        assert.notMatch(answer.text, /\.ts|node_modules|secret|\\n +at /)
        if (errors !== undefined) {
          for (const error of errors) {
            assert.isTrue(
              answer.json.errors.some((found: object) =>
                Object.entries(error).every(([key, value]) => Reflect.get(found, key) === value)
              ),
              answer.text
            )
          }
        }
      })
    )

  const cart = { region: "eu", currency: "GBP" }
  refused("unknown field", ["POST", "/v1/carts", { ...cart, colour: "red" }], {
    status: 400,
    code: "invalid_request",
    errors: [{ pointer: "/colour", detail: "Unknown field" }]
  })
  refused(
    "unknown nested field",
    ["POST", "/v1/carts/eu_1/checkout", { shippingAddress: { street: 1 } }, { "idempotency-key": "k" }],
    {
      status: 400,
      code: "invalid_request",
      errors: [{ pointer: "/shippingAddress/street" }, { pointer: "/email", detail: "Required" }]
    }
  )
  // Its fingerprint, its schema and its answer must not exhaust the stack.
  const deep = `{"region":"eu","currency":${'{"a":'.repeat(20_000)}1${"}".repeat(20_000)}}`
  refused(
    "a body that nests deeper than any of ours",
    ["POST", "/v1/carts", deep, { "idempotency-key": steadyKey("deep") }],
    {
      status: 400,
      code: "invalid_request"
    }
  )
  refused("wrong type", ["PUT", "/v1/carts/eu_1/lines/TEA", { quantity: "2" }], {
    status: 400,
    code: "invalid_request",
    errors: [{ pointer: "/quantity" }]
  })
  refused(
    "a number where money is",
    ["PUT", "/v1/carts/eu_1/lines/TEA", { quantity: 1, unitPrice: { amount: 5, currency: "GBP" } }],
    {
      status: 400,
      code: "invalid_request",
      errors: [{ pointer: "/unitPrice/amount" }]
    }
  )
  refused("out of bounds", ["PUT", "/v1/carts/eu_1/lines/TEA", { quantity: 1e9 }], {
    status: 400,
    code: "invalid_request"
  })
  const twice = '{"region":"eu","customer":{"a":1},"currency":"GBP","\\u0063urrency":"EUR"}'
  refused("a member that stands twice", ["POST", "/v1/carts", twice], {
    status: 400,
    code: "invalid_request",
    errors: [{ pointer: "/currency", detail: "The member stands twice" }]
  })
  refused("a member that no object has", ["PATCH", "/v1/customers/eu_1", '{"addresses":{"__proto__":{"name":"a"}}}'], {
    status: 400,
    code: "invalid_request",
    errors: [{ pointer: "/addresses/__proto__" }]
  })
  refused("half a surrogate pair", ["PATCH", "/v1/customers/eu_1", '{"name":"\\ud800"}'], {
    status: 400,
    code: "invalid_request",
    errors: [{ pointer: "/name" }]
  })
  refused("a number beyond all numbers", ["PUT", "/v1/carts/eu_1/lines/TEA", '{"quantity":1e999}'], {
    status: 400,
    code: "invalid_request",
    errors: [{ pointer: "/quantity" }]
  })
  refused(
    "JSON in another encoding",
    ["POST", "/v1/carts", cart, { "content-type": "application/json; charset=utf-16" }],
    {
      status: 415,
      code: "unsupported_media_type"
    }
  )
  refused("malformed JSON", ["POST", "/v1/carts", "{"], { status: 400, code: "invalid_request" })
  refused("no body", ["POST", "/v1/carts", undefined, { "content-type": "application/json" }], {
    status: 400,
    code: "invalid_request"
  })
  refused(
    "text that cannot be stored",
    [
      "PATCH",
      "/v1/customers/eu_1",
      { addresses: { home: { name: "a\0", line1: "b", city: "c", postalCode: "d", country: "GB" } } }
    ],
    {
      status: 400,
      code: "invalid_request"
    }
  )
  refused("an unknown region", ["POST", "/v1/carts", { ...cart, region: "xx" }], {
    status: 400,
    code: "invalid_request",
    errors: [{ pointer: "/region" }]
  })
  refused("an unknown query parameter", ["GET", "/v1/products?region=eu&colour=red"], {
    status: 400,
    code: "invalid_request",
    errors: [{ parameter: "colour" }]
  })
  refused("a malformed id", ["GET", "/v1/carts/nobody"], { status: 404, code: "malformed_id" })
  refused("an unknown id", ["GET", "/v1/carts/eu_nobody"], { status: 404, code: "not_found" })
  refused("an id that is too long", ["GET", `/v1/carts/eu_${"x".repeat(200)}`], { status: 404, code: "malformed_id" })
  refused("no idempotency key", ["POST", "/v1/carts/eu_1/checkout", {}], {
    status: 400,
    code: "idempotency_key_required"
  })
  refused("a bad idempotency key", ["POST", "/v1/carts", cart, { "idempotency-key": "k".repeat(101) }], {
    status: 400,
    code: "invalid_request",
    errors: [{ header: "idempotency-key" }]
  })
  refused("an unknown route", ["GET", "/v2/carts"], { status: 404, code: "not_found" })
  refused("another method", ["POST", "/v1/orders/eu_1"], { status: 405, code: "method_not_allowed" })
  refused("another media type", ["POST", "/v1/carts", "<a/>", { "content-type": "text/xml" }], {
    status: 415,
    code: "unsupported_media_type"
  })
  refused("an oversize body", ["POST", "/v1/carts", { ...cart, pad: "x".repeat(300_000) }], {
    status: 413,
    code: "payload_too_large"
  })
  refused("an import without a token", ["POST", "/v1/catalog/import", "x", { "content-type": "text/csv" }], {
    status: 401,
    code: "unauthorized"
  })
  refused(
    "an import in another media type",
    ["POST", "/v1/catalog/import", "{}", { authorization: `Bearer ${importToken}` }],
    {
      status: 415,
      code: "unsupported_media_type"
    }
  )
  refused("a defect", ["GET", "/v1/products?region=ap"], { status: 500, code: "internal_error" })

  it.effect("a 405 names what the resource takes", () =>
    Effect.gen(function* () {
      const { send } = yield* EdgeTest
      const { headers } = yield* send("POST", "/v1/carts/eu_1/lines/TEA", {})
      assert.strictEqual(headers.get("allow"), "PUT, DELETE")
    })
  )

  it.effect("an oversize body without a length", () =>
    Effect.gen(function* () {
      const { url } = yield* EdgeTest
      const chunk = `8000\r\n${"x".repeat(0x8000)}\r\n`
      const head =
        "POST /v1/carts HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n"
      const answer = yield* raw(url, head + chunk.repeat(12))
      assert.match(answer, /^HTTP\/1\.1 413/)
      assert.include(answer, '"code":"payload_too_large"')
    })
  )
})
