import { assert, layer } from "@effect/vitest"
import { runnerAddress } from "@halles/engine/transport/NatsTransport"
import { Caller } from "@halles/engine/transport/Caller"
import { NatsTest } from "@halles/shared/testing/NatsTest"
import * as RunClock from "@halles/shared/testing/RunClock"
import { type ChildProcess, spawn } from "node:child_process"
import { fileURLToPath } from "node:url"
import { Context, Deferred, Duration, Effect, Exit, Fiber, Latch, Layer, Schedule } from "effect"
import { MessageStorage, Runners, ShardingConfig } from "effect/cluster"
import { call, layerCaller, serve } from "./TransportFixture.ts"

const settings = { excludeTestServices: true } as const

/** What it gave, and the milliseconds that it took by this thread's own clock. */
const timed = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.suspend(() => {
    const since = RunClock.nowMs()
    return Effect.map(effect, (value) => [RunClock.nowMs() - since, value] as const)
  })

layer(NatsTest.layer, settings)("NatsTransport when a peer fails", (it) => {
  it.effect("a killed peer fails calls in flight and the next ones at once", () =>
    Effect.gen(function* () {
      const child = yield* spawnRunner("eu-20")
      const client = yield* (yield* call()).to("eu-20")
      yield* client.Echo({ text: "alive" })
      const inFlight = yield* Effect.forkChild(Effect.flip(client.Never()))
      yield* client.Echo({ text: "the call before has arrived" })
      const [flown, error] = yield* timed(Effect.andThen(stopped(child, "SIGKILL"), Fiber.join(inFlight)))
      assert.match(error.message, /no responders/)
      const [next, refusal] = yield* timed(Effect.flip(client.Echo({ text: "anyone?" })))
      assert.match(refusal.message, /no responders/)
      assert.isBelow(next, 200)
      assert.isBelow(flown, 500)
    })
  )

  it.effect("nobody at the address: RunnerUnavailable within 200 ms", () =>
    Effect.gen(function* () {
      const runners = yield* Runners.Runners
      const [took, error] = yield* timed(Effect.flip(runners.ping(runnerAddress("eu-21"))))
      assert.strictEqual(error._tag, "RunnerUnavailable")
      assert.isBelow(took, 200)
    }).pipe(
      Effect.provide(
        Runners.layerRpc.pipe(
          Layer.provide([
            layerCaller(),
            MessageStorage.layerNoop,
            ShardingConfig.layer({ simulateRemoteSerialization: false })
          ])
        )
      )
    )
  )

  it.effect("a client that is not listening yet hears of the failure when it does", () =>
    Effect.gen(function* () {
      const { nats, protocols } = yield* call()
      const protocol = yield* protocols.make(runnerAddress("eu-24"))
      yield* protocol.send(7, { _tag: "Request", id: "1", tag: "Echo", payload: null, headers: [] })
      // The server answers in order, so what it had to say about the call has come when the flush is through.
      yield* Effect.promise(() => nats.flush())
      const heard = yield* Deferred.make<string>()
      yield* Effect.forkChild(protocol.run(7, (response) => Deferred.succeed(heard, response._tag)))
      assert.strictEqual(yield* Deferred.await(heard), "ClientProtocolError")
    })
  )

  it.effect("a frozen peer fails calls after the silence it is allowed, and is used again when it wakes", () =>
    Effect.gen(function* () {
      const child = yield* spawnRunner("eu-22")
      const client = yield* (yield* call({ silenceMs: 500 })).to("eu-22")
      yield* client.Echo({ text: "alive" })
      child.kill("SIGSTOP")
      const [took, [ownMs, error]] = yield* Effect.timed(timed(Effect.flip(client.Echo({ text: "hello?" }))))
      assert.match(error.message, /silent/)
      assert.isAbove(Duration.toMillis(took), 400)
      assert.isBelow(ownMs, 1_500)
      child.kill("SIGCONT")
      assert.strictEqual(yield* client.Echo({ text: "back" }), "back")
    })
  )

  // A call that was begun just before the silent runner was replaced waited for all of its silence once more.
  it.effect("a peer that was silent is waited for no longer once it is replaced, whenever the call was begun", () =>
    Effect.gen(function* () {
      const child = yield* spawnRunner("eu-25")
      const { context, to } = yield* call({ silenceMs: 500 })
      const client = yield* to("eu-25")
      yield* client.Echo({ text: "alive" })
      child.kill("SIGSTOP")
      yield* Effect.flip(client.Echo({ text: "hello?" }))
      const again = yield* Effect.forkChild(Effect.flip(client.Echo({ text: "still there?" })), {
        startImmediately: true
      })
      const [took, error] = yield* timed(
        Effect.andThen(
          Effect.sync(() => Context.get(context, Caller).forsake("eu-25")),
          Fiber.join(again)
        )
      )
      assert.match(error.message, /replaced/)
      assert.isBelow(took, 400)
      child.kill("SIGCONT")
      assert.strictEqual(yield* client.Echo({ text: "back" }), "back")
    })
  )

  it.effect("a peer that answers pings is not dead, however slow its handler", () =>
    Effect.gen(function* () {
      const server = yield* serve("eu-23")
      const client = yield* (yield* call({ silenceMs: 300 })).to("eu-23")
      const slow = yield* Effect.forkChild(client.Gate())
      yield* Deferred.await(server.gateReached)
      yield* Effect.sleep("1 second")
      yield* Deferred.succeed(server.gate, undefined)
      assert.strictEqual(yield* Fiber.join(slow), "opened")
    })
  )
})

