import { assert, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { HttpClient, HttpClientResponse } from "effect/http"
import { TestClock } from "effect/testing"
import { patient } from "../../src/Client.ts"

it.effect("a client sends a change again under its key, no sooner than it was told to", () =>
  Effect.gen(function* () {
    const keys: Array<string | undefined> = []
    const client = patient(
      HttpClient.make((request) =>
        Effect.sync(() => {
          keys.push(request.headers["idempotency-key"])
          const again = keys.length < 3
          const init = { status: again ? 503 : 200, headers: again ? { "retry-after": "2" } : {} }
          return HttpClientResponse.fromWeb(request, new Response("{}", init))
        })
      )
    )
    const fiber = yield* Effect.forkChild(client.post("http://edge.test/v1/carts"), { startImmediately: true })
    yield* TestClock.adjust("1900 millis")
    assert.strictEqual(keys.length, 1)
    yield* TestClock.adjust("10 seconds")
    assert.strictEqual((yield* Fiber.join(fiber)).status, 200)
    assert.strictEqual(keys.length, 3)
    assert.strictEqual(new Set(keys).size, 1)
    assert.match(keys[0] ?? "", /^[0-9a-f-]{36}$/)
  })
)
