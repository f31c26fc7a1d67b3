import { GatewayWebhook } from "@halles/entities/payment/PaymentGateway"
import { assert, layer } from "@effect/vitest"
import { Effect, Exit, Fiber, Result } from "effect"
import { appendFile } from "node:fs/promises"
import { makeProcess, type PartnerProcess, Receiver } from "./PartnerTest.ts"

const body = (reference: string, token = "tok_ok") => ({
  reference,
  orderId: "eu_1",
  amount: 500,
  currency: "EUR",
  token
})
const authorise = (gateway: PartnerProcess, reference: string, token?: string) =>
  gateway.request("POST", "/authorisations", body(reference, token))
const isRefusedFirst = ({ reference }: GatewayWebhook) => reference === "owed"
const total = 400

layer(Receiver.layer, { timeout: "30 seconds", excludeTestServices: true })("a gateway that is killed", (it) => {
  it.effect("between append and answer: the repeated reference gets what was recorded", () =>
    Effect.gen(function* () {
      const gateway = yield* makeProcess("gateway")
      const receiver = yield* Receiver
      const held = yield* Effect.forkChild(authorise(gateway, "cut", "tok_timeout_after_success"))
      // The webhook is sent once the entry is on disk, while the answer is held back for seconds.
      const { event } = yield* receiver.next(GatewayWebhook, ({ reference }) => reference === "cut")
      yield* gateway.kill
      assert.isTrue(Exit.isFailure(yield* Fiber.await(held)))
      yield* gateway.start
      const answer = yield* authorise(gateway, "cut", "tok_timeout_after_success")
      assert.deepStrictEqual(answer, { status: 201, body: { id: event.authorisationId, status: "authorised" } })
      assert.strictEqual((yield* authorise(gateway, "cut", "tok_ok")).status, 422)
    })
  )

  it.effect("under load: every answer given before holds after, and nothing is carried out twice", () =>
    Effect.gen(function* () {
      const gateway = yield* makeProcess("gateway")
      const references = Array.from({ length: total }, (_, index) => `load:${index}`)
      let answered = 0
      const before = yield* Effect.forEach(
        references,
        (reference) =>
          authorise(gateway, reference).pipe(
            Effect.tap(() => (++answered === total / 2 ? gateway.kill : Effect.void)),
            Effect.result
          ),
        { concurrency: 40 }
      )
      assert.isTrue(before.some(Result.isFailure))
      yield* gateway.start
      const after = yield* Effect.forEach(references, (reference) => authorise(gateway, reference), { concurrency: 40 })
      for (const [index, first] of before.entries()) {
        if (Result.isSuccess(first)) assert.deepStrictEqual(after[index], first.success)
      }
      const entries = (yield* gateway.lines).map((line) => JSON.parse(line) as { _tag: string; reference: string })
      const opened = entries.filter(({ _tag }) => _tag === "Authorised").map(({ reference }) => reference)
      assert.deepStrictEqual(opened.toSorted(), references.toSorted())
    })
  )

  it.effect("in the middle of a line: the torn line is cut off, and the ledger goes on", () =>
    Effect.gen(function* () {
      const gateway = yield* makeProcess("gateway")
      const first = yield* authorise(gateway, "torn:1")
      yield* gateway.kill
      const whole = (yield* gateway.lines).length
      yield* Effect.promise(() => appendFile(gateway.file, '{"_tag":"Authorised","refe'))
      yield* gateway.start
      assert.deepStrictEqual(yield* authorise(gateway, "torn:1"), first)
      yield* authorise(gateway, "torn:2")
      yield* gateway.kill
      const lines = yield* gateway.lines
      assert.isAtLeast(lines.length, whole + 1)
      for (const line of lines) JSON.parse(line)
      yield* gateway.start
      assert.strictEqual((yield* gateway.request("GET", "/authorisations?reference=torn:2")).status, 200)
    })
  )

  it.effect("with a webhook not taken yet: it is sent after the restart, under the same id", () =>
    Effect.gen(function* () {
      const gateway = yield* makeProcess("gateway")
      const receiver = yield* Receiver
      receiver.refuse("owed", 1_000)
      yield* authorise(gateway, "owed")
      const first = yield* receiver.next(GatewayWebhook, isRefusedFirst)
      yield* gateway.kill
      receiver.refuse("owed", 0)
      yield* gateway.start
      const again = yield* receiver.next(GatewayWebhook, isRefusedFirst)
      assert.strictEqual(again.id, first.id)
      assert.deepStrictEqual(again.event, first.event)
    })
  )

  it.effect("a whole line that is not ours stops the start: nothing is guessed", () =>
    Effect.gen(function* () {
      const gateway = yield* makeProcess("gateway")
      yield* gateway.kill
      yield* Effect.promise(() => appendFile(gateway.file, '{"_tag":"Sold"}\n'))
      assert.isTrue(Exit.isFailure(yield* Effect.exit(gateway.start)))
    })
  )
})
