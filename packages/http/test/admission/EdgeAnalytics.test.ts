import { jetstreamManager } from "@nats-io/jetstream"
import { assert, describe, it, layer } from "@effect/vitest"
import { Nats } from "@halles/shared/clients/Nats"
import { NatsTest } from "@halles/shared/testing/NatsTest"
import { Effect, Layer, Schedule } from "effect"
import * as fc from "fast-check"
import { EdgeAnalytics } from "../../src/admission/EdgeAnalytics.ts"
import * as Latencies from "../../src/admission/Latencies.ts"
import * as TopKeys from "../../src/admission/TopKeys.ts"

describe("sketches", () => {
  it("a quantile is never too low, and at most a tenth too high", () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 0.2, max: 60_000, noNaN: true }), { minLength: 1 }),
        fc.constantFrom(0.5, 0.95, 0.99),
        (all, share) => {
          const latencies = Latencies.make()
          for (const ms of all) latencies.add(ms)
          const exact = all.toSorted((a, b) => a - b)[Math.ceil(all.length * share) - 1] ?? 0
          assert.isAtLeast(latencies.quantile(share) * 1.000_001, exact)
          assert.isAtMost(latencies.quantile(share), exact * 1.1 * 1.000_001)
        }
      )
    )
  })

  it("no count is too low, none too high by more than it says, and nobody frequent is missing", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 30 }).map(String), { maxLength: 500 }), (keys) => {
        const sketch = TopKeys.make(10)
        for (const key of keys) sketch.add(key)
        const top = sketch.top(100)
        assert.isAtMost(top.length, 10)
        const exact = (key: string) => keys.filter((other) => other === key).length
        for (const { count, key, overcount } of top) {
          assert.isAtLeast(count, exact(key))
          assert.isAtMost(count - overcount, exact(key))
        }
        const shown = new Set(top.map(({ key }) => key))
        for (const key of new Set(keys)) if (exact(key) > keys.length / 10) assert.isTrue(shown.has(key))
      })
    )
  })
})

layer(NatsTest.layerConnection("analytics").pipe(Layer.provideMerge(NatsTest.layer)), {
  excludeTestServices: true,
  timeout: "30 seconds"
})("edge analytics", (it) => {
  it.effect("leave an event in the stream that names no client", () =>
    Effect.gen(function* () {
      const nats = yield* Nats
      const manager = yield* Effect.promise(() => jetstreamManager(nats))
      yield* Effect.scoped(
        Effect.gen(function* () {
          const { saw } = yield* Effect.provideContext(EdgeAnalytics, yield* Layer.build(EdgeAnalytics.layer))
          yield* Effect.retry(
            Effect.tryPromise(() => manager.streams.info("ANALYTICS")),
            Schedule.spaced("20 millis")
          ).pipe(Effect.timeout("5 seconds"))
          for (const status of [200, 200, 404, 503]) {
            saw({ route: "getCart", client: "192.0.2.7", status, ms: 3, bytes: 100 })
          }
        })
      )
      yield* Effect.promise(() => nats.flush())
      const stored = yield* Effect.promise(() =>
        manager.streams.getMessage("ANALYTICS", { last_by_subj: "halles.analytics.edge" })
      )
      const text = stored === null ? assert.fail("no event") : stored.string()
      assert.notInclude(text, "192.0.2.7")
      const event = JSON.parse(text)
      const { route, requests, refused, failed, bytes } = event.routes[0]
      assert.deepStrictEqual([route, requests, refused, failed, bytes], ["getCart", 4, 1, 1, 400])
      assert.strictEqual(event.clients[0].count, 4)
    })
  )
})
