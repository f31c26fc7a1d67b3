import { assert, it } from "@effect/vitest"
import { Notice } from "@halles/shared/Notice"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import * as MediaNews from "./MediaNews.ts"

it.effect("a look rests until there are news, and looks once more for what may not be in the table yet", () =>
  Effect.gen(function* () {
    const news = new Notice()
    let looks = 0
    let found = true
    yield* Effect.forkScoped(
      MediaNews.repeat(
        news,
        "2 seconds",
        Effect.sync(() => {
          looks += 1
          return found
        })
      )
    )
    const after = (duration: "2 seconds" | "10 seconds" | "30 seconds") =>
      Effect.map(TestClock.adjust(duration), () => looks)
    assert.strictEqual(yield* after("10 seconds"), 5)
    found = false
    assert.strictEqual(yield* after("10 seconds"), 6)
    news.give()
    yield* Effect.yieldNow
    news.give()
    assert.strictEqual(yield* after("10 seconds"), 8)
    // Lost news.
    assert.strictEqual(yield* after("30 seconds"), 9)
  })
)
