import { assert, layer } from "@effect/vitest"
import * as WebhookSignature from "@halles/shared/security/WebhookSignature"
import { Effect, type Redacted } from "effect"
import { carrierSecret, EdgeTest, gatewaySecret } from "../EdgeTest.ts"
import { received } from "../EntityDoubles.ts"

const event = (orderId: string) => ({
  eventId: "evt_1",
  type: "payment.authorised",
  reference: "eu_1:authorise",
  orderId,
  authorisationId: "auth_1",
  amount: 4668,
  currency: "GBP",
  occurredAt: "2026-01-01T00:00:00.000Z"
})
const signed = (secret: Redacted.Redacted, body: string, at = new Date()) => ({
  ...WebhookSignature.make([secret]).sign({ id: "evt_1", at, body })
})

const noticed = (): ReadonlyArray<string> =>
  received.filter((line) => line.startsWith("Payment eu_1 GatewayNotice webhook:"))

layer(EdgeTest.layer, { excludeTestServices: true, timeout: "60 seconds" })("webhooks", (it) => {
  it.effect("reach their entity under the id of their event and of what they say", () =>
    Effect.gen(function* () {
      const { send } = yield* EdgeTest
      const body = JSON.stringify(event("eu_1"))
      const answer = yield* send("POST", "/webhooks/gateway", body, signed(gatewaySecret, body))
      assert.strictEqual(answer.status, 204, answer.text)
      assert.strictEqual(noticed().length, 1)
      // Sent again it may be written otherwise, and at another time; what says something else is another notice.
      const { amount, ...rest } = event("eu_1")
      const again = JSON.stringify({ ...rest, occurredAt: "2026-01-01T00:00:09.000Z", amount })
      const other = JSON.stringify({ ...rest, amount: amount + 1 })
      const strange = JSON.stringify({ ...rest, amount, eventId: "evt 1 – übertragen" })
      for (const text of [again, other, strange]) {
        assert.strictEqual((yield* send("POST", "/webhooks/gateway", text, signed(gatewaySecret, text))).status, 204)
      }
      const [first, second, third, fourth] = noticed()
      assert.strictEqual(second, first)
      assert.strictEqual(new Set([first, third, fourth]).size, 3)
      const parcel = JSON.stringify({
        eventId: "evt_2",
        type: "return.received",
        orderId: "eu_1",
        returnId: "r1",
        reference: "x",
        occurredAt: "2026-01-01T00:00:00.000Z"
      })
      assert.strictEqual((yield* send("POST", "/webhooks/carrier", parcel, signed(carrierSecret, parcel))).status, 204)
      assert.isTrue(received.some((line) => line.startsWith("Shipment eu_1 CarrierNotice webhook:")))
    })
  )

  it.effect("are refused when the signature is another's, old, missing, or of another body", () =>
    Effect.gen(function* () {
      const { send } = yield* EdgeTest
      const body = JSON.stringify(event("eu_1"))
      const old = new Date(Date.now() - 600_000)
      const attempts = [
        signed(carrierSecret, body),
        signed(gatewaySecret, body, old),
        signed(gatewaySecret, `${body} `)
      ]
      for (const headers of attempts) {
        const answer = yield* send("POST", "/webhooks/gateway", body, headers)
        assert.strictEqual(answer.status, 401, answer.text)
        assert.strictEqual(answer.json.code, "bad_signature")
      }
      assert.strictEqual((yield* send("POST", "/webhooks/gateway", body)).status, 401)
    })
  )

  it.effect("are told when the order is unknown, or the body is not theirs", () =>
    Effect.gen(function* () {
      const { send } = yield* EdgeTest
      const unknown = JSON.stringify(event("eu_none"))
      assert.strictEqual(
        (yield* send("POST", "/webhooks/gateway", unknown, signed(gatewaySecret, unknown))).status,
        404
      )
      const wrong = JSON.stringify({ ...event("eu_1"), amount: "lots" })
      const answer = yield* send("POST", "/webhooks/gateway", wrong, signed(gatewaySecret, wrong))
      assert.strictEqual(answer.status, 400)
      assert.strictEqual(answer.json.errors[0].pointer, "/amount")
    })
  )
})
