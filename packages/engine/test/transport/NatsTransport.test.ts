import { assert, layer } from "@effect/vitest"
import * as NatsTransport from "@halles/engine/transport/NatsTransport"
import { NatsTest } from "@halles/shared/testing/NatsTest"
import { Cause, Deferred, Effect, Exit, Fiber, Queue } from "effect"
import { call, serve } from "./TransportFixture.ts"

const settings = { excludeTestServices: true, timeout: "30 seconds" } as const

layer(NatsTest.layer, settings)("NatsTransport", (it) => {
  it.effect("answers, refuses and dies as the handler does", () =>
    Effect.gen(function* () {
      yield* serve("eu-1")
      const client = yield* (yield* call()).to("eu-1")
      assert.strictEqual(yield* client.Echo({ text: "čaj" }), "čaj")
      assert.strictEqual((yield* Effect.flip(client.Refuse()))._tag, "Refused")
      const died = yield* Effect.exit(client.Die())
      assert.isTrue(Exit.isFailure(died) && Cause.hasDies(died.cause))
      assert.strictEqual(yield* client.Echo({ text: "still here" }), "still here")
    })
  )

  it.effect("keeps many concurrent calls apart and puts them into few NATS messages", () =>
    Effect.gen(function* () {
      yield* serve("eu-2")
      const { nats, to } = yield* call()
      const client = yield* to("eu-2")
      yield* client.Echo({ text: "open" })
      const before = nats.stats().outMsgs
      const keys = Array.from({ length: 2_000 }, (_, index) => `k${index}`)
      const answers = yield* Effect.forEach(keys, (key) => client.Once({ key }), { concurrency: "unbounded" })
      assert.deepStrictEqual(answers, keys)
      assert.isBelow(nats.stats().outMsgs - before, 500)
    })
  )

  it.effect("streams, and the producer waits for a slow consumer", () =>
    Effect.gen(function* () {
      const server = yield* serve("eu-3")
      const client = yield* (yield* call()).to("eu-3")
      yield* Effect.gen(function* () {
        const queue = yield* client.Numbers({ count: 1_000 }, { asQueue: true, streamBufferSize: 4 })
        assert.strictEqual(yield* Queue.take(queue), 1)
        yield* client.Echo({ text: "a slow stream does not hold back other calls" })
        assert.isBelow(server.emitted.count, 20)
        const rest: Array<number> = []
        yield* Queue.take(queue).pipe(
          Effect.tap((value) => Effect.sync(() => rest.push(value))),
          Effect.forever,
          Effect.catchTag("Done", () => Effect.void)
        )
        assert.strictEqual(rest.length, 999)
        assert.strictEqual(rest.at(-1), 1_000)
      }).pipe(Effect.scoped)
    })
  )

  it.effect("interrupts the handler when the caller is interrupted, and when the caller goes away", () =>
    Effect.gen(function* () {
      const first = yield* serve("eu-4")
      const client = yield* (yield* call()).to("eu-4")
      const fiber = yield* Effect.forkChild(client.Never())
      yield* Deferred.await(first.neverStarted)
      yield* Fiber.interrupt(fiber)
      yield* Deferred.await(first.neverInterrupted)

      const second = yield* serve("eu-5")
      yield* Effect.gen(function* () {
        const leaving = yield* (yield* call()).to("eu-5")
        yield* Effect.forkChild(leaving.Never())
        yield* Deferred.await(second.neverStarted)
      }).pipe(Effect.scoped)
      yield* Deferred.await(second.neverInterrupted)
    })
  )

  it.effect("interrupts the handler when its caller is silent", () =>
    Effect.gen(function* () {
      const server = yield* serve("eu-6", { silenceMs: 300 })
      // A caller that looks at its connections once an hour sends no pings: as good as frozen.
      yield* Effect.gen(function* () {
        const client = yield* (yield* call({ tickMs: 3_600_000 })).to("eu-6")
        const fiber = yield* Effect.forkChild(Effect.flip(client.Never()))
        yield* Deferred.await(server.neverInterrupted)
        assert.strictEqual((yield* Fiber.join(fiber))._tag, "RpcClientError")
      }).pipe(Effect.scoped)
    })
  )

  it.effect("splits large messages both ways and refuses those over the limit", () =>
    Effect.gen(function* () {
      yield* serve("eu-7")
      const client = yield* (yield* call()).to("eu-7")
      const text = "y".repeat(3 * 1024 * 1024)
      assert.strictEqual((yield* client.Echo({ text })).length, text.length)
      assert.strictEqual((yield* client.Blob({ size: 3 * 1024 * 1024 })).length, text.length)
      const request = yield* Effect.exit(client.Echo({ text: "z".repeat(17 * 1024 * 1024) }))
      assert.strictEqual(defectTag(request), "MessageTooLarge")
      const reply = yield* Effect.exit(client.Blob({ size: 17 * 1024 * 1024 }))
      assert.match(String(Exit.isFailure(reply) && Cause.squash(reply.cause)), /over the limit/)
      assert.strictEqual(yield* client.Echo({ text: "still here" }), "still here")
    })
  )

  it.effect("sheds calls over its bound and takes them again later", () =>
    Effect.gen(function* () {
      const server = yield* serve("eu-8")
      const client = yield* (yield* call({ requestsMax: 2 })).to("eu-8")
      const held = yield* Effect.forkChild(Effect.all([client.Gate(), client.Gate()], { concurrency: 2 }))
      yield* Deferred.await(server.gateReached)
      assert.strictEqual((yield* Effect.flip(client.Echo({ text: "one too many" })))._tag, "RpcClientError")
      yield* Deferred.succeed(server.gate, undefined)
      assert.deepStrictEqual(yield* Fiber.join(held), ["opened", "opened"])
      assert.strictEqual(yield* client.Echo({ text: "again" }), "again")
    })
  )

  it.effect("a runner that stops finishes its calls, takes no new ones, and may come back under its name", () =>
    Effect.gen(function* () {
      const server = yield* serve("eu-9")
      const client = yield* (yield* call()).to("eu-9")
      const held = yield* Effect.forkChild(client.Gate())
      yield* Deferred.await(server.gateReached)
      const stopping = yield* Effect.forkChild(server.stop)
      yield* client.Echo({ text: "x" }).pipe(Effect.repeat({ until: () => false }), Effect.flip)
      assert.isUndefined(held.pollUnsafe())
      yield* Deferred.succeed(server.gate, undefined)
      assert.strictEqual(yield* Fiber.join(held), "opened")
      yield* Fiber.join(stopping)
      yield* serve("eu-9")
      assert.strictEqual(yield* client.Echo({ text: "back" }), "back")
    })
  )

  it.effect("two processes under one id: no call runs twice", () =>
    Effect.gen(function* () {
      const one = yield* serve("eu-10")
      const two = yield* serve("eu-10")
      const client = yield* (yield* call()).to("eu-10")
      const keys = Array.from({ length: 200 }, (_, index) => `k${index}`)
      yield* Effect.forEach(keys, (key) => client.Once({ key }), { concurrency: 50 })
      for (const key of keys) assert.strictEqual((one.runs.get(key) ?? 0) + (two.runs.get(key) ?? 0), 1)
    })
  )
})

const defectTag = (exit: Exit.Exit<unknown, unknown>): unknown => {
  const defect = Exit.isFailure(exit) ? Cause.squash(exit.cause) : undefined
  return defect instanceof NatsTransport.MessageTooLarge ? defect._tag : defect
}
