import { jetstreamManager } from "@nats-io/jetstream"
import { assert, it, layer } from "@effect/vitest"
import { sharedKey } from "@halles/entities/routes/Edge"
import { Nats } from "@halles/shared/clients/Nats"
import { Redis, RedisUnavailable } from "@halles/shared/clients/Redis"
import * as Subject from "@halles/shared/Subject"
import { NatsTest } from "@halles/shared/testing/NatsTest"
import { RedisTest } from "@halles/shared/testing/RedisTest"
import { Deferred, Effect, Fiber, Layer, Schedule } from "effect"
import { HttpServerRequest, HttpServerResponse } from "effect/http"
import { TestClock } from "effect/testing"
import { ResponseCache, type Shared } from "../../src/cache/ResponseCache.ts"
import { Invalidation } from "../../src/cache/Invalidation.ts"

const request = (headers: Record<string, string> = {}) =>
  HttpServerRequest.fromWeb(new Request("http://edge.test/v1/products/TEA", { headers }))
const shared = { key: "product:eu_TEA", freshMs: 60_000, staleMs: 30_000, invalidatedBy: "eu" as const }
const redisAway = Layer.succeed(Redis, {
  use: () => Effect.fail(new RedisUnavailable({ cause: "no Redis in this test" }))
})
const text = (response: HttpServerResponse.HttpServerResponse) =>
  response.body._tag === "Uint8Array" ? new TextDecoder().decode(response.body.body) : response.body._tag

/** Makes `1`, `2`, … and counts. */
const counter = () => {
  const state = { made: 0 }
  return {
    state,
    make: Effect.sync(() => {
      state.made += 1
      return HttpServerResponse.jsonUnsafe(state.made, { headers: { etag: `"${state.made}"` } })
    })
  }
}

it.effect("of a hundred who ask at once one has it made, and whoever gives up takes nobody with it", () =>
  Effect.gen(function* () {
    const cache = yield* ResponseCache
    cache.setHeard("eu", true)
    const gate = yield* Deferred.make<void>()
    const { make, state } = counter()
    const slow = Effect.andThen(Deferred.await(gate), make)
    const first = yield* Effect.forkChild(cache.through(request(), shared, slow), { startImmediately: true })
    const others = yield* Effect.forkChild(
      Effect.forEach(Array.from({ length: 99 }), () => cache.through(request(), shared, slow), {
        concurrency: "unbounded"
      }),
      { startImmediately: true }
    )
    yield* Fiber.interrupt(first)
    yield* Deferred.succeed(gate, undefined)
    assert.deepStrictEqual([...new Set((yield* Fiber.join(others)).map(text))], ["1"])
    assert.strictEqual(state.made, 1)
  }).pipe(Effect.provide(ResponseCache.layer), Effect.provide(redisAway))
)

it.effect("an old answer is given while one asker makes the new one, and when making it fails", () =>
  Effect.gen(function* () {
    const cache = yield* ResponseCache
    cache.setHeard("eu", true)
    const { make, state } = counter()
    const ask = cache.through(request(), shared, make)
    assert.strictEqual(text(yield* ask), "1")
    yield* TestClock.adjust("59 seconds")
    assert.strictEqual(text(yield* ask), "1")
    yield* TestClock.adjust("2 seconds")
    const gate = yield* Deferred.make<void>()
    const leader = yield* Effect.forkChild(
      cache.through(request(), shared, Effect.andThen(Deferred.await(gate), make)),
      { startImmediately: true }
    )
    assert.strictEqual(text(yield* ask), "1")
    assert.strictEqual(state.made, 1)
    yield* Deferred.succeed(gate, undefined)
    assert.strictEqual(text(yield* Fiber.join(leader)), "2")
    assert.strictEqual(text(yield* ask), "2")
    yield* TestClock.adjust("61 seconds")
    assert.strictEqual(text(yield* cache.through(request(), shared, Effect.fail("down"))), "2")
    yield* TestClock.adjust("60 seconds")
    assert.strictEqual(yield* Effect.flip(cache.through(request(), shared, Effect.fail("down"))), "down")
  }).pipe(Effect.provide(ResponseCache.layer), Effect.provide(redisAway))
)

it.effect("what becomes old while it is made is for those who wait for it, and not kept", () =>
  Effect.gen(function* () {
    const cache = yield* ResponseCache
    cache.setHeard("eu", true)
    const gate = yield* Deferred.make<void>()
    const { make } = counter()
    const early = yield* Effect.forkChild(
      cache.through(request(), shared, Effect.andThen(Deferred.await(gate), make)),
      { startImmediately: true }
    )
    yield* cache.invalidate(shared.key)
    yield* Deferred.succeed(gate, undefined)
    assert.strictEqual(text(yield* Fiber.join(early)), "1")
    assert.strictEqual(text(yield* cache.through(request(), shared, make)), "2")
    assert.strictEqual(text(yield* cache.through(request(), shared, make)), "2")
    // A reader that must see its own write, and one that asks for it, go past it.
    assert.strictEqual(text(yield* cache.through(request({ "consistency-token": "x" }), shared, make)), "3")
    assert.strictEqual(text(yield* cache.through(request({ "cache-control": "no-cache" }), shared, make)), "4")
    // While no events come nothing is kept.
    cache.setHeard("eu", false)
    assert.strictEqual(text(yield* cache.through(request(), shared, make)), "5")
    assert.strictEqual(text(yield* cache.through(request(), shared, make)), "6")
  }).pipe(Effect.provide(ResponseCache.layer), Effect.provide(redisAway))
)

