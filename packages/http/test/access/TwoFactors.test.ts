import { assert, layer } from "@effect/vitest"
import { oneFactor, Scope, twoFactors } from "@halles/shared/security/Authority"
import { Effect } from "effect"
import { SqlClient } from "effect/sql"
import { Issuer } from "../Issuer.ts"
import { routes } from "../operator/OperatorRoutes.ts"
import { audited, OperatorTest } from "../operator/OperatorTest.ts"

/** Led to a second factor, and the try is written down. */
const refused = (path: string, { json, response }: { readonly response: Response; readonly json: unknown }) => {
  assert.deepInclude(json, { status: 401, code: "stronger_sign_in_required" }, path)
  const challenge = response.headers.get("www-authenticate") ?? ""
  assert.include(challenge, 'error="insufficient_user_authentication"', path)
  assert.include(challenge, `acr_values="${twoFactors}"`, path)
  assert.deepInclude(audited[0], { action: "ops.denied", outcome: "denied", reason: "strong" }, path)
  assert.lengthOf(audited, 1, path)
}

layer(OperatorTest.layer, { excludeTestServices: true, timeout: "1 minute" })("two factors of operators", (it) => {
  it.effect(
    "an operator who signed in with a password alone may look, and is led to a second factor for all else",
    () =>
      Effect.gen(function* () {
        const { url } = yield* OperatorTest
        const { sign } = yield* Issuer
        const ask = (acr: string, method: string, path: string, body?: unknown) =>
          Effect.flatMap(sign({ roles: ["ops-write", "admin"], scope: Scope.literals.join(" "), acr }), (token) =>
            Effect.promise(async () => {
              const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" }
              const sent = body === undefined ? {} : { body: JSON.stringify(body) }
              const response = await fetch(`${url}/v1/ops/${path}`, { method, headers, ...sent })
              return { response, json: response.ok ? null : await response.json() }
            })
          )
        let changes = 0
        for (const { body, method, name, path } of routes) {
          audited.length = 0
          if (name === "live") continue
          const weak = yield* ask(oneFactor, method, path, body)
          if (method === "GET" || name === "whatIf") assert.notInclude([401, 403], weak.response.status, name)
          else {
            refused(name, weak)
            changes += 1
          }
        }
        assert.isAtLeast(changes, 9)
        const why = "reason=the+customer+called"
        for (const path of [
          "entities/eu_test",
          "entities/eu_test/events",
          "entities/eu_test/diff?from=0&to=1",
          "trace/eu_test",
          "entities?type=Order"
        ]) {
          const shown = `${path}${path.includes("?") ? "&" : "?"}unmask=true`
          audited.length = 0
          refused(path, yield* ask(oneFactor, "GET", `${shown}&${why}`))
          audited.length = 0
          const unreasoned = yield* ask(twoFactors, "GET", shown)
          assert.deepInclude(unreasoned.json, { status: 400, code: "invalid_request" }, path)
          assert.deepInclude((unreasoned.json as { errors: ReadonlyArray<object> }).errors[0], { parameter: "reason" })
          assert.deepStrictEqual(audited, [], path)
          const answered = yield* ask(twoFactors, "GET", `${shown}&${why}`)
          assert.include([200, 404], answered.response.status, path)
          assert.deepInclude(
            audited[0],
            { action: "ops.unmask", outcome: "allowed", reason: "the customer called" },
            path
          )
        }
      })
  )

  it.effect("asks conditions of what is shown, so that a list tells nothing letter by letter", () =>
    Effect.gen(function* () {
      const { url } = yield* OperatorTest
      const { sign } = yield* Issuer
      const sql = yield* SqlClient.SqlClient
      const registered = { _tag: "Registered", email: "ada@example.org", name: "Ada Lovelace", at: 1 }
      yield* sql`
        INSERT INTO journal (entity_type, entity_id, seq, command_id, events, meta, shard, epoch, at)
        VALUES ('Customer', 'eu_asked', 1, 'c', ${sql.literal(`'${JSON.stringify([registered])}'::jsonb`)}, '{}', 1, 1, now())`
      const found = (acr: string, where: string, more = "") =>
        Effect.gen(function* () {
          const token = yield* sign({ roles: ["ops-write"], scope: "ops:read ops:write", acr })
          const query = new URLSearchParams({ type: "Customer", region: "eu", where })
          const { items } = yield* Effect.promise(async () => {
            const response = await fetch(`${url}/v1/ops/entities?${query}${more}`, {
              headers: { authorization: `Bearer ${token}` }
            })
            return (await response.json()) as { readonly items: ReadonlyArray<{ readonly entity: string }> }
          })
          return items.map(({ entity }) => entity)
        })
      const why = "&unmask=true&reason=the+customer+called"
      for (const where of ["email~ada@", "name~lovelace", "email=ada@example.org"]) {
        for (const acr of [oneFactor, twoFactors]) assert.deepStrictEqual(yield* found(acr, where), [], where)
        assert.deepStrictEqual(yield* found(twoFactors, where, why), ["Customer/eu_asked"], where)
      }
      assert.deepStrictEqual(yield* found(oneFactor, "points=0"), ["Customer/eu_asked"])
    })
  )

  it.effect("says what a password alone is good for, and where to get a second factor", () =>
    Effect.gen(function* () {
      const { send, url } = yield* OperatorTest
      const { sign } = yield* Issuer
      const me = (claims: object) =>
        Effect.flatMap(sign({ roles: ["ops-write"], scope: "ops:read ops:write", ...claims }), (token) =>
          Effect.map(send("GET", "me", undefined, { authorization: `Bearer ${token}` }), ({ json }) => json)
        )
      assert.deepInclude(yield* me({}), { mayWrite: false, mayUnmask: false, needsTwoFactors: true })
      assert.deepInclude(yield* me({ acr: twoFactors }), { mayWrite: true, mayUnmask: true, needsTwoFactors: false })
      assert.deepInclude(yield* me({ roles: ["ops-read"] }), { mayWrite: false, needsTwoFactors: false })
      const led = yield* Effect.promise(() => fetch(`${url}/second-factor`, { redirect: "manual" }))
      assert.deepStrictEqual([led.status, led.headers.get("location")], [302, "https://accounts.test/account"])
    })
  )
})
