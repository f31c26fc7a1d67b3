import { assert, it, layer } from "@effect/vitest"
import { products } from "@halles/entities/catalogue/ProductTable"
import { Reads } from "@halles/entities/routes/Reads"
import type { Region } from "@halles/shared/Region"
import { Effect, Fiber, Layer } from "effect"
import { PrometheusMetrics } from "effect/observability"
import { TestClock } from "effect/testing"
import * as Edge from "../../src/EdgeLive.ts"
import { Faults } from "../../src/admission/InjectedFaults.ts"
import { Upstreams } from "../../src/admission/Upstreams.ts"
import { EdgeTest } from "../EdgeTest.ts"

it.effect("a region's database that hangs is not waited for by everybody, and is asked again by one", () =>
  Effect.gen(function* () {
    const { read } = yield* Reads
    const list = (region: "eu" | "am") => Edge.call(read(region, products.page({ region, limit: 1 })))
    const waiting = yield* Effect.forkChild(
      Effect.forEach(Array.from({ length: 20 }), () => Effect.exit(list("eu")), { concurrency: "unbounded" }),
      { startImmediately: true }
    )
    yield* TestClock.adjust("3 seconds")
    yield* Fiber.join(waiting)
    // Without the clock moving: at once.
    assert.strictEqual((yield* Effect.flip(list("eu")))._tag, "Unavailable")
    assert.deepStrictEqual((yield* list("am")).items, [])
    state.hangs = false
    assert.strictEqual((yield* Effect.flip(list("eu")))._tag, "Unavailable")
    yield* TestClock.adjust("600 millis")
    assert.deepStrictEqual((yield* list("eu")).items, [])
    assert.deepStrictEqual((yield* list("eu")).items, [])
  }).pipe(Effect.provide(Upstreams.reads.pipe(Layer.provide([Upstreams.layer, lists, calm]))))
)
const state = { hangs: true }
const calm = Layer.mock(Faults, { draw: () => undefined, around: (_, call) => call })
const lists = Layer.mock(Reads, {
  read: <A>(region: Region) =>
    region === "eu" && state.hangs ? Effect.never : Effect.succeed({ items: [], next: null } as A)
})

layer(EdgeTest.layer, { excludeTestServices: true, timeout: "60 seconds" })("a region that does not answer", (it) => {
  it.effect("costs the first callers their deadline, the next ones nothing, and comes back by itself", () =>
    Effect.gen(function* () {
      const { send } = yield* EdgeTest
      const silent = send("PUT", "/v1/carts/eu_1/lines/SLOW", { quantity: 1 })
      const waited = yield* Effect.forEach(Array.from({ length: 20 }), () => silent, { concurrency: "unbounded" })
      assert.deepStrictEqual([...new Set(waited.map(({ status }) => status))], [503])
      const since = performance.now()
      const { headers, status } = yield* send("GET", "/v1/carts/eu_2")
      assert.strictEqual(status, 503)
      assert.isNotNull(headers.get("retry-after"))
      assert.isBelow(performance.now() - since, 1_000)
      assert.match(yield* PrometheusMetrics.format(), /halles_breaker_state\{[^}]*dependency="entities:eu"[^}]*\} 2/)
      yield* Effect.sleep("600 millis")
      const open = send("POST", "/v1/carts", { region: "eu", currency: "GBP" })
      assert.strictEqual((yield* open).status, 201)
      assert.strictEqual((yield* open).status, 201)
    })
  )
})
