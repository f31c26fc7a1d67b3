import * as EntityClient from "@halles/engine/activation/EntityClient"
import { assert, layer } from "@effect/vitest"
import { CommandId, OrderId } from "@halles/shared/Ids"
import { PgTest } from "@halles/shared/testing/PgTest"
import { Effect, Fiber, Layer } from "effect"
import { SqlClient } from "effect/sql"
import { layerRegion } from "../Migrations.ts"
import { Authorise, Capture, GatewayNotice, Payment, Refund, Void } from "./Payment.ts"
import { PaymentLive } from "./PaymentLive.ts"
import { type Authorisation, type GatewayOutcome, GatewayUnavailable, PaymentGateway } from "./PaymentGateway.ts"
import * as TestCluster from "@halles/engine/testing/TestCluster"

/** References as the gateway saw them, in order. */
const requests: Array<string> = []
const seen = (reference: string) => requests.filter((one) => one === reference).length
/** Does as the token says; an authorised payment is known by its token. */
const Gateway = Layer.succeed(
  PaymentGateway,
  PaymentGateway.of({
    authorise: ({ reference, token }) =>
      Effect.suspend((): Effect.Effect<Authorisation, GatewayUnavailable> => {
        requests.push(reference)
        if (token === "tok_declined") return Effect.succeed({ _tag: "Declined", reason: "declined" })
        if (token === "tok_silent" || (token === "tok_error_then_ok" && seen(reference) < 3)) {
          return Effect.fail(new GatewayUnavailable({ cause: "down" }))
        }
        return Effect.succeed({ _tag: "Authorised", authorisationId: `auth-${token}` })
      }),
    capture: ({ reference }) => Effect.sync(() => (requests.push(reference), { _tag: "Done" as const })),
    void: ({ reference }) => Effect.sync(() => (requests.push(reference), { _tag: "Done" as const })),
    refund: ({ reference }) =>
      Effect.suspend((): Effect.Effect<GatewayOutcome, GatewayUnavailable> => {
        requests.push(reference)
        if (reference.startsWith("silent")) return Effect.fail(new GatewayUnavailable({ cause: "down" }))
        return Effect.succeed(
          reference.startsWith("paid") ? { _tag: "Done" } : { _tag: "Refused", reason: "exceeds_captured" }
        )
      })
  })
)

const Test = PaymentLive.pipe(
  Layer.provide(Gateway),
  Layer.provideMerge(TestCluster.layer()),
  Layer.provide(layerRegion),
  Layer.provideMerge(PgTest.layer("payment_live"))
)

const id = (key: string) => CommandId.make(key)
const open = Effect.fnUntraced(function* (key: string) {
  return (yield* EntityClient.make(Payment))(`eu_${key}`)
})
const authorise = (key: string, token: string, amount = 100) =>
  new Authorise({ commandId: id("authorise"), orderId: OrderId.make(`eu_${key}`), amount, currency: "GBP", token })

