import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import { anonymous, Principal } from "@halles/shared/wire/Principal"

it.effect("whoever has shown nothing is nobody, and may do nothing by a role or a scope", () =>
  Effect.gen(function* () {
    const principal = yield* Principal
    assert.strictEqual(principal, anonymous)
    assert.deepStrictEqual([principal.roles.size, principal.scopes.size, principal.customerId], [0, 0, undefined])
  })
)
