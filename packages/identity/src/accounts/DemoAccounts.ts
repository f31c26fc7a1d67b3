import { Effect, Layer, Option, Redacted } from "effect"
import { Accounts } from "./Accounts.ts"
import { Factors } from "../factors/Factors.ts"
import { Passwords } from "./Passwords.ts"

export interface DemoCredentials {
  readonly customer: Redacted.Redacted
  readonly operator: Redacted.Redacted
  /** What the codes of the operator's app come from, in base 32. */
  readonly operatorTotp: Redacted.Redacted
}

const operatorEmail = "operator@halles.test"

/** Two accounts to try things with, on a machine that is told what they sign in with; what is there stays as it is. */
export const demoAccountsLayer = (demo: Option.Option<DemoCredentials>) =>
  Layer.effectDiscard(
    Effect.gen(function* () {
      if (Option.isNone(demo)) return
      const accounts = yield* Accounts
      const factors = yield* Factors
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
      const made = yield* make(operatorEmail, "Otto Operator", demo.value.operator, null)
      if (Option.isSome(made)) {
        const by = { actor: "provision", reason: "the operator of this machine", region: null }
        for (const role of ["admin", "ops-read", "ops-write"] as const)
          yield* accounts.grantRole(made.value.id, role, by)
      }
      const operator = yield* accounts.byEmail(operatorEmail)
      if (Option.isNone(operator)) return
      const { passkeys, totp } = yield* factors.owned(operator.value.id)
      if (totp || passkeys > 0) return
      yield* factors.adopt(operator.value.id, Redacted.value(demo.value.operatorTotp))
      yield* factors.vouch(operator.value.id)
    })
  )
