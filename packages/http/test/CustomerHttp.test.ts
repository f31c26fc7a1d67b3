import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { EdgeTest } from "./EdgeTest.ts"
import { received } from "./EntityDoubles.ts"

layer(EdgeTest.layer, { excludeTestServices: true, timeout: "60 seconds" })("customers", (it) => {
  it.effect("are registered, and changed by one command for each thing", () =>
    Effect.gen(function* () {
      const { send } = yield* EdgeTest
      const registered = yield* send("POST", "/v1/customers", { region: "eu", email: "ada@example.com" })
      assert.strictEqual(registered.status, 201, registered.text)
      const path = registered.headers.get("location") ?? ""
      const home = { name: "Ada", line1: "1 High St", city: "London", postalCode: "N1", country: "GB" }
      const patch = { name: "Ada", addresses: { home }, consents: { analytics: true } }
      const patched = yield* send("PATCH", path, patch, { "idempotency-key": "p1" })
      assert.strictEqual(patched.status, 200, patched.text)
      assert.deepInclude(patched.json, {
        name: "Ada",
        addresses: { home },
        consents: { analytics: { granted: true, at: 1 } }
      })
      const commands = received.filter((line) => line.endsWith(":p1")).map((line) => line.split(" ").slice(2).join(" "))
      assert.deepStrictEqual(commands, [
        "UpdateProfile profile:p1",
        "PutAddress address:home:p1",
        "SetConsent consent:analytics:p1"
      ])
      const removed = yield* send("PATCH", path, { addresses: { home: null } })
      assert.deepStrictEqual(removed.json.addresses, {})
      assert.strictEqual((yield* send("PATCH", path, {})).json.name, "Ada")
    })
  )

  it.effect("are not found before", () =>
    Effect.gen(function* () {
      const { send } = yield* EdgeTest
      assert.strictEqual((yield* send("PATCH", "/v1/customers/eu_nobody", { name: "x" })).json.code, "not_found")
    })
  )
})
