import { assert, describe, it, layer } from "@effect/vitest"
import { Effect, Layer, Schema } from "effect"
import { CorsOrigins, Origin } from "../../src/admission/SecurityHeaders.ts"
import { EdgeTest } from "../EdgeTest.ts"

const shop = "https://shop.example"

layer(EdgeTest.layer.pipe(Layer.provide(Layer.succeed(CorsOrigins, [shop]))), {
  excludeTestServices: true,
  timeout: "60 seconds"
})("headers for browsers", (it) => {
  it.effect("are on every answer, whoever gives it", () =>
    Effect.gen(function* () {
      const { send } = yield* EdgeTest
      const answers = [
        yield* send("GET", "/health/live"),
        yield* send("POST", "/v1/carts", { region: "eu", currency: "GBP" }),
        yield* send("GET", "/v1/nowhere"),
        yield* send("POST", "/v1/carts", "{"),
        yield* send("GET", "/v1/products?region=ap")
      ]
      for (const { headers, status } of answers) {
        assert.strictEqual(headers.get("x-content-type-options"), "nosniff", String(status))
        assert.strictEqual(headers.get("referrer-policy"), "no-referrer")
        assert.include(headers.get("content-security-policy"), "frame-ancestors 'none'")
        assert.match(headers.get("cache-control") ?? "", /no-store|no-cache/)
        assert.isNull(headers.get("strict-transport-security"))
      }
    })
  )

  it.effect("open the API to the pages of listed origins, and to no other", () =>
    Effect.gen(function* () {
      const { send } = yield* EdgeTest
      const preflight = { "access-control-request-method": "PUT", "access-control-request-headers": "authorization" }
      const allowed = yield* send("OPTIONS", "/v1/carts", undefined, { origin: shop, ...preflight })
      assert.strictEqual(allowed.status, 204)
      assert.strictEqual(allowed.headers.get("access-control-allow-origin"), shop)
      assert.include(allowed.headers.get("access-control-allow-headers"), "idempotency-key")
      assert.isNull(allowed.headers.get("access-control-allow-credentials"))
      const answer = yield* send("GET", "/health/live", undefined, { origin: shop })
      assert.strictEqual(answer.headers.get("access-control-allow-origin"), shop)
      assert.include(answer.headers.get("vary"), "Origin")
      for (const origin of ["https://evil.example", "null", `${shop}.evil.example`, "http://shop.example"]) {
        const refused = yield* send("OPTIONS", "/v1/carts", undefined, { origin, ...preflight })
        assert.isNull(refused.headers.get("access-control-allow-origin"), origin)
        const other = yield* send("GET", "/health/live", undefined, { origin })
        assert.isNull(other.headers.get("access-control-allow-origin"), origin)
      }
    })
  )
})

describe("an origin", () => {
  it("is a scheme, a host and a port, and never everybody", () => {
    const is = Schema.is(Origin)
    for (const good of [shop, "http://127.0.0.1:5173"]) assert.isTrue(is(good), good)
    for (const bad of ["*", "null", "shop.example", `${shop}/`, `${shop}/path`, "", "javascript:x"]) {
      assert.isFalse(is(bad), bad)
    }
  })
})