it.effect("a region that is not heard takes only its own answers with it", () =>
  Effect.gen(function* () {
    const cache = yield* ResponseCache
    cache.setHeard("eu", true)
    const { make } = counter()
    const american = { ...shared, key: "product:am_TEA", invalidatedBy: "am" as const }
    const list = { ...shared, key: "list", invalidatedBy: null }
    const ask = (about: Shared) => Effect.map(cache.through(request(), about, make), text)
    assert.deepStrictEqual([yield* ask(shared), yield* ask(shared)], ["1", "1"])
    assert.deepStrictEqual([yield* ask(american), yield* ask(american)], ["2", "3"])
    cache.setHeard("am", true)
    assert.deepStrictEqual([yield* ask(american), yield* ask(american), yield* ask(list)], ["4", "4", "5"])
    cache.setHeard("am", false)
    assert.deepStrictEqual([yield* ask(shared), yield* ask(american), yield* ask(list)], ["1", "6", "5"])
  }).pipe(Effect.provide(ResponseCache.layer), Effect.provide(redisAway))
)

it.effect("only what is made well is kept, and a 304 has no body", () =>
  Effect.gen(function* () {
    const cache = yield* ResponseCache
    cache.setHeard("eu", true)
    const { make, state } = counter()
    const missing = Effect.andThen(make, Effect.succeed(HttpServerResponse.empty({ status: 404 })))
    yield* cache.through(request(), shared, missing)
    yield* cache.through(request(), shared, missing)
    assert.strictEqual(state.made, 2)
    const found = yield* cache.through(request(), shared, make)
    assert.strictEqual(found.headers["etag"], '"3"')
    assert.match(found.headers["cache-control"] ?? "", /^public, max-age=\d+/)
    const unchanged = yield* cache.through(request({ "if-none-match": 'W/"9", "3"' }), shared, make)
    assert.strictEqual(unchanged.status, 304)
    assert.strictEqual(unchanged.body._tag, "Empty")
    assert.strictEqual(unchanged.headers["etag"], '"3"')
  }).pipe(Effect.provide(ResponseCache.layer), Effect.provide(redisAway))
)

const servers = Layer.mergeAll(RedisTest.layerConnection("cache"), NatsTest.layerConnection("cache")).pipe(
  Layer.provideMerge(Layer.mergeAll(RedisTest.layer, NatsTest.layer))
)

layer(servers, { excludeTestServices: true, timeout: "60 seconds" })("shared answers", (it) => {
  it.effect("edges share them through Redis, and each event of a product makes them old everywhere", () =>
    Effect.gen(function* () {
      const nats = yield* Nats
      const manager = yield* Effect.promise(() => jetstreamManager(nats))
      // The other regions have no stream: as when only one is up.
      yield* Effect.promise(() =>
        manager.streams.add({ name: Subject.eventStream("eu"), subjects: [Subject.events("eu")] })
      )
      const edge = Layer.build(Layer.fresh(Layer.provideMerge(Invalidation, ResponseCache.layer)))
      const one = yield* Effect.provideContext(ResponseCache, yield* edge)
      const other = yield* Effect.provideContext(ResponseCache, yield* edge)
      const { make, state } = counter()
      const key = sharedKey("Product", "eu_TEA")
      const ask = (cache: ResponseCache["Service"]) =>
        Effect.map(cache.through(request(), { ...shared, key }, make), text)
      // Until the streams are heard each answer is made anew.
      yield* Effect.repeat(Effect.all([ask(one), ask(one)]), {
        until: ([before, after]) => before === after,
        schedule: Schedule.spaced("20 millis")
      }).pipe(Effect.timeout("10 seconds"))
      yield* Effect.repeat(Effect.all([ask(one), ask(other)]), {
        until: ([here, there]) => here === there,
        schedule: Schedule.spaced("20 millis")
      }).pipe(Effect.timeout("10 seconds"))
      const before = state.made
      const listed = '{"type":"Product","id":"eu_TEA","seq":2}'
      assert.strictEqual(yield* ask(one), yield* ask(other))
      assert.strictEqual(state.made, before)
      // Who must not see what is older than its own write goes past Redis, too.
      const anew = one.through(request({ "consistency-token": "x" }), { ...shared, key }, make)
      assert.strictEqual(text(yield* anew), String(before + 1))
      nats.publish(Subject.eventMessage("eu", ["Product", "Sku"]), `{"type":"Sku","id":"eu_TEA","seq":1}\n${listed}`)
      yield* Effect.repeat(Effect.all([ask(one), ask(other)]), {
        until: (answers) => answers.every((answer) => Number(answer) > before),
        schedule: Schedule.spaced("20 millis")
      }).pipe(Effect.timeout("5 seconds"))
    }).pipe(Effect.scoped)
  )
})
