import { assert, it, layer } from "@effect/vitest"
import { twoFactors } from "@halles/shared/security/Authority"
import { Nats } from "@halles/shared/clients/Nats"
import { NatsTest } from "@halles/shared/testing/NatsTest"
import { Effect, Layer, Option, Schedule } from "effect"
import { TestClock } from "effect/testing"
import { Faults } from "../../src/admission/InjectedFaults.ts"
import { audited, EdgeTest } from "../EdgeTest.ts"
import { Issuer } from "../Issuer.ts"

const wanted = { target: "entities:eu", kind: "error", percent: 100, seconds: 60, reason: "a drill" } as const
/** Without servers: nobody else hears. */
const alone = Layer.succeed(Nats, {
  subscribe: () => ({ unsubscribe: () => undefined }),
  publish: () => undefined
} as never)

it.effect("a fault holds for its time and its share, and never for another target", () =>
  Effect.gen(function* () {
    const { draw, end, start } = yield* Faults
    assert.isUndefined(draw(wanted.target))
    yield* start(wanted, "me")
    assert.strictEqual(draw(wanted.target)?.kind, "error")
    assert.isUndefined(draw("entities:am"))
    yield* TestClock.adjust("61 seconds")
    assert.isUndefined(draw(wanted.target))
    const { id } = yield* start({ ...wanted, percent: 30 }, "me")
    const drawn = Array.from({ length: 2_000 }, () => draw(wanted.target)).filter((fault) => fault !== undefined)
    assert.isAbove(drawn.length, 450)
    assert.isBelow(drawn.length, 750)
    yield* end(id)
    assert.isUndefined(draw(wanted.target))
    for (let count = 0; count < 30; count += 1) yield* start({ ...wanted, seconds: 60 + count }, "me")
    const { list } = yield* Faults
    const kept = yield* list
    assert.strictEqual(kept.length, 20)
    assert.strictEqual(Math.min(...kept.map(({ endsAt, startedAt }) => endsAt - startedAt)), 70_000)
  }).pipe(Effect.provide(Faults.layer), Effect.provide(alone))
)

layer(NatsTest.layerConnection("faults").pipe(Layer.provide(NatsTest.layer)), { excludeTestServices: true })(
  "faults",
  (it) => {
    it.effect("are heard by every edge, and so is their end", () =>
      Effect.gen(function* () {
        const edge = Effect.flatMap(Layer.build(Layer.fresh(Faults.layer)), (context) =>
          Effect.provideContext(Faults, context)
        )
        const one = yield* edge
        const other = yield* edge
        yield* Effect.flatMap(Nats, (nats) => Effect.promise(() => nats.flush()))
        const heard = (count: number) =>
          Effect.repeat(other.list, {
            until: (faults) => faults.length === count,
            schedule: Schedule.spaced("10 millis")
          }).pipe(Effect.timeout("5 seconds"))
        const fault = yield* one.start(wanted, "me")
        assert.deepStrictEqual(yield* heard(1), [fault])
        assert.isTrue(Option.isSome(yield* other.end(fault.id)))
        yield* heard(0)
      }).pipe(Effect.scoped)
    )
  }
)

const tokenOf = (role: string, acr?: string) =>
  Effect.flatMap(Issuer, ({ sign }) =>
    sign({ roles: [role], scope: "ops:read ops:write", ...(acr === undefined ? {} : { acr }) })
  )
const asking = (token: string) => ({ authorization: `Bearer ${token}` })

layer(EdgeTest.layer, { excludeTestServices: true, timeout: "60 seconds" })("faults of the edge", (it) => {
  it.effect("are for operators who signed in with two factors, and are written down with their reason", () =>
    Effect.gen(function* () {
      const { send } = yield* EdgeTest
      const start = (token: string, body: object = wanted) => send("POST", "/v1/ops/faults", body, asking(token))
      const operator = yield* tokenOf("ops-write", twoFactors)
      assert.strictEqual((yield* send("POST", "/v1/ops/faults", wanted)).status, 401)
      assert.strictEqual((yield* start(yield* tokenOf("ops-read", twoFactors))).status, 403)
      assert.strictEqual((yield* start(yield* tokenOf("admin", twoFactors))).status, 403)
      const weak = yield* start(yield* tokenOf("ops-write"))
      assert.deepStrictEqual([weak.status, weak.json.code], [401, "stronger_sign_in_required"])
      assert.include(weak.headers.get("www-authenticate"), 'error="insufficient_user_authentication"')
      assert.deepInclude(audited.at(-1), { action: "edge.denied", outcome: "denied", reason: "strong" })
      for (const target of ["route:live", "route:endFault", "route:gateway", "route:nothing"]) {
        assert.strictEqual((yield* start(operator, { ...wanted, target })).status, 404, target)
      }
      assert.strictEqual((yield* start(operator, { ...wanted, target: "postgres" })).status, 400)
      const { reason: _, ...silent } = wanted
      assert.strictEqual((yield* start(operator, silent)).status, 400)

      assert.strictEqual((yield* send("POST", "/v1/carts", { region: "eu", currency: "GBP" })).status, 201)
      const { json, status } = yield* start(operator)
      assert.strictEqual(status, 201)
      assert.deepInclude(audited.at(-1), { action: "fault.start", subject: wanted.target, reason: wanted.reason })
      const failed = yield* send("POST", "/v1/carts", { region: "eu", currency: "GBP" })
      assert.deepStrictEqual([failed.status, failed.json.code], [503, "unavailable"])
      const reader = yield* tokenOf("ops-read", twoFactors)
      const listed = yield* send("GET", "/v1/ops/faults", undefined, asking(reader))
      assert.deepStrictEqual(listed.json.items, [json])
      const end = send("DELETE", `/v1/ops/faults/${json.id}`, undefined, asking(operator))
      assert.strictEqual((yield* end).status, 204)
      assert.strictEqual((yield* end).status, 404)
      assert.strictEqual((yield* send("POST", "/v1/carts", { region: "eu", currency: "GBP" })).status, 201)
    })
  )
})
