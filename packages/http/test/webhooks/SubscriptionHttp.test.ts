import { assert, layer } from "@effect/vitest"
import { Redis } from "@halles/shared/clients/Redis"
import { RedisTest } from "@halles/shared/testing/RedisTest"
import { Effect } from "effect"
import { EdgeTest } from "../EdgeTest.ts"
import { Issuer } from "../Issuer.ts"

const bearer = (subject: string) =>
  Effect.flatMap(Issuer, ({ sign }) =>
    Effect.map(sign({ sub: subject, roles: ["partner"], scope: "webhooks:manage" }), (token) => ({
      authorization: `Bearer ${token}`
    }))
  )
const wanted = { url: "http://127.0.0.1:9/hook", types: ["order.created"] }

layer(EdgeTest.layer, { excludeTestServices: true, timeout: "60 seconds" })("webhook endpoints", (it) => {
  it.effect("are their owner's alone", () =>
    Effect.gen(function* () {
      const { send } = yield* EdgeTest
      const mine = yield* bearer("partner-1")
      const others = yield* bearer("partner-2")
      const made = yield* send("POST", "/v1/webhook-endpoints", wanted, { ...mine, "idempotency-key": "e1" })
      assert.strictEqual(made.status, 201, made.text)
      const path = `/v1/webhook-endpoints/${made.json.id}`
      assert.strictEqual((yield* send("GET", path, undefined, mine)).status, 200)
      assert.strictEqual((yield* send("GET", path, undefined, others)).status, 404)
      assert.strictEqual((yield* send("POST", `${path}/secret`, undefined, others)).status, 404)
      assert.strictEqual((yield* send("DELETE", path, undefined, others)).status, 404)
      assert.strictEqual((yield* send("GET", path)).status, 401)
      assert.deepStrictEqual((yield* send("GET", "/v1/webhook-endpoints", undefined, others)).json.items, [])
      assert.strictEqual((yield* send("DELETE", path, undefined, mine)).status, 204)
      assert.strictEqual((yield* send("GET", path, undefined, mine)).status, 404)
    })
  )

  it.effect("tell their secret to who made them, and keep it nowhere readable", () =>
    Effect.gen(function* () {
      const { send } = yield* EdgeTest
      const headers = { ...(yield* bearer("partner-1")), "idempotency-key": "e2" }
      const made = yield* send("POST", "/v1/webhook-endpoints", wanted, headers)
      const again = yield* send("POST", "/v1/webhook-endpoints", wanted, headers)
      assert.match(made.json.secret, /^whsec_/)
      assert.deepStrictEqual([again.json.secret, again.headers.get("idempotent-replayed")], [made.json.secret, "true"])
      const kept = yield* Effect.gen(function* () {
        const redis = yield* Redis
        return yield* redis.use(async (client) => {
          const keys = await client.keys("*")
          return Promise.all(keys.map((key) => client.get(key).catch(() => "")))
        })
      }).pipe(Effect.provide(RedisTest.layerConnection("test")))
      assert.notInclude(kept.join(""), made.json.secret)
      const found = yield* send("GET", `/v1/webhook-endpoints/${made.json.id}`, undefined, headers)
      assert.notInclude(found.text, "whsec_")
      const rotated = yield* send("POST", `/v1/webhook-endpoints/${made.json.id}/secret`, undefined, headers)
      assert.notStrictEqual(rotated.json.secret, made.json.secret)
    })
  )

  it.effect("lead to public addresses only, and are replaced only by who has seen them", () =>
    Effect.gen(function* () {
      const { send } = yield* EdgeTest
      const partner = yield* bearer("partner-3")
      const headers = { ...partner, "idempotency-key": "e3" }
      const inside = { ...wanted, url: "https://169.254.169.254/latest" }
      const refused = yield* send("POST", "/v1/webhook-endpoints", inside, headers)
      assert.deepInclude(refused.json, { status: 422, code: "target_refused" })
      const made = yield* send("POST", "/v1/webhook-endpoints", wanted, headers)
      const path = `/v1/webhook-endpoints/${made.json.id}`
      const off = { ...wanted, description: "", enabled: false }
      const put = (body: object, tag?: string) =>
        send("PUT", path, body, tag === undefined ? partner : { ...partner, "if-match": tag })
      assert.strictEqual((yield* put(off)).status, 428)
      const replaced = yield* put(off, made.headers.get("etag")!)
      assert.deepInclude(replaced.json, { enabled: false, disabledReason: "owner", seq: 2 })
      assert.strictEqual((yield* put(off, made.headers.get("etag")!)).status, 412)
      assert.strictEqual((yield* put(inside, replaced.headers.get("etag")!)).status, 400)
    })
  )

  it.effect("list what became of their messages, and send them again", () =>
    Effect.gen(function* () {
      const { send } = yield* EdgeTest
      const headers = { ...(yield* bearer("partner-4")), "idempotency-key": "e4" }
      const made = yield* send("POST", "/v1/webhook-endpoints", wanted, headers)
      const path = `/v1/webhook-endpoints/${made.json.id}`
      const { json } = yield* send("POST", `${path}/test`, undefined, headers)
      const listed = yield* send("GET", `${path}/deliveries?state=pending`, undefined, headers)
      assert.deepInclude(listed.json.items[0], { messageId: json.messageId, type: "endpoint.test", attempts: 0 })
      const again = yield* send("POST", `${path}/deliveries/${json.messageId}/replay`, undefined, headers)
      assert.deepStrictEqual(again.json, { replayed: 1 })
      assert.strictEqual((yield* send("POST", `${path}/deliveries/msg_none/replay`, undefined, headers)).status, 404)
    })
  )

  it.effect("are listed a page at a time, each once, whatever is made meanwhile; so are their messages", () =>
    Effect.gen(function* () {
      const { send } = yield* EdgeTest
      const partner = yield* bearer("partner-5")
      const make = (key: string) =>
        Effect.map(
          send("POST", "/v1/webhook-endpoints", wanted, { ...partner, "idempotency-key": key }),
          ({ json }) => json.id as string
        )
      const made = yield* Effect.forEach(["p1", "p2", "p3", "p4", "p5"], make)
      const test = (id: string) =>
        Effect.map(
          send("POST", `/v1/webhook-endpoints/${id}/test`, undefined, partner),
          ({ json }) => json.messageId as string
        )
      const sent = yield* Effect.forEach([1, 2, 3, 4, 5], () => test(made[0]!))
      const pages = Effect.fnUntraced(function* (
        path: string,
        id: "id" | "messageId",
        meanwhile: Effect.Effect<unknown>
      ) {
        const seen: Array<string> = []
        for (let cursor = ""; ;) {
          const page = yield* send("GET", `${path}?limit=2${cursor}`, undefined, partner)
          assert.strictEqual(page.status, 200, page.text)
          seen.push(...page.json.items.map((item: Record<string, string>) => item[id]!))
          if (page.json.next === null) return seen
          assert.include(page.headers.get("link"), 'rel="next"')
          cursor = `&cursor=${page.json.next}`
          yield* meanwhile
        }
      })
      const endpoints = yield* pages("/v1/webhook-endpoints", "id", Effect.void)
      assert.deepStrictEqual(endpoints, made.toSorted())
      const deliveries = `/v1/webhook-endpoints/${made[0]}/deliveries`
      assert.deepStrictEqual(yield* pages(deliveries, "messageId", test(made[0]!)), sent.toReversed())
      const { json: first } = yield* send("GET", "/v1/webhook-endpoints?limit=1", undefined, partner)
      for (const cursor of [first.next, "x", Buffer.from('["deliveries",9e99,""]').toString("base64url")]) {
        const refused = yield* send("GET", `${deliveries}?cursor=${cursor}`, undefined, partner)
        assert.deepInclude(refused.json, { status: 400, code: "invalid_request" })
      }
    })
  )
})