layer(Test, { excludeTestServices: true, timeout: "60 seconds" })("PaymentLive", (it) => {
  it.effect("authorises, captures and refunds, each once however often it is asked", () =>
    Effect.gen(function* () {
      const payment = yield* open("a")
      assert.strictEqual((yield* Effect.flip(payment.View()))._tag, "NotFound")
      assert.deepStrictEqual(yield* payment.Authorise(authorise("a", "tok_ok")), { _tag: "Done", amount: 100 })
      assert.deepStrictEqual(yield* payment.Authorise(authorise("a", "tok_ok")), { _tag: "Done", amount: 100 })
      const capture = new Capture({ commandId: id("capture"), reference: "a-capture", amount: 100 })
      assert.deepStrictEqual(yield* payment.Capture(capture), { _tag: "Done", amount: 100 })
      assert.deepStrictEqual(yield* payment.Capture(capture), { _tag: "Done", amount: 100 })
      const sql = yield* SqlClient.SqlClient
      const rows = yield* sql<{ tags: string }>`
        SELECT (SELECT string_agg(e->>'_tag', ' ') FROM jsonb_array_elements(events) AS e) AS tags
        FROM journal WHERE entity_type = 'Payment' AND entity_id = 'eu_a' ORDER BY seq`
      assert.deepStrictEqual(
        rows.map(({ tags }) => tags),
        ["AuthoriseRequested Authorised", "CaptureRequested Captured"]
      )
      const refund = new Refund({ commandId: id("refund"), reference: "a-refund", amount: 1 })
      const refused = { _tag: "Refused", reason: "exceeds_captured", refundable: 100 } as const
      assert.deepStrictEqual(yield* payment.Refund(refund), refused)
      assert.deepStrictEqual(yield* payment.Refund(refund), refused)
      assert.deepStrictEqual([seen("eu_a:authorise"), seen("a-capture"), seen("a-refund")], [1, 1, 1])
      assert.include(yield* payment.View(), { status: "captured", captured: 100, refunded: 0 })
    })
  )

  it.effect("a refund that the gateway says nothing to holds up no other", () =>
    Effect.gen(function* () {
      const payment = yield* open("f")
      yield* payment.Authorise(authorise("f", "tok_ok"))
      yield* payment.Capture(new Capture({ commandId: id("capture"), reference: "f-capture", amount: 100 }))
      const refund = (reference: string) => new Refund({ commandId: id(reference), reference, amount: 10 })
      const stuck = yield* Effect.forkChild(payment.Refund(refund("silent-f")))
      yield* Effect.repeat(Effect.yieldNow, { until: () => seen("silent-f") > 0 })
      for (const reference of ["paid-1", "paid-2"]) {
        assert.deepStrictEqual(yield* payment.Refund(refund(reference)), { _tag: "Done", amount: 10 })
      }
      assert.deepStrictEqual(yield* Fiber.join(stuck), { _tag: "Pending" })
      assert.include(yield* payment.View(), { refunded: 20 })
    })
  )

  it.effect("a declined payment is voided without the gateway", () =>
    Effect.gen(function* () {
      const payment = yield* open("b")
      const answer = yield* payment.Authorise(authorise("b", "tok_declined"))
      assert.deepStrictEqual(answer, { _tag: "Refused", reason: "declined" })
      yield* payment.Void(new Void({ commandId: id("void"), reference: "b-void" }))
      assert.strictEqual(seen("b-void"), 0)
    })
  )

  it.effect("asks again when the gateway does not answer", () =>
    Effect.gen(function* () {
      const payment = yield* open("c")
      assert.strictEqual((yield* payment.Authorise(authorise("c", "tok_error_then_ok")))._tag, "Done")
      assert.strictEqual(seen("eu_c:authorise"), 3)
    })
  )

  it.effect("a webhook stands in for an answer that never comes, and what waited for it goes on", () =>
    Effect.gen(function* () {
      const payment = yield* open("d")
      assert.deepStrictEqual(yield* payment.Authorise(authorise("d", "tok_silent")), { _tag: "Pending" })
      const void_ = yield* Effect.forkChild(payment.Void(new Void({ commandId: id("void"), reference: "d-void" })))
      const notice = (eventId: string) =>
        new GatewayNotice({
          commandId: id(`webhook:${eventId}`),
          eventId,
          type: "payment.authorised",
          reference: "eu_d:authorise",
          authorisationId: "auth-d",
          amount: 100
        })
      yield* payment.GatewayNotice(notice("one"))
      yield* payment.GatewayNotice(notice("two"))
      assert.strictEqual((yield* Fiber.join(void_))._tag, "Done")
      assert.strictEqual(seen("d-void"), 1)
      assert.strictEqual((yield* payment.View()).status, "voided")
      const early = (yield* open("e")).GatewayNotice(notice("three"))
      assert.strictEqual((yield* Effect.flip(early))._tag, "NotFound")
    })
  )
})
