import { assert, layer } from "@effect/vitest"
import { AuditUnavailable } from "@halles/shared/audit/AuditLog"
import { oneFactor, twoFactors } from "@halles/shared/security/Authority"
import { accountCustomerId } from "@halles/shared/security/Ownership"
import { Effect } from "effect"
import { audited, adminToken, EdgeTest, expiredToken, importToken } from "../EdgeTest.ts"
import { Issuer } from "../Issuer.ts"
import { Api } from "../../src/Api.ts"
import { expected } from "./PolicyTable.ts"

const me = accountCustomerId("eu", "m".repeat(22))
const other = accountCustomerId("eu", "o".repeat(22))
const every =
  "catalog:read catalog:write carts:write orders:read orders:write customers:read customers:write stock:read stock:write"

const routes = Object.values(Api.groups).flatMap((group) =>
  Object.values(
    group.endpoints as Record<string, { readonly identifier: string; readonly method: string; readonly path: string }>
  )
)

const bearer = (token: string) => ({ authorization: `Bearer ${token}` })
const customer = (id: string, rest: Readonly<Record<string, unknown>> = {}) =>
  Effect.flatMap(Issuer, ({ sign }) => sign({ roles: ["customer"], customer_id: id, scope: every, ...rest }))

layer(EdgeTest.layer, { excludeTestServices: true, timeout: "60 seconds" })("access", (it) => {
  const idempotent = { "idempotency-key": "k" }

  it.effect("every route that needs a token refuses a request without one, and without the role", () =>
    Effect.gen(function* () {
      const { send } = yield* EdgeTest
      const { sign } = yield* Issuer
      const nobody = yield* sign({ roles: [], scope: every })
      // Of another account: a cart, an order or a customer that knowing the id does not open.
      const owned = (yield* send(
        "POST",
        "/v1/carts",
        { region: "eu", currency: "GBP", customerId: other },
        bearer(adminToken)
      )).json.id
      let closed = 0
      for (const { identifier, method, path } of routes) {
        const row = expected[identifier]!
        if (row.anybody === true) continue
        const id = path.includes("/customers/") ? other : owned
        const url = path.replace(":id", id).replace(":region", "eu").replace(/:\w+/, "TEA")
        const body = method === "GET" || method === "DELETE" ? undefined : {}
        const answers = [
          yield* send(method, url, body),
          yield* send(method, url, body, bearer("x.y.z")),
          yield* send(method, url, body, { "x-api-key": "hk_" }),
          yield* send(method, url, body, bearer(nobody)),
          yield* send(method, url, body, bearer(yield* customer(me)))
        ]
        assert.deepStrictEqual(
          answers.map(({ status }) => status),
          [401, 401, 401, 403, 403],
          `${method} ${url}`
        )
        for (const { headers, json, status } of answers) {
          assert.strictEqual(json.code, status === 401 ? "unauthorized" : "forbidden")
          if (status === 401) assert.strictEqual(headers.get("www-authenticate"), "Bearer")
        }
        closed += 1
      }
      assert.isAtLeast(closed, 14)
    })
  )

  it.effect("staff that signed in with a password alone is led to a second factor, on every route that needs one", () =>
    Effect.gen(function* () {
      const { send } = yield* EdgeTest
      const { sign } = yield* Issuer
      const owned = (yield* send(
        "POST",
        "/v1/carts",
        { region: "eu", currency: "GBP", customerId: other },
        bearer(adminToken)
      )).json.id
      let asked = 0
      for (const { identifier, method, path } of routes) {
        const row = expected[identifier]!
        if (row.strong !== true) continue
        for (const role of row.all ?? []) {
          if (role === "partner") continue
          const scope = (row.scopes ?? []).join(" ")
          const url = path
            .replace(":id", path.includes("/customers/") ? other : owned)
            .replace(":region", "eu")
            .replace(/:\w+/g, "TEA")
          const body = method === "GET" || method === "DELETE" ? undefined : {}
          const ask = (acr: string) =>
            Effect.flatMap(sign({ roles: [role], scope, acr }), (token) =>
              // Whoever is let in is refused for this: the entities are not asked.
              send(method, url, body, { ...bearer(token), "if-match": "no tag" })
            )
          audited.length = 0
          const weak = yield* ask(oneFactor)
          const strong = yield* ask(twoFactors)
          assert.notInclude([401, 403], strong.status, `${role}: ${method} ${url} ${strong.text}`)
          assert.deepInclude(weak.json, { status: 401, code: "stronger_sign_in_required" }, `${role}: ${method} ${url}`)
          const challenge = weak.headers.get("www-authenticate") ?? ""
          assert.include(challenge, 'error="insufficient_user_authentication"')
          assert.include(challenge, `acr_values="${twoFactors}"`)
          assert.deepInclude(audited[0], { action: "edge.denied", outcome: "denied", reason: "strong" })
          asked += 1
        }
      }
      assert.isAbove(asked, 40)
    })
  )

  it.effect("a customer's cart is the customer's, from opening to the order", () =>
    Effect.gen(function* () {
      const { send } = yield* EdgeTest
      const [mine, others] = [yield* customer(me), yield* customer(other)]
      const open = { region: "eu", currency: "GBP", customerId: me }
      assert.strictEqual((yield* send("POST", "/v1/carts", open)).status, 401)
      assert.strictEqual((yield* send("POST", "/v1/carts", open, bearer(others))).status, 403)
      const opened = yield* send("POST", "/v1/carts", open, bearer(mine))
      assert.strictEqual(opened.status, 201, opened.text)
      const path = `/v1/carts/${opened.json.id}`
      const line = [`${path}/lines/TEA`, { quantity: 1 }] as const
      assert.strictEqual((yield* send("PUT", ...line, bearer(mine))).status, 200)
      assert.strictEqual((yield* send("PUT", ...line)).status, 401)
      assert.strictEqual((yield* send("PUT", ...line, bearer(others))).status, 403)
      assert.strictEqual((yield* send("GET", path, undefined, bearer(adminToken))).status, 200)
      assert.strictEqual((yield* send("GET", path, undefined, bearer(importToken))).status, 403)
      assert.strictEqual((yield* send("GET", path, undefined, bearer(expiredToken))).status, 401)
      const order = `/v1/orders/${opened.json.id}`
      assert.strictEqual((yield* send("GET", order, undefined, bearer(mine))).status, 200)
      assert.strictEqual((yield* send("GET", order, undefined, bearer(others))).status, 403)
      assert.strictEqual((yield* send("GET", order)).status, 401)
    })
  )

  it.effect("a guest's cart is merged into one's own, and nobody's own into another", () =>
    Effect.gen(function* () {
      const { send } = yield* EdgeTest
      const [mine, others] = [bearer(yield* customer(me)), bearer(yield* customer(other))]
      const opened = (body: object, headers?: Readonly<Record<string, string>>) =>
        Effect.map(
          send("POST", "/v1/carts", { region: "eu", currency: "GBP", ...body }, headers),
          ({ json }) => json.id as string
        )
      const guest = yield* opened({})
      const own = yield* opened({ customerId: me }, mine)
      const theirs = yield* opened({ customerId: other }, others)
      const merge = (into: string, from: string, headers?: Readonly<Record<string, string>>) =>
        Effect.map(
          send("POST", `/v1/carts/${into}/merge`, { from }, { ...idempotent, ...headers }),
          ({ status }) => status
        )
      assert.strictEqual(yield* merge(guest, own), 401)
      assert.strictEqual(yield* merge(guest, own, others), 403)
      assert.strictEqual(yield* merge(theirs, own, others), 403)
      assert.notInclude([401, 403], yield* merge(own, guest, mine))
    })
  )

  it.effect("a partner sees a customer who consented, and no other", () =>
    Effect.gen(function* () {
      const { send } = yield* EdgeTest
      const { sign } = yield* Issuer
      const admin = bearer(adminToken)
      const partner = bearer(yield* sign({ roles: ["partner"], scope: "customers:read" }))
      const path = `/v1/customers/${me}`
      assert.strictEqual((yield* send("GET", path, undefined, partner)).json.context?.reason, "consent")
      yield* send("PATCH", path, { name: "Ada" }, admin)
    })
  )

  it.effect("what is to be audited does not happen while the audit log takes nothing; all else goes on", () =>
    Effect.gen(function* () {
      const { send } = yield* EdgeTest
      const changed = send("PATCH", `/v1/customers/${other}`, { name: "Ada" }, bearer(adminToken))
      yield* Effect.acquireUseRelease(
        Effect.sync(() => {
          audited.push = () => {
            throw new AuditUnavailable({ cause: "away" })
          }
        }),
        () =>
          Effect.gen(function* () {
            const refused = yield* changed
            assert.deepStrictEqual([refused.status, refused.json.code], [503, "unavailable"])
            assert.strictEqual((yield* send("GET", "/v1/products?region=eu")).status, 200)
          }),
        () => Effect.sync(() => Reflect.deleteProperty(audited, "push"))
      )
      assert.strictEqual((yield* changed).status, 404)
      assert.deepInclude(audited.at(-1), { actor: "service:admin", action: "edge.patchCustomer", subject: other })
    })
  )

  it.effect("denied attempts are in the audit log, by route and reason, without the token", () =>
    Effect.gen(function* () {
      const { send } = yield* EdgeTest
      audited.length = 0
      const token = yield* customer(me)
      yield* send("POST", "/v1/skus/eu/TEA/adjustments", {}, bearer(token))
      yield* send("POST", "/v1/skus/eu/TEA/adjustments", {})
      assert.deepStrictEqual(
        audited.map(({ action, actor, outcome, reason, subject }) => [actor, action, subject, outcome, reason]),
        [
          ["account-1", "edge.denied", "POST /v1/skus/:region/:sku/adjustments", "denied", "role"],
          ["anonymous", "edge.denied", "POST /v1/skus/:region/:sku/adjustments", "denied", "signIn"]
        ]
      )
      assert.notInclude(JSON.stringify(audited), token)
    })
  )
})
