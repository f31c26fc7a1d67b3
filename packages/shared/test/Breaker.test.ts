import { assert, it } from "@effect/vitest"
import * as Breaker from "@halles/shared/clients/Breaker"
import { Deferred, Effect, Fiber } from "effect"
import { TestClock } from "effect/testing"
import * as fc from "fast-check"

const isOpen = (error: unknown) => error instanceof Breaker.BreakerOpen

it.effect("whatever calls do: few failures never open it, an open one sends nothing, and one probe decides", () =>
  Effect.promise(() =>
    fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ fails: fc.boolean(), afterMs: fc.constantFrom(0, 0, 0, 100, 600, 11_000) }), {
          maxLength: 120,
          // Otherwise hardly any is long enough for a breaker to conclude anything.
          size: "max"
        }),
        (calls) =>
          Effect.runPromise(
            Effect.gen(function* () {
              const breaker = yield* Breaker.make("law")
              const seen: Array<boolean> = []
              for (const { afterMs, fails } of calls) {
                yield* TestClock.adjust(afterMs)
                const before = yield* breaker.state
                let sent = false
                const exit = yield* Effect.exit(
                  breaker.run(
                    Effect.suspend(() => {
                      sent = true
                      return fails ? Effect.fail("down" as const) : Effect.void
                    })
                  )
                )
                const refused = exit._tag === "Failure" && !sent
                const after = yield* breaker.state
                if (refused) {
                  assert.strictEqual(before, "Open")
                  assert.strictEqual(after, "Open")
                  continue
                }
                if (before === "Closed") {
                  seen.push(fails)
                  const last = seen.slice(-50)
                  const share = last.filter(Boolean).length / last.length
                  assert.strictEqual(after, fails && last.length >= 20 && share >= 0.5 ? "Open" : "Closed")
                } else {
                  assert.strictEqual(after, fails ? "Open" : "Closed")
                }
                if (after !== "Closed" || before !== "Closed") seen.length = 0
              }
            }).pipe(Effect.scoped, Effect.provide(TestClock.layer()))
          )
      ),
      { numRuns: 60 }
    )
  )
)

it.effect("while a probe is under way nobody else is sent; an error that is no failure keeps it closed", () =>
  Effect.gen(function* () {
    const breaker = yield* Breaker.make("probe")
    for (let count = 0; count < 100; count += 1) {
      yield* Effect.exit(breaker.run(Effect.fail("refused"), (error) => error !== "refused"))
    }
    assert.strictEqual(yield* breaker.state, "Closed")
    for (let count = 0; count < 100; count += 1) yield* Effect.exit(breaker.run(Effect.fail("down")))
    assert.isTrue(isOpen(yield* Effect.flip(breaker.run(Effect.void))))
    yield* TestClock.adjust("1 second")
    const gate = yield* Deferred.make<void>()
    const probe = yield* Effect.forkChild(breaker.run(Deferred.await(gate)), { startImmediately: true })
    for (let count = 0; count < 10; count += 1) assert.isTrue(isOpen(yield* Effect.flip(breaker.run(Effect.void))))
    yield* Deferred.succeed(gate, undefined)
    yield* Fiber.join(probe)
    yield* breaker.run(Effect.void)
    assert.strictEqual(yield* breaker.state, "Closed")
  }).pipe(Effect.scoped)
)
