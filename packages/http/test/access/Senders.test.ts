import { assert, layer } from "@effect/vitest"
import { accountCustomerId } from "@halles/shared/security/Ownership"
import { RedisTest } from "@halles/shared/testing/RedisTest"
import { Effect } from "effect"
import { SqlClient } from "effect/sql"
import { randomUUID } from "node:crypto"
import { Api } from "../../src/Api.ts"
import { Idempotency } from "@halles/shared/wire/Idempotency"
import { adminToken, type Answer, EdgeTest, importToken } from "../EdgeTest.ts"
import { Issuer } from "../Issuer.ts"
import * as ShopTest from "../shop/ShopTest.ts"

const open = { region: "eu", currency: "GBP" }
const keyed = (key: string, token?: string) => ({
  "idempotency-key": key,
  ...(token === undefined ? {} : { authorization: `Bearer ${token}` })
})

/** Each answer of Redis is gone: what remains is what the entities know. */
const flushed = Effect.flatMap(RedisTest, ({ flush }) => flush)

const listed = Effect.gen(function* () {
  const { send } = yield* EdgeTest
  const tea = { title: "Tea", price: { amount: "495", currency: "GBP" }, taxRate: 2000 }
  const headers = { authorization: `Bearer ${importToken}`, "if-match": "*" }
  const answer = yield* send("PUT", "/v1/products/TEA?region=eu", tea, headers)
  assert.strictEqual(answer.status, 200, answer.text)
})
const onHand = (sku: string) =>
  Effect.flatMap(EdgeTest, ({ send }) =>
    Effect.map(send("GET", `/v1/skus/eu/${sku}`), ({ json }): number => json.totals?.onHand ?? 0)
  )
const account = (name: string, rest: object = {}) => {
  const customer = accountCustomerId("eu", name.padEnd(22, "x"))
  return Effect.map(
    Effect.flatMap(Issuer, ({ sign }) =>
      sign({ sub: name, roles: ["customer"], customer_id: customer, scope: "carts:write orders:write", ...rest })
    ),
    (token) => ({ customer, token })
  )
}
const idOf = ({ json, status, text }: Answer): string => {
  assert.strictEqual(status, 201, text)
  return json.id
}

