import { assert, layer } from "@effect/vitest"
import { Effect, Schedule } from "effect"
import { SqlClient } from "effect/sql"
import { adminToken, audited, EdgeTest } from "../EdgeTest.ts"

const admin = { authorization: `Bearer ${adminToken}` }
const wanted = { partner: "acme", name: "warehouse sync", scopes: ["stock:read", "keys:manage"] }

const made = (rest: object = {}) =>
  Effect.gen(function* () {
    const { send } = yield* EdgeTest
    const answer = yield* send("POST", "/v1/partner-keys", { ...wanted, ...rest }, admin)
    assert.strictEqual(answer.status, 201, answer.text)
    return answer
  })
/** Whether a key is somebody: the answer to what only a partner and an administrator may ask. */
const accepted = (headers: Readonly<Record<string, string>>) =>
  Effect.gen(function* () {
    const { send } = yield* EdgeTest
    const { status } = yield* send("GET", "/v1/partner-keys?partner=acme", undefined, headers)
    return status === 200
  })

layer(EdgeTest.layer, { excludeTestServices: true, timeout: "60 seconds" })("partner keys", (it) => {
  it.effect("are shown once, work in both headers, and are stored as digests", () =>
    Effect.gen(function* () {
      const { send } = yield* EdgeTest
      const { headers, json } = yield* made()
      assert.match(json.secret, /^hk_[a-z0-9]{12}_[A-Za-z0-9_-]{43}$/)
      assert.strictEqual(headers.get("cache-control"), "no-store")
      assert.isTrue(yield* accepted({ "x-api-key": json.secret }))
      assert.isTrue(yield* accepted({ authorization: `Bearer ${json.secret}` }))
      assert.isFalse(yield* accepted({ authorization: `Bearer ${json.secret}`, "x-api-key": json.secret }))
      const again = yield* send("GET", `/v1/partner-keys/${json.id}`, undefined, admin)
      assert.deepInclude(again.json, { id: json.id, partner: "acme", scopes: wanted.scopes, revokedAt: null })
      assert.notProperty(again.json, "secret")
      const sql = yield* SqlClient.SqlClient
      const rows = yield* sql<{ text: string }>`SELECT key::text AS text FROM partner.key`
      assert.notInclude(JSON.stringify(rows), json.secret.slice(16))
      assert.notInclude(JSON.stringify(audited), json.secret.slice(16))
      assert.isTrue(
        audited.some(({ action, actor }) => action === "edge.createPartnerKey" && actor === "service:admin")
      )
    })
  )

  it.effect("let nobody in whose secret is wrong, or who is not known, and do what they are for, no more", () =>
    Effect.gen(function* () {
      const { send } = yield* EdgeTest
      const { secret } = (yield* made({ scopes: ["stock:read"] })).json
      const wrong = `${secret.slice(0, -1)}${secret.endsWith("A") ? "B" : "A"}`
      for (const key of [wrong, `hk_${"a".repeat(12)}_${"b".repeat(43)}`, "hk_", `${secret}x`, secret.toUpperCase()]) {
        const { status } = yield* send("GET", "/v1/partner-keys", undefined, { "x-api-key": key })
        assert.strictEqual(status, 401, key)
      }
      const refused = yield* send("GET", "/v1/partner-keys?partner=acme", undefined, { "x-api-key": secret })
      assert.deepStrictEqual([refused.status, refused.json.context.scopes], [403, ["keys:manage"]])
      for (const scope of ["payments:write", "ops:write", "customers:write", "audit:read"]) {
        const { status } = yield* send("POST", "/v1/partner-keys", { ...wanted, scopes: [scope] }, admin)
        assert.strictEqual(status, 400, scope)
      }
    })
  )

  it.effect("of one partner are neither seen nor touched by another, who makes none at all", () =>
    Effect.gen(function* () {
      const { send } = yield* EdgeTest
      const mine = (yield* made()).json
      const other = (yield* made({ partner: "other" })).json
      const key = { "x-api-key": mine.secret }
      const asked = [
        yield* send("GET", "/v1/partner-keys", undefined, key),
        yield* send("GET", "/v1/partner-keys?partner=other", undefined, key),
        yield* send("GET", `/v1/partner-keys/${other.id}`, undefined, key),
        yield* send("DELETE", `/v1/partner-keys/${other.id}`, undefined, key),
        yield* send("POST", `/v1/partner-keys/${other.id}/rotate`, {}, key),
        yield* send("POST", "/v1/partner-keys", wanted, key)
      ]
      assert.deepStrictEqual(
        asked.map(({ status }) => status),
        [403, 403, 404, 404, 404, 403]
      )
      const listed = yield* send("GET", "/v1/partner-keys?partner=acme&limit=2", undefined, key)
      assert.isTrue(listed.json.items.every(({ partner }: { readonly partner: string }) => partner === "acme"))
      assert.isTrue(yield* accepted({ "x-api-key": mine.secret }))
    })
  )

  it.effect("that are revoked end within seconds, at an edge that has used them", () =>
    Effect.gen(function* () {
      const { send } = yield* EdgeTest
      const sql = yield* SqlClient.SqlClient
      const { id, secret } = (yield* made()).json
      const key = { "x-api-key": secret }
      assert.isTrue(yield* accepted(key))
      assert.strictEqual((yield* send("DELETE", `/v1/partner-keys/${id}`, undefined, admin)).status, 204)
      assert.isFalse(yield* accepted(key))
      assert.strictEqual((yield* send("DELETE", `/v1/partner-keys/${id}`, undefined, admin)).status, 204)
      // Revoked by another edge: this one sees it when it looks again.
      const other = (yield* made()).json
      assert.isTrue(yield* accepted({ "x-api-key": other.secret }))
      yield* sql`UPDATE partner.key SET revoked_at = now() WHERE id = ${other.id}`
      yield* accepted({ "x-api-key": other.secret }).pipe(
        Effect.repeat({ until: (still) => !still, schedule: Schedule.spaced("100 millis") }),
        Effect.timeout("7 seconds")
      )
    })
  )

  it.effect("are rotated: both are good during the overlap, and the old one ends after it", () =>
    Effect.gen(function* () {
      const { send } = yield* EdgeTest
      const old = (yield* made()).json
      const rotated = yield* send("POST", `/v1/partner-keys/${old.id}/rotate`, { overlapSeconds: 3_600 }, admin)
      assert.deepInclude(rotated.json, { partner: "acme", scopes: wanted.scopes })
      assert.isTrue(yield* accepted({ "x-api-key": old.secret }))
      assert.isTrue(yield* accepted({ "x-api-key": rotated.json.secret }))
      const { expiresAt } = (yield* send("GET", `/v1/partner-keys/${old.id}`, undefined, admin)).json
      assert.isBelow(expiresAt, Date.now() + 3_601_000)
      yield* send("POST", `/v1/partner-keys/${rotated.json.id}/rotate`, { overlapSeconds: 0 }, admin)
      assert.isFalse(yield* accepted({ "x-api-key": rotated.json.secret }))
    })
  )

  it.effect("are at most so many a partner, however they are asked for", () =>
    Effect.gen(function* () {
      const { send } = yield* EdgeTest
      const many = yield* Effect.forEach(
        Array.from({ length: 25 }),
        () => send("POST", "/v1/partner-keys", { ...wanted, partner: "greedy" }, admin),
        { concurrency: 8 }
      )
      const statuses = many.map(({ status }) => status)
      assert.strictEqual(statuses.filter((status) => status === 201).length, 20)
      assert.strictEqual(statuses.filter((status) => status === 422).length, 5)
    })
  )
})
