import { GatewayWebhook, PaymentGateway } from "@halles/entities/payment/PaymentGateway"
import { OrderId } from "@halles/shared/Ids"
import { assert, layer } from "@effect/vitest"
import { Effect, Layer, Redacted, Schedule } from "effect"
import { Gateway, key, Receiver } from "./PartnerTest.ts"

const Client = Layer.unwrap(Effect.map(Gateway, ({ url }) => PaymentGateway.layer({ url, key: Redacted.make(key) })))
const TestLive = Client.pipe(Layer.provideMerge(Gateway.layer))
const order = (name: string) => ({
  reference: `${name}:authorise`,
  orderId: OrderId.make(`eu_${name}`),
  amount: 1_000,
  currency: "EUR" as const
})
const done = { _tag: "Done" } as const
const refused = (reason: string) => ({ _tag: "Refused" as const, reason })
const about = (reference: string, type?: string) => (event: GatewayWebhook) =>
  event.reference === reference && (type === undefined || event.type === type)
const authorised = Effect.fnUntraced(function* (name: string, token = "tok_ok") {
  const answer = yield* (yield* PaymentGateway).authorise({ ...order(name), token })
  assert(answer._tag === "Authorised")
  return answer.authorisationId
})

layer(TestLive, { timeout: "30 seconds", excludeTestServices: true })("the gateway and its client", (it) => {
  it.effect("tok_ok: authorises once for a reference, and says so by a signed webhook", () =>
    Effect.gen(function* () {
      const gateway = yield* PaymentGateway
      const authorisationId = yield* authorised("ok")
      const again = yield* gateway.authorise({ ...order("ok"), token: "tok_ok" })
      assert.deepStrictEqual(again, { _tag: "Authorised", authorisationId })
      const { event, id, signed } = yield* (yield* Receiver).next(GatewayWebhook, about("ok:authorise"))
      assert.isTrue(signed)
      assert.strictEqual(id, event.eventId)
      const { eventId: _, occurredAt: __, ...fields } = event
      assert.deepStrictEqual(fields, {
        type: "payment.authorised",
        reference: "ok:authorise",
        orderId: "eu_ok",
        authorisationId,
        amount: 1_000,
        currency: "EUR"
      })
      const other = yield* gateway.authorise({ ...order("ok"), amount: 999, token: "tok_ok" })
      assert.deepStrictEqual(other, { _tag: "Declined", reason: "reference_reused" })
    })
  )

  it.effect("tok_declined, tok_insufficient_funds and unknown tokens decline with their reason", () =>
    Effect.gen(function* () {
      const gateway = yield* PaymentGateway
      const receiver = yield* Receiver
      for (const [token, reason] of [
        ["tok_declined", "declined"],
        ["tok_insufficient_funds", "insufficient_funds"],
        ["tok_unheard_of", "invalid_token"]
      ] as const) {
        assert.deepStrictEqual(yield* gateway.authorise({ ...order(token), token }), { _tag: "Declined", reason })
        const { event } = yield* receiver.next(GatewayWebhook, about(`${token}:authorise`))
        assert.strictEqual(event.type, "payment.declined")
        assert.strictEqual(event.reason, reason)
      }
    })
  )

  it.effect("tok_timeout_after_success and tok_slow: unknown at first, the stored answer on repeat", () =>
    Effect.gen(function* () {
      const gateway = yield* PaymentGateway
      const receiver = yield* Receiver
      for (const token of ["tok_timeout_after_success", "tok_slow"]) {
        const error = yield* Effect.flip(gateway.authorise({ ...order(token), token }))
        assert.strictEqual(error._tag, "GatewayUnavailable")
        const { event } = yield* receiver.next(GatewayWebhook, about(`${token}:authorise`))
        const answer = yield* gateway.authorise({ ...order(token), token })
        assert.deepStrictEqual(answer, { _tag: "Authorised", authorisationId: event.authorisationId })
      }
    })
  )

  it.effect("tok_timeout_after_success: whoever waits long enough sees the connection closed", () =>
    Effect.gen(function* () {
      const gateway = yield* Gateway
      const error = yield* gateway
        .request("POST", "/authorisations", { ...order("held"), token: "tok_timeout_after_success" })
        .pipe(Effect.flip)
      assert.strictEqual(error._tag, "RequestFailed")
    })
  )

  it.effect("tok_error_then_ok: 503 once per reference", () =>
    Effect.gen(function* () {
      const gateway = yield* PaymentGateway
      const error = yield* Effect.flip(gateway.authorise({ ...order("flaky"), token: "tok_error_then_ok" }))
      assert.strictEqual(error._tag, "GatewayUnavailable")
      const authorisationId = yield* authorised("flaky", "tok_error_then_ok")
      assert.strictEqual(yield* authorised("flaky", "tok_error_then_ok"), authorisationId)
    })
  )

  it.effect("tok_duplicate_webhook: the same event comes twice; tok_late_webhook: 3 s late", () =>
    Effect.gen(function* () {
      const receiver = yield* Receiver
      yield* authorised("late", "tok_late_webhook")
      yield* authorised("twice", "tok_duplicate_webhook")
      const first = yield* receiver.next(GatewayWebhook, about("twice:authorise"))
      const second = yield* receiver.next(GatewayWebhook, about("twice:authorise"))
      assert.strictEqual(first.id, second.id)
      assert.deepStrictEqual(first.event, second.event)
      const late = yield* receiver.next(GatewayWebhook, about("late:authorise"))
      assert.isAtLeast(late.at - Date.parse(late.event.occurredAt), 3_000)
      assert.isTrue(late.signed)
    })
  )

  it.effect("captures, refunds and voids within what the ledger allows, once per reference", () =>
    Effect.gen(function* () {
      const gateway = yield* PaymentGateway
      const server = yield* Gateway
      const receiver = yield* Receiver
      const authorisationId = yield* authorised("life")
      const capture = { authorisationId, reference: "life:capture", amount: 700 }
      assert.deepStrictEqual(
        yield* gateway.capture({ ...capture, reference: "life:0", amount: 1_001 }),
        refused("exceeds_authorised")
      )
      assert.deepStrictEqual(yield* gateway.capture(capture), done)
      assert.deepStrictEqual(yield* gateway.capture(capture), done)
      assert.deepStrictEqual(yield* gateway.capture({ ...capture, amount: 701 }), refused("reference_reused"))
      assert.deepStrictEqual(
        yield* gateway.capture({ ...capture, reference: "life:1", amount: 301 }),
        refused("exceeds_authorised")
      )
      assert.deepStrictEqual(yield* gateway.void({ authorisationId, reference: "life:void" }), refused("captured"))
      const refund = { authorisationId, reference: "life:refund", amount: 200 }
      assert.deepStrictEqual(yield* gateway.refund(refund), done)
      assert.deepStrictEqual(
        yield* gateway.refund({ ...refund, reference: "life:2", amount: 501 }),
        refused("exceeds_captured")
      )
      const { event } = yield* receiver.next(GatewayWebhook, about("life:refund"))
      assert.strictEqual(event.type, "payment.refunded")
      assert.strictEqual(event.amount, 200)

      const { body } = yield* server.request("GET", `/authorisations/${authorisationId}`)
      const { authorised: total, captured, refunded, voided } = body
      assert.deepStrictEqual(
        { total, captured, refunded, voided },
        { total: 1_000, captured: 700, refunded: 200, voided: 0 }
      )
      assert.deepStrictEqual((yield* server.request("GET", "/authorisations?reference=life:authorise")).body, body)
      const back = { reference: "life:bank", amount: 500 }
      assert.strictEqual(
        (yield* server.request("POST", `/authorisations/${authorisationId}/chargebacks`, back)).status,
        201
      )
      assert.strictEqual((yield* receiver.next(GatewayWebhook, about("life:bank"))).event.type, "payment.charged_back")

      const other = yield* authorised("given-back")
      assert.deepStrictEqual(yield* gateway.void({ authorisationId: other, reference: "given-back:void" }), done)
      assert.deepStrictEqual(
        yield* gateway.capture({ ...capture, authorisationId: other, reference: "life:3" }),
        refused("voided")
      )
      assert.deepStrictEqual(
        yield* gateway.capture({ ...capture, authorisationId: "auth_none", reference: "life:4" }),
        refused("not_found")
      )
    })
  )

  it.effect("cards whose accounts take no capture, void or refund: never, or not the first one", () =>
    Effect.gen(function* () {
      const gateway = yield* PaymentGateway
      const all = [
        { token: "tok_capture_refused", code: "authorisation_expired", kind: "capture" },
        { token: "tok_void_refused", code: "not_voidable", kind: "void" },
        { token: "tok_refund_refused", code: "account_closed", kind: "refund" }
      ] as const
      for (const { code, kind, token } of all) {
        for (const once of [false, true]) {
          const authorisationId = yield* authorised(`${token}-${once}`, once ? `${token}_once` : token)
          const at = (n: number) => ({ authorisationId, reference: `${token}-${once}:${n}`, amount: 100 })
          if (kind === "refund") assert.deepStrictEqual(yield* gateway.capture(at(0)), done)
          assert.deepStrictEqual(yield* gateway[kind](at(1)), refused(code))
          assert.deepStrictEqual(yield* gateway[kind](at(1)), refused(code))
          assert.deepStrictEqual(yield* gateway[kind](at(2)), once ? done : refused(code))
        }
      }
    })
  )

  it.effect(
    "a bank takes money back and may give it again, once; the gateway reports both under the reference of the chargeback",
    () =>
      Effect.gen(function* () {
        const gateway = yield* PaymentGateway
        const server = yield* Gateway
        const receiver = yield* Receiver
        const authorisationId = yield* authorised("bank")
        const money = (reference: string, amount: number) => ({ authorisationId, reference, amount })
        yield* gateway.capture(money("bank:capture", 700))
        const post = (path: string, body: object) =>
          server.request("POST", `/authorisations/${authorisationId}/${path}`, body)
        yield* post("chargebacks", { reference: "bank:dispute", amount: 500 })
        assert.deepStrictEqual(yield* gateway.refund(money("bank:refund", 700)), refused("exceeds_captured"))
        const won = { reference: "bank:won", chargeback: "bank:dispute" }
        assert.strictEqual((yield* post("dispute-wins", won)).status, 201)
        assert.strictEqual((yield* post("dispute-wins", { ...won, reference: "bank:again" })).status, 409)
        const taken = yield* receiver.next(GatewayWebhook, about("bank:dispute"))
        const given = yield* receiver.next(GatewayWebhook, about("bank:dispute"))
        assert.sameMembers([taken.event.type, given.event.type], ["payment.charged_back", "payment.dispute_won"])
        assert.deepStrictEqual(yield* gateway.refund(money("bank:refund2", 700)), done)
      })
  )

  it.effect("a reference asked many times at once is carried out once", () =>
    Effect.gen(function* () {
      // Who gets no answer in time asks again, as an order does.
      const answered = Effect.retry(authorised("crowd"), Schedule.spaced("100 millis"))
      const ids = yield* Effect.all(
        Array.from({ length: 50 }, () => answered),
        { concurrency: "unbounded" }
      )
      assert.strictEqual(new Set(ids).size, 1)
    })
  )

  it.effect("a webhook is sent again until the merchant takes it", () =>
    Effect.gen(function* () {
      const receiver = yield* Receiver
      receiver.refuse("stubborn:authorise", 2)
      yield* authorised("stubborn")
      const fits = about("stubborn:authorise")
      const first = yield* receiver.next(GatewayWebhook, fits)
      yield* receiver.next(GatewayWebhook, fits)
      const third = yield* receiver.next(GatewayWebhook, fits)
      assert.strictEqual(first.id, third.id)
      assert.isTrue(third.signed)
    })
  )

  it.effect("can be taken down and made slow by its switch", () =>
    Effect.gen(function* () {
      const server = yield* Gateway
      const gateway = yield* PaymentGateway
      const mode = (body: object) => server.request("PUT", "/admin/mode", body)
      assert.strictEqual((yield* mode({ mode: "down" })).status, 200)
      const error = yield* Effect.flip(gateway.authorise({ ...order("switch"), token: "tok_ok" }))
      assert.strictEqual(error._tag, "GatewayUnavailable")
      assert.strictEqual((yield* server.request("GET", "/health/live")).status, 200)
      assert.deepStrictEqual((yield* mode({ mode: "slow" })).body, { mode: "slow", delayMs: 700 })
      yield* authorised("switch")
      yield* mode({ mode: "slow", delayMs: 5_000 })
      assert.strictEqual((yield* Effect.flip(authorised("switch")))._tag, "GatewayUnavailable")
      yield* mode({ mode: "up" })
      yield* authorised("switch")
    })
  )

  it.effect("refuses strangers and malformed requests without a word about itself", () =>
    Effect.gen(function* () {
      const { request } = yield* Gateway
      const open = { ...order("form"), token: "tok_ok" }
      const post = (body: unknown, bearer?: string) => request("POST", "/authorisations", body, bearer)
      assert.deepStrictEqual(yield* post(open, "guess"), { status: 401, body: { code: "unauthorised" } })
      assert.strictEqual((yield* request("PUT", "/admin/mode", { mode: "down" }, "guess")).status, 401)
      const invalid = { status: 400, body: { code: "invalid_request" } }
      assert.deepStrictEqual(yield* post("{"), invalid)
      assert.deepStrictEqual(yield* post({ ...open, amount: 1.5 }), invalid)
      assert.deepStrictEqual(yield* post({ ...open, amount: -1 }), invalid)
      assert.deepStrictEqual(yield* post({ ...open, reference: "a b" }), invalid)
      assert.deepStrictEqual(yield* post({ ...open, token: "x".repeat(300_000) }), {
        status: 413,
        body: { code: "too_large" }
      })
      assert.strictEqual((yield* request("GET", "/authorisations/auth_none")).status, 404)
      assert.strictEqual((yield* request("GET", "/authorisations?reference=none")).status, 404)
    })
  )
})
