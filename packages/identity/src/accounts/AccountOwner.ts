import { AuditLog } from "@halles/shared/audit/AuditLog"
import { Context, Effect, Layer, Option } from "effect"
import { HttpServerRequest, HttpServerResponse } from "effect/http"
import type { SqlError } from "effect/sql"
import { type Account, Accounts } from "./Accounts.ts"
import { AuthorizationServer } from "../oidc/AuthorizationServer.ts"
import { accountClient } from "../oidc/FirstPartyClients.ts"
import { Refused } from "../pages/Forms.ts"
import { type BrowserSession, Interactions } from "../signin/Interactions.ts"
import { Mail } from "../pages/Mail.ts"
import { SignIn } from "../signin/SignIn.ts"
import { addressOf } from "../signin/SignInHttp.ts"
import { Throttle } from "../signin/Throttle.ts"

/** What matters is changed only by who signed in so many seconds ago at the most, with all factors; others sign in again first. */
const recentSeconds = 900

export interface Owner {
  readonly account: Account
  readonly session: BrowserSession
}

const changed: Readonly<Record<string, string>> = {
  "password.change": "Your password was changed",
  "mfa.totp.add": "Codes from an app were turned on",
  "mfa.totp.remove": "Codes from an app were turned off",
  "mfa.passkey.add": "A passkey was added",
  "mfa.passkey.remove": "A passkey was removed",
  "mfa.enrol": "The second factor that your role needs was set up",
  "mfa.recovery.renew": "New recovery codes were made"
}

type Requires = HttpServerRequest.HttpServerRequest

/** Who is signed in to the account pages, and what it takes to change something there. */
export class AccountOwner extends Context.Service<
  AccountOwner,
  {
    /**
     * A page of the owner's; others sign in. `strong` for what wants all factors that the account has, and `recent` for what an
     * open browser must not suffice for besides.
     */
    readonly owned: <E, R>(
      show: (owner: Owner) => Effect.Effect<HttpServerResponse.HttpServerResponse, E, R>,
      options?: { readonly recent?: boolean; readonly strong?: boolean }
    ) => Effect.Effect<HttpServerResponse.HttpServerResponse, E | SqlError.SqlError, R | Requires>
    /** Whether the account's password was typed again. An account without one has just signed in by what it has. */
    readonly passwordAgain: (
      account: Account,
      typed: string | undefined,
      action: string
    ) => Effect.Effect<boolean, Refused | SqlError.SqlError, Requires>
    readonly note: (account: Account, action: string) => Effect.Effect<void, never, Requires>
    /** Written down, and told to the owner: who is not, learns it this way. */
    readonly tell: (account: Account, action: string) => Effect.Effect<void, never, Requires>
  }
>()("@halles/identity/AccountOwner") {
  static readonly layer = Layer.effect(
    AccountOwner,
    Effect.gen(function* () {
      const accounts = yield* Accounts
      const audit = yield* AuditLog
      const interactions = yield* Interactions
      const { issuer } = yield* AuthorizationServer
      const mail = yield* Mail
      const { isPassword, secondFactor } = yield* SignIn
      const throttle = yield* Throttle

      /** Signing in to these pages is signing in to a client of ours that wants no token. */
      const signIn = (prompt?: "login") =>
        HttpServerResponse.redirect(
          `/auth?${new URLSearchParams({
            client_id: accountClient,
            response_type: "none",
            redirect_uri: `${issuer}/account`,
            scope: "openid",
            ...(prompt === undefined ? {} : { prompt })
          })}`,
          { status: 303 }
        )
      const note = Effect.fnUntraced(function* (account: Account, action: string) {
        const address = addressOf(yield* HttpServerRequest.HttpServerRequest)
        yield* audit.record({ actor: account.id, action, subject: account.id, outcome: "allowed", address })
      })
      return {
        owned: (show, { recent = false, strong = recent } = {}) =>
          Effect.gen(function* () {
            const session = yield* interactions.session
            const account = Option.isSome(session) ? yield* accounts.byId(session.value.accountId) : Option.none()
            if (Option.isNone(session) || Option.isNone(account)) return signIn()
            const old = Date.now() / 1000 - session.value.signedInAt > recentSeconds
            // A factor may have come after this browser signed in.
            const weak = strong && !session.value.strong && (yield* secondFactor(account.value))
            return weak || (recent && old)
              ? signIn("login")
              : yield* show({ account: account.value, session: session.value })
          }),
        passwordAgain: Effect.fnUntraced(function* (account, typed, action) {
          const address = addressOf(yield* HttpServerRequest.HttpServerRequest)
          if (account.password_hash === null) return true
          const pair = `${account.email} ${address}`
          yield* throttle
            .take("signInPair", pair)
            .pipe(
              Effect.mapError(
                ({ retryAfterSeconds }) =>
                  new Refused({ status: 429, title: "Too many tries", detail: "Try again later.", retryAfterSeconds })
              )
            )
          if (yield* isPassword(Option.some(account), typed ?? "")) {
            yield* throttle.giveBack("signInPair", pair)
            return true
          }
          yield* audit.record({ actor: account.id, action, subject: account.id, outcome: "failed", address })
          return false
        }),
        note,
        tell: Effect.fnUntraced(function* (account, action) {
          yield* note(account, action)
          yield* mail.send({
            to: account.email,
            subject: changed[action] ?? "Your account was changed",
            text: `Hello,\n\n${changed[action]} at Halles. If it was not you, set a new password at once: ${issuer}/forgot\n`
          })
        })
      }
    })
  )
}
