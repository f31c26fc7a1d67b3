import * as WebhookSignature from "@halles/shared/security/WebhookSignature"
import { assert, describe, it } from "@effect/vitest"
import { Redacted, Result } from "effect"

const old = Redacted.make("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
const fresh = Redacted.make(`whsec_${Buffer.from("the secret that comes next").toString("base64")}`)
const one = WebhookSignature.make([old])
const body = '{"test": 2432232314}'
const now = new Date()
const at = (ms: number) => one.sign({ id: "evt_1", at: new Date(now.getTime() + ms), body })
const accepts = (headers: WebhookSignature.SignedHeaders, text = body, verifier = one) =>
  Result.isSuccess(verifier.verify({ ...headers }, text))

describe("WebhookSignature", () => {
  it("signs as the Standard Webhooks reference libraries do", () => {
    // The vector in the tests of github.com/standard-webhooks/standard-webhooks.
    const signed = one.sign({ id: "msg_p5jXN8AQM9LWM0D4loKWxJek", at: new Date(1614265330_000), body })
    assert.deepStrictEqual(signed, {
      "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
      "webhook-timestamp": "1614265330",
      "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    })
  })

  it("accepts its own and refuses a change of body, id, time or secret", () => {
    const signed = one.sign({ id: "evt_1", at: now, body })
    assert.isTrue(accepts(signed))
    assert.isFalse(accepts(signed, `${body} `))
    assert.isFalse(accepts({ ...signed, "webhook-id": "evt_2" }))
    assert.isFalse(accepts({ ...signed, "webhook-timestamp": String(Number(signed["webhook-timestamp"]) + 1) }))
    assert.isFalse(accepts(signed, body, WebhookSignature.make([fresh])))
    assert.isFalse(Result.isSuccess(one.verify({}, body)))
  })

  it("allows five minutes between the clocks", () => {
    assert.isTrue(accepts(at(-4.9 * 60_000)))
    assert.isTrue(accepts(at(4.9 * 60_000)))
    assert.isFalse(accepts(at(-5.1 * 60_000)))
    assert.isFalse(accepts(at(5.1 * 60_000)))
  })

  it("lets a secret be replaced: one signature of several suffices, on either side", () => {
    const both = WebhookSignature.make([old, fresh])
    const signed = both.sign({ id: "evt_1", at: now, body })
    assert.strictEqual(signed["webhook-signature"].split(" ").length, 2)
    assert.isTrue(accepts(signed))
    assert.isTrue(accepts(signed, body, WebhookSignature.make([fresh])))
    assert.isTrue(accepts(one.sign({ id: "evt_1", at: now, body }), body, WebhookSignature.make([fresh, old])))
  })
})
