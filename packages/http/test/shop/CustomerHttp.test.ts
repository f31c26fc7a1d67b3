import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { EdgeTest } from "../EdgeTest.ts"
import { received } from "../EntityDoubles.ts"
import { Issuer } from "../Issuer.ts"

layer(EdgeTest.layer, { excludeTestServices: true, timeout: "60 seconds" })("customers", (it) => {
  it.effect("are registered, and changed by one command, whatever the patch speaks of", () =>
    Effect.gen(function* () {
      const { send } = yield* EdgeTest
      const registered = yield* send("POST", "/v1/customers", { region: "eu", email: "ada@example.com" })
      assert.strictEqual(registered.status, 201, registered.text)
      const path = registered.headers.get("location") ?? ""
      const home = { name: "Ada", line1: "1 High St", city: "London", postalCode: "N1", country: "GB" }
      const patch = { name: "Ada", addresses: { home }, consents: { analytics: true } }
      const before = received.length
      const patched = yield* send("PATCH", path, patch, { "idempotency-key": "p1" })
      assert.strictEqual(patched.status, 200, patched.text)
      assert.deepInclude(patched.json, {
        name: "Ada",
        addresses: { home },
        consents: { analytics: { granted: true, at: 1 } }
      })
      const commands = received.slice(before).map((line) => line.split(" ")[2])
      assert.deepStrictEqual(commands, ["ChangeCustomer"])
      const removed = yield* send("PATCH", path, { addresses: { home: null } })
      assert.deepStrictEqual(removed.json.addresses, {})
      assert.strictEqual((yield* send("PATCH", path, {})).json.name, "Ada")
    })
  )

  it.effect("have of an account the address that its owner proved, and another one only from staff", () =>
    Effect.gen(function* () {
      const { send } = yield* EdgeTest
      const { sign } = yield* Issuer
      const id = "eu_acc_Q2x8vKd0ZtWb-registered"
      const own = { roles: ["customer"], customer_id: id, scope: "customers:read customers:write" }
      const patch = (claims: Readonly<Record<string, unknown>>, body: object) =>
        Effect.flatMap(sign(claims), (token) =>
          send("PATCH", `/v1/customers/${id}`, body, { authorization: `Bearer ${token}` })
        )
      const before = received.length
      const refused = yield* patch(own, { name: "Ada", email: "mallory@example.com" })
      assert.deepStrictEqual([refused.status, refused.json.code], [422, "email_needs_proof"])
      assert.match(refused.json.context.changeAt, /\/account\/email$/)
      // Nothing of it was done, neither alone nor with what would have been right; nor by who is staff besides.
      const staff = { ...own, roles: ["customer", "support"], acr: "urn:halles:acr:2" }
      for (const claims of [own, staff])
        assert.strictEqual((yield* patch(claims, { email: "m@example.com" })).json.code, "email_needs_proof")
      assert.strictEqual(received.length, before)
      // Said again as it is, it changes nothing.
      const same = yield* patch(own, { name: "Ada", email: "Ada@Example.com" })
      assert.deepInclude(same.json, { name: "Ada", email: "ada@example.com", emailVerified: true })
      const support = { roles: ["support"], scope: "customers:read customers:write", acr: "urn:halles:acr:2" }
      const moved = yield* patch(support, { email: "desk@example.com" })
      assert.deepInclude(moved.json, { email: "desk@example.com", emailVerified: false })
    })
  )

  it.effect("without an account write down any address, and it counts as proved by none", () =>
    Effect.gen(function* () {
      const { send } = yield* EdgeTest
      const body = { region: "eu", email: "victim@example.com" }
      assert.strictEqual((yield* send("POST", "/v1/customers", { ...body, emailVerified: true })).status, 400)
      const registered = yield* send("POST", "/v1/customers", body)
      assert.deepInclude(registered.json, { email: "victim@example.com", emailVerified: false })
      const path = registered.headers.get("location") ?? "/nowhere"
      assert.strictEqual((yield* send("PATCH", path, { emailVerified: true })).status, 400)
      const patched = yield* send("PATCH", path, { email: "other@example.com" })
      assert.deepInclude(patched.json, { email: "other@example.com", emailVerified: false })
    })
  )

  it.effect("are not found before", () =>
    Effect.gen(function* () {
      const { send } = yield* EdgeTest
      assert.strictEqual((yield* send("PATCH", "/v1/customers/eu_nobody", { name: "x" })).json.code, "not_found")
    })
  )
})
