import { assert, layer } from "@effect/vitest"
import { Nats } from "@halles/shared/clients/Nats"
import * as RunnerPresence from "@halles/engine/placement/RunnerPresence"
import * as Subject from "@halles/shared/Subject"
import { NatsTest } from "@halles/shared/testing/NatsTest"
import { Context, Effect, Exit, Layer, Schedule, Scope } from "effect"
import { spawn } from "node:child_process"
import { fileURLToPath } from "node:url"

const silenceMs = 800

/** Asks again until it is so; the test's own time limit ends a wait that is in vain. */
const until = (check: Effect.Effect<boolean>) =>
  Effect.repeat(check, { schedule: Schedule.spaced("20 millis"), until: (yes) => yes })

layer(NatsTest.layer, { excludeTestServices: true })("RunnerPresence", (it) => {
  it.effect(
    "knows who is there after a whole window, and not while NATS is away",
    () =>
      Effect.gen(function* () {
        const server = yield* NatsTest
        const beat = yield* Scope.fork(yield* Effect.scope)
        yield* Layer.buildWithScope(
          RunnerPresence.layerHeartbeat({ id: "eu-1", region: "eu", version: "1.2.3" }).pipe(
            Layer.provide(NatsTest.layerConnection("eu-1"))
          ),
          beat
        )
        const startedAtMs = Date.now()
        const context = yield* Layer.build(
          RunnerPresence.RunnerPresence.layerWith({ silenceMs }).pipe(
            Layer.provideMerge(Layer.fresh(NatsTest.layerConnection("watcher")))
          )
        )
        const presence = Context.get(context, RunnerPresence.RunnerPresence)
        const isDead = (id: string) => Effect.map(presence.isAlive(id), (alive) => !alive)

        assert.isTrue(yield* presence.isAlive("eu-2"), "it cannot know yet")
        yield* until(isDead("eu-2"))
        assert.isAtLeast(Date.now() - startedAtMs, silenceMs)
        assert.isTrue(yield* presence.isAlive("eu-1"))
        assert.deepStrictEqual(
          (yield* presence.alive).map(({ id, region, version }) => ({ id, region, version })),
          [{ id: "eu-1", region: "eu", version: "1.2.3" }]
        )

        yield* server.kill
        yield* until(presence.isAlive("eu-2"))
        yield* server.start
        yield* until(isDead("eu-2"))
        yield* until(presence.isAlive("eu-1"))

        yield* Scope.close(beat, Exit.void)
        yield* until(isDead("eu-1"))
        assert.deepStrictEqual(yield* presence.alive, [])
      }),
    120_000
  )

  it.effect(
    "tells the frozen from the busy, and judges nobody after a pause of its own",
    () =>
      Effect.gen(function* () {
        const { url } = yield* NatsTest
        const script = fileURLToPath(new URL("./heartbeatProcess.ts", import.meta.url))
        const runner = (id: string, busyMs: number) =>
          Effect.acquireRelease(
            Effect.sync(() => spawn(process.execPath, [script, id, url, String(busyMs)], { stdio: "inherit" })),
            (child) => Effect.sync(() => child.kill("SIGKILL"))
          )
        const frozen = yield* runner("eu-3", 0)
        yield* runner("eu-4", 800)
        const context = yield* Layer.build(
          RunnerPresence.RunnerPresence.layer.pipe(Layer.provideMerge(Layer.fresh(NatsTest.layerConnection("watcher"))))
        )
        const presence = Context.get(context, RunnerPresence.RunnerPresence)
        const isDead = (id: string) => Effect.map(presence.isAlive(id), (alive) => !alive)
        const seen = Effect.map(presence.alive, (alive) => alive.map(({ id }) => id))
        yield* until(Effect.map(seen, (ids) => ids.includes("eu-3") && ids.includes("eu-4")))
        yield* until(isDead("nobody"))

        for (let looks = 0; looks < 80; looks++) {
          assert.isTrue(yield* presence.isAlive("eu-4"), "busy for 800 ms of each second")
          yield* Effect.sleep("50 millis")
        }
        // This process hears nobody for longer than the silence that it calls death.
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, RunnerPresence.silenceMs + 500)
        for (let looks = 0; looks < 20; looks++) {
          assert.isTrue(yield* presence.isAlive("eu-3"), "it was this process that was away")
          yield* Effect.sleep("10 millis")
        }
        yield* until(isDead("nobody"))
        frozen.kill("SIGSTOP")
        yield* until(isDead("eu-3"))
        frozen.kill("SIGCONT")
        yield* until(presence.isAlive("eu-3"))
      }),
    120_000
  )

  it.effect("ignores what is no heartbeat", () =>
    Effect.gen(function* () {
      const context = yield* Layer.build(
        RunnerPresence.RunnerPresence.layerWith({ silenceMs }).pipe(
          Layer.provideMerge(Layer.fresh(NatsTest.layerConnection("watcher")))
        )
      )
      const nats = Context.get(context, Nats)
      for (const text of ["", "{}", "[1]", '{"id":"a.b","region":"eu"}', "\u0000"])
        nats.publish(Subject.heartbeat("eu", "x"), text)
      yield* Effect.promise(() => nats.flush())
      assert.deepStrictEqual(yield* Context.get(context, RunnerPresence.RunnerPresence).alive, [])
    })
  )
})