layer(NatsTest.layer, settings)("NatsTransport when NATS restarts", (it) => {
  it.effect(
    "answers or fails each call, runs none twice, and goes on by itself",
    () =>
      Effect.gen(function* () {
        const nats = yield* NatsTest
        const server = yield* serve("eu-30")
        const client = yield* (yield* call()).to("eu-30")
        const traffic = yield* startTraffic((key) => client.Once({ key }))
        yield* traffic.answered(2_000)
        yield* nats.kill
        yield* traffic.failed(1)
        yield* nats.start
        const before = traffic.counts.answered
        yield* traffic.answered(before + 2_000)
        yield* traffic.stop
        const { counts } = traffic
        assert.strictEqual(counts.answered + counts.failed, counts.sent)
        assert.isAtLeast(server.runs.size, counts.answered)
        for (const [key, runs] of server.runs) assert.strictEqual(runs, 1, key)
      }),
    120_000
  )

  it.effect("calls that wait fail at once when NATS goes away, and their handlers end", () =>
    Effect.gen(function* () {
      const nats = yield* NatsTest
      const server = yield* serve("eu-31")
      const client = yield* (yield* call()).to("eu-31")
      const waiting = yield* Effect.forkChild(Effect.flip(client.Never()))
      yield* Deferred.await(server.neverStarted)
      yield* nats.kill
      const error = yield* Fiber.join(waiting)
      assert.match(error.message, /NATS went away/)
      yield* Deferred.await(server.neverInterrupted)
      assert.match((yield* Effect.flip(client.Echo({ text: "x" }))).message, /no connection to NATS/)
      yield* nats.start
      yield* Effect.retry(client.Echo({ text: "x" }), { schedule: retrySchedule })
    })
  )
})

const retrySchedule = Schedule.spaced("20 millis")

const spawnRunner = Effect.fnUntraced(function* (runnerId: string) {
  const { url } = yield* NatsTest
  const script = fileURLToPath(new URL("./runnerProcess.ts", import.meta.url))
  return yield* Effect.acquireRelease(
    Effect.promise(
      () =>
        new Promise<ChildProcess>((resolve, reject) => {
          const child = spawn(process.execPath, [script, runnerId, url], { stdio: ["ignore", "pipe", "inherit"] })
          child.once("exit", (code) => reject(new Error(`runner ended with ${code}`)))
          child.stdout?.once("data", () => resolve(child))
        })
    ),
    (child) => stopped(child, "SIGKILL")
  )
})

const stopped = (child: ChildProcess, signal: NodeJS.Signals) =>
  Effect.promise(
    () =>
      new Promise<void>((resolve) => {
        if (child.exitCode !== null || child.signalCode !== null) return resolve()
        child.once("exit", () => resolve())
        child.kill(signal)
      })
  )

/** Fifty callers, each with a new key as soon as its last call has ended. */
const startTraffic = Effect.fnUntraced(function* <E>(ask: (key: string) => Effect.Effect<string, E>) {
  const counts = { sent: 0, answered: 0, failed: 0 }
  const state = { stop: false }
  const ended = Latch.makeUnsafe(false)
  const one = Effect.suspend(() => ask(`key${counts.sent++}`)).pipe(
    Effect.exit,
    Effect.tap((exit) => {
      counts[Exit.isSuccess(exit) ? "answered" : "failed"] += 1
      return Effect.andThen(ended.release, Exit.isSuccess(exit) ? Effect.void : Effect.sleep(5))
    })
  )
  const callers = yield* Effect.forkChild(
    Effect.forEach(Array.from({ length: 50 }), () => Effect.repeat(one, { until: () => state.stop }), {
      concurrency: "unbounded",
      discard: true
    })
  )
  const reached = (count: () => boolean): Effect.Effect<void> =>
    Effect.suspend(() => (count() ? Effect.void : Effect.andThen(ended.await, reached(count))))
  return {
    counts,
    answered: (count: number) => reached(() => counts.answered >= count),
    failed: (count: number) => reached(() => counts.failed >= count),
    stop: Effect.suspend(() => {
      state.stop = true
      return Fiber.join(callers)
    })
  }
})
