import { assert, layer } from "@effect/vitest"
import { Redis } from "@halles/shared/clients/Redis"
import { RedisTest } from "@halles/shared/testing/RedisTest"
import { steadyKey } from "@halles/shared/testing/SteadyKey"
import { Effect, Schedule } from "effect"
import { EdgeTest, importToken } from "../EdgeTest.ts"
import { received } from "../EntityDoubles.ts"

const cart = { region: "eu", currency: "GBP" }
const key = (value: string) => ({ "idempotency-key": steadyKey(value) })
const replayed = ({ headers }: { readonly headers: Headers }) => headers.get("idempotent-replayed")

layer(EdgeTest.layer, { excludeTestServices: true, timeout: "60 seconds" })("idempotency", (it) => {
  it.effect("a repeat gets the first answer, as it was, and says so", () =>
    Effect.gen(function* () {
      const { send } = yield* EdgeTest
      const first = yield* send("POST", "/v1/carts", cart, key("same"))
      assert.deepStrictEqual([first.status, replayed(first)], [201, null], first.text)
      yield* send("PUT", `/v1/carts/${first.json.id}/lines/TEA`, { quantity: 1 })
      const again = yield* send("POST", "/v1/carts", ` {"currency":"GBP", "region":"eu"}`, key("same"))
      assert.deepStrictEqual([again.status, again.text, replayed(again)], [201, first.text, "true"])
      for (const name of ["etag", "location", "content-type"]) {
        assert.strictEqual(again.headers.get(name), first.headers.get(name), name)
      }
    })
  )

  it.effect("what Redis keeps stands under the names that the edge's login may use", () =>
    Effect.gen(function* () {
      const { send } = yield* EdgeTest
      yield* send("POST", "/v1/carts", cart, key("named"))
      yield* send("GET", "/v1/products?region=eu")
      const redis = yield* Redis
      const keys = yield* redis.use((client) => client.keys("*"))
      assert.isNotEmpty(keys.filter((name) => name.startsWith("idempotency:")))
      assert.deepStrictEqual(
        keys.filter((name) => !/^(?:idempotency|answer|limit):/.test(name)),
        []
      )
    }).pipe(Effect.provide(RedisTest.layerConnection("names")))
  )

  it.effect("the key of another request is refused", () =>
    Effect.gen(function* () {
      const { send } = yield* EdgeTest
      yield* send("POST", "/v1/carts", cart, key("other"))
      const other = yield* send("POST", "/v1/carts", { ...cart, currency: "EUR" }, key("other"))
      assert.deepInclude(other.json, { status: 422, code: "idempotency_key_reused" })
    })
  )

  it.effect(
    "of what states a result, too: a repeat says so, and another body is refused; a refusal uses up no key",
    () =>
      Effect.gen(function* () {
        const { send } = yield* EdgeTest
        const { json } = yield* send("POST", "/v1/carts", cart)
        const put = (sku: string, quantity: number) =>
          send("PUT", `/v1/carts/${json.id}/lines/${sku}`, { quantity }, key("put"))
        assert.strictEqual((yield* put("GONE", 1)).json.code, "not_sold")
        const first = yield* put("TEA", 2)
        assert.deepStrictEqual([first.status, replayed(first)], [200, null], first.text)
        const again = yield* put("TEA", 2)
        assert.deepStrictEqual([again.status, replayed(again)], [200, "true"])
        assert.deepInclude((yield* put("TEA", 3)).json, { status: 422, code: "idempotency_key_reused" })
      })
  )

  it.effect("a key is its sender's own", () =>
    Effect.gen(function* () {
      const { send } = yield* EdgeTest
      const adjust = (sku: string) =>
        send(
          "POST",
          `/v1/skus/eu/${sku}/adjustments`,
          { warehouse: "eu-main", expectedOnHand: 5, onHand: 4, reason: "count" },
          { ...key("mine"), authorization: `Bearer ${importToken}` }
        )
      const cancel = yield* send("POST", "/v1/carts", cart, key("mine"))
      assert.strictEqual(cancel.status, 201, cancel.text)
      assert.strictEqual((yield* adjust("TEA")).status, 200)
      assert.strictEqual(replayed(yield* adjust("TEA")), "true")
      assert.strictEqual(received.filter((line) => line.startsWith("Sku eu_TEA Adjust adjustSku:")).length, 1)
    })
  )

  it.effect("while the first request runs its repeat is told to come back, and then hears what it came to", () =>
    Effect.gen(function* () {
      const { send } = yield* EdgeTest
      const { json } = yield* send("POST", "/v1/carts", cart)
      const merge = send("POST", `/v1/carts/${json.id}/merge`, { from: "eu_slow" }, key("twice"))
      const both = yield* Effect.all([merge, merge], { concurrency: 2 })
      const statuses = both.map(({ status }) => status).toSorted()
      assert.deepStrictEqual(statuses, [200, 409])
      const waiting = both.find(({ status }) => status === 409)!
      assert.strictEqual(waiting.json.code, "request_in_progress")
      assert.isNotNull(waiting.headers.get("retry-after"))
      const later = yield* merge
      assert.deepStrictEqual([later.status, replayed(later)], [200, "true"])
    })
  )

  it.effect("what was refused has used up no key", () =>
    Effect.gen(function* () {
      const { send } = yield* EdgeTest
      const cancel = () => send("POST", "/v1/orders/eu_1/cancel", {}, key("late"))
      for (const answer of [yield* cancel(), yield* cancel()]) {
        assert.deepStrictEqual([answer.status, replayed(answer)], [409, null])
      }
      const bad = { region: "eu", currency: "???" }
      assert.strictEqual((yield* send("POST", "/v1/carts", bad, key("mended"))).status, 400)
      const mended = yield* send("POST", "/v1/carts", cart, key("mended"))
      assert.strictEqual(mended.status, 201, mended.text)
    })
  )

  it.effect("a customer's data is not kept: the repeat asks the entity", () =>
    Effect.gen(function* () {
      const { send } = yield* EdgeTest
      const ada = { region: "eu", email: "ada@example.com" }
      const first = yield* send("POST", "/v1/customers", ada, key("ada"))
      yield* send("PATCH", `/v1/customers/${first.json.id}`, { name: "Ada" })
      const again = yield* send("POST", "/v1/customers", ada, key("ada"))
      assert.deepStrictEqual([again.status, again.json.name, replayed(again)], [201, "Ada", "true"])
    })
  )

  it.effect("without Redis everything goes on, and the entity knows the command", () =>
    Effect.gen(function* () {
      const { send } = yield* EdgeTest
      const redis = yield* RedisTest
      yield* redis.kill
      const first = yield* send("POST", "/v1/carts", cart, key("away"))
      const again = yield* send("POST", "/v1/carts", cart, key("away"))
      assert.deepStrictEqual([first.status, again.status, replayed(again)], [201, 201, null])
      assert.strictEqual(again.json.id, first.json.id)
      yield* redis.start
      yield* Effect.repeat(send("POST", "/v1/carts", cart, key("back")), {
        schedule: Schedule.spaced("50 millis"),
        until: (answer) => replayed(answer) === "true",
        times: 100
      })
    })
  )
})
