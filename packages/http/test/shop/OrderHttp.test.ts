import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { EdgeTest } from "../EdgeTest.ts"
import { received } from "../EntityDoubles.ts"

layer(EdgeTest.layer, { excludeTestServices: true, timeout: "60 seconds" })("orders", (it) => {
  it.effect("show status, money and steps", () =>
    Effect.gen(function* () {
      const { send } = yield* EdgeTest
      const { headers, json } = yield* send("GET", "/v1/orders/eu_1")
      assert.strictEqual(headers.get("etag"), '"2"')
      assert.strictEqual(json.status, "created")
      assert.deepStrictEqual(json.payment.authorised, { amount: "4668", currency: "GBP" })
      assert.deepStrictEqual(json.lines[0].total, { amount: "3990", currency: "GBP" })
      assert.strictEqual(json.steps.length, 2)
    })
  )

  it.effect("stream their history, and the rest of it after Last-Event-ID", () =>
    Effect.gen(function* () {
      const { send } = yield* EdgeTest
      const all = yield* send("GET", "/v1/orders/eu_1/events")
      assert.match(all.headers.get("content-type") ?? "", /^text\/event-stream/)
      assert.deepStrictEqual(
        [...all.text.matchAll(/^id: (\d+)$/gm)].map(([, id]) => id),
        ["1", "2"]
      )
      const rest = yield* send("GET", "/v1/orders/eu_1/events", undefined, { "last-event-id": "1" })
      assert.deepStrictEqual(
        [...rest.text.matchAll(/^data: (.*)$/gm)].map(([, data]) => JSON.parse(data!)),
        [{ seq: 2, step: "confirmed", at: 1_700_000_000_100, detail: null, status: "confirmed" }]
      )
      assert.strictEqual((yield* send("GET", "/v1/orders/eu_none/events")).status, 404)
    })
  )

  it.effect("tell who has seen all of what is over to stop, and who has seen what never was to begin anew", () =>
    Effect.gen(function* () {
      const { send } = yield* EdgeTest
      const from = (id: string) => send("GET", "/v1/orders/eu_1/events", undefined, { "last-event-id": id })
      const seen = yield* from("2")
      assert.deepStrictEqual([seen.status, seen.text], [204, ""])
      for (const id of ["", "0", "999"]) {
        const all = yield* from(id)
        assert.strictEqual(all.status, 200, id)
        assert.lengthOf([...all.text.matchAll(/^id: /gm)], 2, id)
      }
      assert.strictEqual((yield* from("-1")).status, 400)
    })
  )

  it.effect("stream on where they were cut off: each step once, in order", () =>
    Effect.gen(function* () {
      const { send } = yield* EdgeTest
      for (const order of ["eu_handover", "eu_asked-twice"]) {
        const { text } = yield* send("GET", `/v1/orders/${order}/events`)
        assert.deepStrictEqual(
          [...text.matchAll(/^id: (\d+)$/gm)].map(([, id]) => id),
          ["1", "2"],
          order
        )
      }
    })
  )

  it.effect("take a return under the key of the request", () =>
    Effect.gen(function* () {
      const { send } = yield* EdgeTest
      const body = { lines: [{ sku: "TEA", quantity: 1 }], disposition: "restock" }
      const key = { "idempotency-key": "r1" }
      const first = yield* send("POST", "/v1/orders/eu_1/returns", body, key)
      const again = yield* send("POST", "/v1/orders/eu_1/returns", body, key)
      assert.strictEqual(first.status, 202, first.text)
      assert.deepInclude(first.json, { returnId: again.json.returnId, status: "requested" })
      const returns = received.filter((line) => line.startsWith("Order eu_1 RequestReturn requestReturn:"))
      assert.deepStrictEqual([returns.length, new Set(returns).size], [2, 1])
    })
  )

  it.effect("say why they cannot be cancelled", () =>
    Effect.gen(function* () {
      const { send } = yield* EdgeTest
      const { json, status } = yield* send("POST", "/v1/orders/eu_1/cancel", {})
      assert.strictEqual(status, 409)
      assert.deepInclude(json, { code: "too_late_to_cancel", status: 409 })
      assert.deepStrictEqual(json.context, { status: "shipped" })
    })
  )
})
