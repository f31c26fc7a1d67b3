import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { assert, layer } from "@effect/vitest"
import { CartClosed } from "@halles/entities/cart/Cart"
import { SkuCode } from "@halles/shared/Ids"
import { Effect } from "effect"
import { HttpApiClient } from "effect/http-api"
import { PrometheusMetrics } from "effect/observability"
import { Api } from "../src/Api.ts"
import { EdgeTest } from "./EdgeTest.ts"

layer(EdgeTest.layer, { excludeTestServices: true, timeout: "60 seconds" })("edge", (it) => {
  it.effect("says that it lives, and what it can reach", () =>
    Effect.gen(function* () {
      const { send } = yield* EdgeTest
      assert.deepStrictEqual((yield* send("GET", "/health/live")).json, { live: true })
      const ready = yield* send("GET", "/health/ready")
      assert.strictEqual(ready.status, 503)
      assert.deepStrictEqual(ready.json, {
        ready: false,
        nats: true,
        controlDatabase: true,
        regions: ["eu", "am", "ap"].map((region) => ({ region, runners: 0 }))
      })
    })
  )

  it.effect("shows its contract, and a page of it that needs no network, and counts what it answers", () =>
    Effect.gen(function* () {
      const { send } = yield* EdgeTest
      yield* send("GET", "/health/live")
      // What they tell of customers and load is for operators, on a port of its own.
      assert.strictEqual((yield* send("GET", "/metrics")).status, 404)
      assert.match(yield* PrometheusMetrics.format(), /halles_http_requests_total\{[^}]*method="GET"[^}]*\} \d+/)
      assert.match((yield* send("GET", "/openapi.json")).json.openapi, /^3\.1/)
      const { text } = yield* send("GET", "/docs")
      assert.include(text, "Halles")
      assert.notMatch(text, /<(script|link|img)[^>]+(src|href)="https?:/)
    })
  )

  it.effect("leads people at its root to the reference, and tells programs where what is", () =>
    Effect.gen(function* () {
      const { fetch, send } = yield* EdgeTest
      const browser = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"
      const led = yield* fetch("/", { headers: { accept: browser }, redirect: "manual" })
      assert.deepStrictEqual(
        [led.status, led.headers.get("location"), led.headers.get("vary")],
        [303, "/docs", "accept"]
      )
      for (const accept of ["*/*", "application/json", "application/json, text/html;q=0.5"]) {
        const told = yield* send("GET", "/", undefined, { accept })
        assert.strictEqual(told.status, 200)
        for (const path of Object.values(told.json as Record<string, string>).filter((text) => text.startsWith("/"))) {
          assert.notStrictEqual((yield* send("GET", path)).status, 404, path)
        }
      }
      const lost = yield* send("GET", "/nowhere", undefined, { accept: browser })
      assert.deepInclude(lost.json, { code: "not_found" })
    })
  )

  it.effect("has a typed client that gets values and refusals back as they are inside", () =>
    Effect.gen(function* () {
      const { url } = yield* EdgeTest
      const client = yield* HttpApiClient.make(Api, { baseUrl: url })
      const cart = yield* client.carts.openCart({ headers: {}, payload: { region: "eu", currency: "GBP" } })
      const put = (sku: string) =>
        client.carts.putLine({
          params: { id: cart.id, sku: SkuCode.make(sku) },
          headers: {},
          payload: { quantity: 2 }
        })
      assert.deepStrictEqual((yield* put("TEA"))?.totals.total, { amount: 3990, currency: "GBP" })
      const refusal = yield* Effect.flip(put("CLOSED"))
      assert.instanceOf(refusal, CartClosed)
      assert.strictEqual(refusal.status, "checked_out")
      const order = yield* client.orders.getOrder({ params: { id: cart.id as never } })
      assert.strictEqual(order.totals.total.amount, 4668)
    }).pipe(Effect.provide(NodeHttpClient.layerFetch))
  )
})
