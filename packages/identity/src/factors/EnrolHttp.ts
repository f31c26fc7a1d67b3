import { AuditLog } from "@halles/shared/audit/AuditLog"
import { Effect, Option } from "effect"
import { HttpRouter, HttpServerRequest } from "effect/http"
import type { SqlError } from "effect/sql"
import * as Pages from "../accounts/AccountPages.ts"
import { AccountOwner, type Owner } from "../accounts/AccountOwner.ts"
import { AuthorizationServer } from "../oidc/AuthorizationServer.ts"
import { Enrolments } from "./Enrolments.ts"
import { Factors } from "./Factors.ts"
import { Forms } from "../pages/Forms.ts"
import { html } from "../pages/Html.ts"
import * as Page from "../pages/HtmlPage.ts"
import { Passkeys } from "./Passkeys.ts"
import { Pending } from "../signin/Pending.ts"
import { gone } from "../accounts/RegisterHttp.ts"
import { Sessions } from "../signin/Sessions.ts"

type Proposed = ReturnType<Factors["Service"]["propose"]>

/** One challenge and one secret a session, beside those of the account's own page. */
const keyOf = ({ session }: Owner) => `enrol:${session.uid}`

/** Where staff sets up the second factor that its roles need, by the link that an operator has handed over. */
export const EnrolHttp = HttpRouter.use(
  Effect.fnUntraced(function* (router) {
    const { owned, tell } = yield* AccountOwner
    const audit = yield* AuditLog
    const { issuer } = yield* AuthorizationServer
    const enrolments = yield* Enrolments
    const factors = yield* Factors
    const forms = yield* Forms
    const passkeys = yield* Passkeys
    const pending = yield* Pending
    const sessions = yield* Sessions

    const choose = Effect.fnUntraced(function* (found: Owner, key: string, error?: string) {
      const { account } = found
      const proposed = factors.propose(account.email)
      yield* pending.put("totp", keyOf(found), proposed, account.id)
      const invitation = passkeys.offered
        ? yield* passkeys.invite(account, keyOf(found), { replacing: true })
        : undefined
      return yield* forms.page((form) => Pages.enrol(form, { key, proposed, invitation, error }))
    })

    const open = Effect.fnUntraced(function* (found: Owner) {
      const { url } = yield* HttpServerRequest.HttpServerRequest
      const key = new URL(url, issuer).searchParams.get("token")
      if (key !== null && (yield* enrolments.isOffered(found.account.id, key))) return yield* choose(found, key)
      return yield* forms.page(() => ({
        title: "Your second factor",
        status: key === null ? 200 : 400,
        body: html` ${Page.notice("error", key === null ? undefined : "That code is not known, was used, or is too old.")}
          <p>
            A role needs a second factor that nobody else can set up for you. Who gave you the role has a code for it.
          </p>
          <form method="get" action="/enrol">
            <label for="token">Code</label>
            <input id="token" name="token" required autocomplete="off" spellcheck="false" maxlength="64" autofocus />
            <button>Continue</button>
          </form>
          <p class="links"><a href="/account">Your account</a></p>`
      }))
    })

    const complete = Effect.fnUntraced(function* (
      found: Owner,
      key: string,
      wrong: string,
      add: Effect.Effect<boolean, SqlError.SqlError>
    ) {
      const { account } = found
      const outcome = yield* enrolments.complete(account.id, key, add)
      if (outcome !== "done") {
        yield* audit.record({
          actor: account.id,
          action: "mfa.enrol",
          subject: account.id,
          outcome: "failed",
          reason: outcome
        })
        return outcome === "gone" ? yield* gone : yield* choose(found, key, wrong)
      }
      yield* tell(account, "mfa.enrol")
      const codes = yield* factors.renewRecoveryCodes(account.id)
      // Whoever else knows the password has signed in with less.
      yield* sessions.revokeAll(account.id)
      return yield* forms.page(() => Pages.recoveryCodes(codes))
    })

    const totp = Effect.fnUntraced(function* (found: Owner) {
      const fields = yield* forms.read
      const proposed = yield* pending.take<Proposed>("totp", keyOf(found))
      const secret = Option.match(proposed, { onNone: () => undefined, onSome: (one) => one.secret })
      const add =
        secret === undefined ? Effect.succeed(false) : factors.confirm(found.account.id, secret, fields["code"] ?? "")
      const wrong = "That code is not right. Scan the new key. Does the clock of your telephone go right?"
      return yield* complete(found, fields["token"] ?? "", wrong, add)
    })

    const passkey = Effect.fnUntraced(function* (found: Owner) {
      const fields = yield* forms.read
      const name = (fields["name"] ?? "").trim()
      const add = passkeys.add(found.account.id, keyOf(found), fields["response"] ?? "", name)
      return yield* complete(found, fields["token"] ?? "", "The passkey was not added. Try again.", add)
    })

    yield* router.add("GET", "/enrol", owned(open, { recent: true }))
    yield* router.add("POST", "/enrol/totp", owned(totp, { recent: true }))
    yield* router.add("POST", "/enrol/passkey", owned(passkey, { recent: true }))
  })
)
