import { Effect, Layer, Option, Redacted } from "effect"
import { Accounts } from "./Accounts.ts"
import { Passwords } from "./Passwords.ts"

export interface DemoPasswords {
  readonly customer: Redacted.Redacted
  readonly operator: Redacted.Redacted
}

/** Two accounts to try things with, on a machine that is told their passwords; what is there stays as it is. */
export const demoAccountsLayer = (demo: Option.Option<DemoPasswords>) =>
  Layer.effectDiscard(
    Effect.gen(function* () {
      if (Option.isNone(demo)) return
      const accounts = yield* Accounts
      const passwords = yield* Passwords
      const make = Effect.fnUntraced(function* (
        email: string,
        name: string,
        password: Redacted.Redacted,
        region: "eu" | null
      ) {
        if (Option.isSome(yield* accounts.byEmail(email))) return Option.none()
        const passwordHash = yield* passwords.hash(Redacted.value(password), [])
        return yield* accounts.create({ email, name, passwordHash, region })
      })
      yield* make("customer@halles.test", "Clara Customer", demo.value.customer, "eu")
      const operator = yield* make("operator@halles.test", "Otto Operator", demo.value.operator, null)
      if (Option.isNone(operator)) return
      const by = { actor: "provision", reason: "the operator of this machine", region: null }
      for (const role of ["admin", "ops-read", "ops-write"] as const)
        yield* accounts.grantRole(operator.value.id, role, by)
    })
  )
