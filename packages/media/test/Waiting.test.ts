import { assert, it } from "@effect/vitest"
import { contentName } from "@halles/entities/media/MediaContent"
import { Deferred, Effect, Exit, Fiber, Latch, Layer, Schedule, Stream } from "effect"
import { join } from "node:path"
import { BlobStore } from "../src/BlobStore.ts"
import { Intake } from "../src/Intake.ts"
import { Pictures, type Recipe } from "../src/Pictures.ts"
import { Scanner } from "../src/Scanner.ts"
import { Uploads } from "../src/Uploads.ts"
import { directory, picture, written } from "./Samples.ts"

const png = Effect.promise(() => picture().png().toBuffer())
const name = (digit: number): string =>
  contentName("eu", { hash: digit.toString(16).padStart(64, "0"), type: "image/png" })
const recipe = (of: string): Recipe => ({
  name: of,
  transform: { width: 10, height: 10, fit: "inside", focus: { x: 0, y: 0 }, format: "webp" },
  format: "webp",
  isSaving: false
})

/** A store that has one picture under every name. It notes what it is asked for, and then answers once the latch is open. */
const storeOf = (bytes: Uint8Array, latch: Latch.Latch, asked: Array<string>) => {
  const ask = (name: string) =>
    Effect.suspend(() => {
      asked.push(name)
      return latch.await
    })
  return Layer.succeed(BlobStore, {
    put: ask,
    find: () => Effect.succeed({ bytes: bytes.length, storedAtMs: 0 }),
    read: (name) => Stream.unwrap(Effect.as(ask(name), Stream.make(bytes))),
    remove: () => Effect.void
  })
}
const until = (holds: () => boolean) =>
  Effect.repeat(Effect.sync(holds), { until: (is) => is, schedule: Schedule.spaced("5 millis") })

it.live("a picture that is made already is answered while as many others wait as may", () =>
  Effect.gen(function* () {
    const latch = yield* Latch.make(true)
    const at = yield* directory
    const pictures = Pictures.layer({ directory: at, bytesMax: 1_000_000 }).pipe(
      Layer.provide(storeOf(yield* png, latch, []))
    )
    yield* Effect.gen(function* () {
      const { get } = yield* Pictures
      const first = yield* get(recipe(name(0)))
      yield* latch.close
      const refused = yield* Deferred.make<string>()
      const waiting = yield* Effect.forkChild(
        Effect.forEach(
          Array.from({ length: 129 }, (_, index) => recipe(name(index + 1))),
          (one) => Effect.exit(Effect.tapError(get(one), ({ _tag }) => Deferred.succeed(refused, _tag))),
          { concurrency: "unbounded" }
        )
      )
      assert.strictEqual(yield* Deferred.await(refused), "TooManyWait")
      assert.deepStrictEqual(yield* get(recipe(name(0))), first)
      yield* latch.open
      assert.strictEqual((yield* Fiber.join(waiting)).filter(Exit.isSuccess).length, 128)
    }).pipe(Effect.provide(pictures))
  })
)

it.live("a picture whose original is dropped while it is made is not kept", () =>
  Effect.gen(function* () {
    const latch = yield* Latch.make(false)
    const at = yield* directory
    const asked: Array<string> = []
    const pictures = Pictures.layer({ directory: at, bytesMax: 1_000_000 }).pipe(
      Layer.provide(storeOf(yield* png, latch, asked))
    )
    yield* Effect.gen(function* () {
      const { forget, get, peek } = yield* Pictures
      const asking = yield* Effect.forkChild(get(recipe(name(1))))
      yield* until(() => asked.length === 1)
      yield* forget(name(1))
      yield* latch.open
      yield* Fiber.join(asking)
      assert.isNull(yield* peek(recipe(name(1))))
      yield* get(recipe(name(2)))
      assert.isNotNull(yield* peek(recipe(name(2))))
    }).pipe(Effect.provide(pictures))
  })
)

it.live("an upload in pieces is examined to its end and once, also when nobody waits so long for its outcome", () =>
  Effect.gen(function* () {
    const latch = yield* Latch.make(false)
    const at = yield* directory
    const asked: Array<string> = []
    const bytes = yield* png
    const uploads = Uploads.layer(join(at, "uploads")).pipe(
      Layer.provide(Intake.layer({ directory: join(at, "spool"), keepsUnscanned: false })),
      Layer.provide([storeOf(bytes, latch, asked), Scanner.layerNone])
    )
    yield* Effect.gen(function* () {
      const { open, outcomeOf } = yield* Uploads
      yield* open("eu_a", bytes.length)
      assert.isNull(yield* outcomeOf("eu_a"))
      // As when all of its pieces have come.
      written(join(at, "uploads", "eu_a"), bytes)
      const first = yield* Effect.forkChild(outcomeOf("eu_a"))
      yield* until(() => asked.length === 1)
      yield* Fiber.interrupt(first)
      const second = yield* Effect.forkChild(outcomeOf("eu_a"))
      yield* latch.open
      const outcome = yield* Fiber.join(second)
      assert.property(outcome, "kept")
      assert.deepStrictEqual(yield* outcomeOf("eu_a"), outcome)
      assert.strictEqual(asked.length, 1)
    }).pipe(Effect.provide(uploads))
  })
)
