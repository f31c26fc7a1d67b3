import { AuditLog } from "@halles/shared/audit/AuditLog"
import { Context, Effect, Layer, Option, Schema } from "effect"
import type { SqlError } from "effect/sql"
import { type Account, Accounts, normalised } from "../accounts/Accounts.ts"
import { Factors } from "../factors/Factors.ts"
import { Passkeys } from "../factors/Passkeys.ts"
import { Passwords } from "../accounts/Passwords.ts"
import { Throttle, type Throttled } from "./Throttle.ts"

/** Somebody who has proved to be the owner of an account, and how (RFC 8176). */
export interface Proved {
  readonly accountId: string
  readonly amr: ReadonlyArray<string>
}

/** What was typed is not right; it is not said what of it, nor whether there is such an account. */
export class NotRight extends Schema.TaggedError<NotRight>()("NotRight", {}) {}

type Failure = NotRight | Throttled | SqlError.SqlError

/** Proofs of who somebody is, counted and written down. */
export class SignIn extends Context.Service<
  SignIn,
  {
    readonly password: (
      given: { readonly email: string; readonly password: string },
      address: string
    ) => Effect.Effect<Proved & { readonly secondFactor: boolean }, Failure>
    /** Whether the password is the account's; takes as long without an account. Neither counted nor written down. */
    readonly isPassword: (
      account: Option.Option<Account>,
      password: string
    ) => Effect.Effect<boolean, SqlError.SqlError>
    /** The second factor of somebody whose first was right. */
    readonly code: (first: Proved, code: string, address: string) => Effect.Effect<Proved, Failure>
    readonly passkey: (key: string, response: string, address: string) => Effect.Effect<Proved, Failure>
    readonly secondFactor: (account: Account) => Effect.Effect<boolean, SqlError.SqlError>
  }
>()("@halles/identity/SignIn") {
  static readonly layer = Layer.effect(
    SignIn,
    Effect.gen(function* () {
      const accounts = yield* Accounts
      const passwords = yield* Passwords
      const factors = yield* Factors
      const passkeys = yield* Passkeys
      const throttle = yield* Throttle
      const audit = yield* AuditLog
      const said = (action: string, subject: string, address: string) => ({
        allowed: audit.record({ actor: subject, action, subject, outcome: "allowed", address }),
        failed: (reason: string) =>
          audit.record({ actor: "anonymous", action, subject, outcome: "failed", reason, address })
      })
      const secondFactor = (account: Account) =>
        Effect.map(factors.owned(account.id), ({ passkeys, totp }) => totp || passkeys > 0)
      const isPassword = Effect.fnUntraced(function* (account: Option.Option<Account>, password: string) {
        const stored = Option.match(account, { onNone: () => null, onSome: ({ password_hash }) => password_hash })
        const { renewed, right } = yield* passwords.verify(stored, password)
        if (renewed !== undefined && Option.isSome(account)) yield* accounts.renewPassword(account.value, renewed)
        return right
      })
      return {
        secondFactor,
        isPassword,
        password: Effect.fn("SignIn.password")(function* ({ email, password }, address) {
          const name = Option.getOrElse(normalised(email), () => email.slice(0, 254))
          const pair = `${name} ${address}`
          const account = yield* accounts.byEmail(name)
          const { allowed, failed } = said(
            "sign-in.password",
            Option.match(account, { onNone: () => "unknown", onSome: ({ id }) => id }),
            address
          )
          // The address first: one makes so many counts and no more, and uses up of an account what its own are.
          yield* Effect.all([
            throttle.take("signInAddress", address),
            throttle.take("signInPair", pair),
            throttle.take("signInAccount", name)
          ]).pipe(Effect.tapError(() => failed("too many tries")))
          const right = yield* isPassword(account, password)
          if (Option.isNone(account) || !right) {
            yield* failed("wrong password or no such account")
            return yield* new NotRight()
          }
          yield* throttle.reset("signInPair", pair)
          yield* throttle.giveBack("signInAccount", name)
          yield* throttle.giveBack("signInAddress", address)
          yield* allowed
          return { accountId: account.value.id, amr: ["pwd"], secondFactor: yield* secondFactor(account.value) }
        }),
        code: Effect.fn("SignIn.code")(function* (first, code, address) {
          const { allowed, failed } = said("sign-in.code", first.accountId, address)
          yield* throttle.take("secondFactor", first.accountId).pipe(Effect.tapError(() => failed("too many tries")))
          const used = yield* factors.use(first.accountId, code)
          if (Option.isNone(used)) {
            yield* failed("wrong or used code")
            return yield* new NotRight()
          }
          yield* throttle.reset("secondFactor", first.accountId)
          yield* allowed
          return { accountId: first.accountId, amr: [...first.amr, used.value === "otp" ? "otp" : "rcv", "mfa"] }
        }),
        passkey: Effect.fn("SignIn.passkey")(function* (key, response, address) {
          const used = yield* passkeys.use(key, response)
          const { allowed, failed } = said(
            "sign-in.passkey",
            Option.match(used, { onNone: () => "unknown", onSome: ({ accountId }) => accountId }),
            address
          )
          const account = Option.isSome(used) ? yield* accounts.byId(used.value.accountId) : Option.none()
          if (Option.isNone(used) || Option.isNone(account)) {
            yield* failed("unknown passkey or answer")
            return yield* new NotRight()
          }
          yield* allowed
          return { accountId: account.value.id, amr: [used.value.synced ? "swk" : "hwk", "user", "mfa"] }
        })
      }
    })
  )
}
