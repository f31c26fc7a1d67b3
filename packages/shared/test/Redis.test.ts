import { assert, it } from "@effect/vitest"
import { Redis } from "@halles/shared/clients/Redis"
import { Effect, Redacted } from "effect"

it.live("starts without Redis, and says at once that it is away", () =>
  Effect.gen(function* () {
    const redis = yield* Redis
    const error = yield* Effect.flip(redis.use((client) => client.get("key")))
    assert.strictEqual(error._tag, "RedisUnavailable")
  }).pipe(Effect.provide(Redis.layer({ url: Redacted.make("redis://127.0.0.1:1"), name: "test" })))
)