layer(EdgeTest.layerOver(ShopTest.layer), { excludeTestServices: true, timeout: "120 seconds" })("senders", (it) => {
  it.effect("every endpoint that takes a key knows whose it is", () =>
    Effect.sync(() => {
      const takes = Object.values(Api.groups).flatMap((group) =>
        Object.values(group.endpoints).filter(({ headers }) =>
          JSON.stringify(headers?.ast ?? null).includes("idempotency-key")
        )
      )
      assert.isAbove(takes.length, 20)
      for (const endpoint of takes) assert.isTrue(endpoint.middlewares.has(Idempotency as never), endpoint.identifier)
    })
  )

  it.effect("with the same key and body each has a cart of its own, before and after Redis forgets", () =>
    Effect.gen(function* () {
      const { send } = yield* EdgeTest
      const ada = yield* account("ada")
      const bob = yield* account("bob")
      const tokens = [importToken, adminToken, ada.token, bob.token]
      for (const key of ["order-1", "1", randomUUID()]) {
        const ids = yield* Effect.forEach(tokens, (token) =>
          Effect.map(send("POST", "/v1/carts", open, keyed(key, token)), idOf)
        )
        assert.strictEqual(new Set(ids).size, tokens.length, key)
        yield* flushed
        const again = yield* Effect.forEach(tokens, (token) =>
          Effect.map(send("POST", "/v1/carts", open, keyed(key, token)), idOf)
        )
        assert.deepStrictEqual(again, ids, key)
      }
    })
  )

  it.effect("a token anew is the same sender; with none it is another", () =>
    Effect.gen(function* () {
      const { send } = yield* EdgeTest
      const key = randomUUID()
      const first = idOf(yield* send("POST", "/v1/carts", open, keyed(key, (yield* account("eve")).token)))
      const renewed = yield* account("eve", { jti: "another", sid: "another", client_id: "halles-cli" })
      const again = yield* send("POST", "/v1/carts", open, keyed(key, renewed.token))
      assert.deepStrictEqual([idOf(again), again.headers.get("idempotent-replayed")], [first, "true"])
      assert.notStrictEqual(idOf(yield* send("POST", "/v1/carts", open, keyed(key))), first)
    })
  )

  it.effect("without a token nobody shares a cart or a profile by a key that somebody else may come upon", () =>
    Effect.gen(function* () {
      const { send } = yield* EdgeTest
      for (const path of ["/v1/carts", "/v1/customers"]) {
        const body = path === "/v1/carts" ? open : { region: "eu", email: "ada@example.com" }
        for (const key of ["order-1764364800000x", "cart-of-ada@example.com", "MyShopOrderNumber000000001"]) {
          const first = yield* send("POST", path, body, keyed(key))
          const other = yield* send("POST", path, body, keyed(key))
          assert.notStrictEqual(idOf(first), idOf(other), key)
          assert.deepStrictEqual(
            [first, other].map(({ headers }) => [
              headers.get("idempotency-key-ignored"),
              headers.get("idempotent-replayed")
            ]),
            [
              ["true", null],
              ["true", null]
            ]
          )
        }
        for (const key of ["1", "aaaaaaaaaaaaaaaaaaaaaaaa", "00000000-0000-0000-0000-000000000000"]) {
          const refused = yield* send("POST", path, body, keyed(key))
          assert.deepInclude(refused.json, { status: 400, code: "weak_idempotency_key" }, key)
        }
        const proof = randomUUID()
        const first = idOf(yield* send("POST", path, body, keyed(proof)))
        yield* flushed
        assert.strictEqual(idOf(yield* send("POST", path, body, keyed(proof))), first)
        const other = {
          ...body,
          region: "eu",
          ...(path === "/v1/carts" ? { currency: "EUR" } : { email: "bob@example.com" })
        }
        assert.deepInclude((yield* send("POST", path, other, keyed(proof))).json, {
          status: 422,
          code: "idempotency_key_reused"
        })
        yield* flushed
        assert.notStrictEqual(idOf(yield* send("POST", path, other, keyed(proof))), first)
      }
    })
  )

  it.effect("a cart's path says whose key it is: whatever key will do, and means nothing at another cart", () =>
    Effect.gen(function* () {
      const { send } = yield* EdgeTest
      yield* listed
      const carts = [idOf(yield* send("POST", "/v1/carts", open)), idOf(yield* send("POST", "/v1/carts", open))]
      const add = (id: string, quantity: number) =>
        send("POST", `/v1/carts/${id}/lines`, { sku: "TEA", quantity }, keyed("1"))
      for (const id of carts) assert.strictEqual((yield* add(id, 2)).json.lines?.[0]?.quantity, 2)
      for (const id of carts) assert.strictEqual((yield* add(id, 2)).headers.get("idempotent-replayed"), "true")
      assert.strictEqual((yield* add(carts[0]!, 3)).json.code, "idempotency_key_reused")
      yield* flushed
      // A repeat writes nothing; what is another request is done, not dropped.
      assert.strictEqual((yield* add(carts[0]!, 2)).json.lines[0].quantity, 2)
      assert.strictEqual((yield* add(carts[0]!, 3)).json.code, "idempotency_key_reused")
      yield* flushed
      assert.strictEqual((yield* add(carts[0]!, 3)).json.lines[0].quantity, 5)
      yield* flushed
      assert.strictEqual((yield* add(carts[0]!, 3)).json.lines[0].quantity, 5)
    })
  )

  it.effect("one key has one effect for each sender, route and body, whatever Redis forgets", () =>
    Effect.gen(function* () {
      const { send } = yield* EdgeTest
      const sql = yield* SqlClient.SqlClient
      const receive = (sku: string, quantity: number, token: string) =>
        send("POST", `/v1/skus/eu/${sku}/receipts`, { warehouse: "eu-main", quantity }, keyed("7", token))
      let expected = 0
      for (const [token, quantity] of [
        [importToken, 1],
        [adminToken, 1],
        [importToken, 10],
        [importToken, 1],
        [adminToken, 1],
        [importToken, 10]
      ] as const) {
        const answer = yield* receive("KEYED", quantity, token)
        assert.strictEqual(answer.status, 200, answer.text)
        yield* flushed
        expected = Math.max(expected, answer.json.totals.onHand)
      }
      assert.deepStrictEqual([yield* onHand("KEYED"), expected], [12, 12])
      assert.strictEqual((yield* receive("KEYED-2", 1, importToken)).status, 200)
      assert.strictEqual(yield* onHand("KEYED-2"), 1)
      const rows = yield* sql<{ id: string }>`
        SELECT command_id AS id FROM journal WHERE entity_id IN ('eu_KEYED', 'eu_KEYED-2')`
      assert.strictEqual(rows.length, 4)
      for (const { id } of rows) assert.match(id, /^receiveSku:[A-Za-z0-9_-]{43}$/)
    })
  )
})
