import { AuditLog } from "@halles/shared/audit/AuditLog"
import { Effect, Option } from "effect"
import { HttpRouter, HttpServerRequest } from "effect/http"
import * as Pages from "./AccountPages.ts"
import { AccountOwner, type Owner } from "./AccountOwner.ts"
import { Accounts, isStaff } from "./Accounts.ts"
import { Consents } from "./Consents.ts"
import { Factors } from "../factors/Factors.ts"
import { Forms } from "../pages/Forms.ts"
import { Passkeys } from "../factors/Passkeys.ts"
import { Passwords } from "./Passwords.ts"
import { Pending } from "../signin/Pending.ts"
import { Sessions } from "../signin/Sessions.ts"

/** Of who has a role: without a factor it is worth nothing, until an operator is asked again. */
const isNeeded = ({ account }: Owner, left: number) => account.vouched && account.roles.some(isStaff) && left < 1
const needed = "Your role needs a second factor: add another one first."

/** Where an account's owner looks after it. */
export const AccountHttp = HttpRouter.use(
  Effect.fnUntraced(function* (router) {
    const accounts = yield* Accounts
    const { owned, passwordAgain, tell } = yield* AccountOwner
    const audit = yield* AuditLog
    const consents = yield* Consents
    const factors = yield* Factors
    const forms = yield* Forms
    const passkeys = yield* Passkeys
    const passwords = yield* Passwords
    const pending = yield* Pending
    const sessions = yield* Sessions

    const overview = Effect.fnUntraced(function* (
      { account, session }: Owner,
      said: { readonly error?: string; readonly done?: string } = {}
    ) {
      const { headers, remoteAddress } = yield* HttpServerRequest.HttpServerRequest
      yield* sessions.seen({
        uid: session.uid,
        accountId: account.id,
        userAgent: headers["user-agent"] ?? "",
        address: Option.getOrElse(remoteAddress, () => "")
      })
      const overview: Pages.Overview = {
        account,
        consents: yield* consents.of(account.id),
        owned: yield* factors.owned(account.id),
        passkeys: yield* passkeys.list(account.id),
        sessions: yield* sessions.list(account.id),
        current: session.uid,
        invitation: passkeys.offered ? yield* passkeys.invite(account, `account:${session.uid}`) : undefined,
        ...said
      }
      return yield* forms.page((form) => Pages.overview(form, overview))
    })

    /** Recovery codes come with the first second factor, and are shown with it. */
    const withCodes = Effect.fnUntraced(function* (found: Owner, done: string) {
      const { recoveryCodes } = yield* factors.owned(found.account.id)
      if (recoveryCodes > 0) return yield* overview(found, { done })
      const codes = yield* factors.renewRecoveryCodes(found.account.id)
      return yield* forms.page(() => Pages.recoveryCodes(codes))
    })

    const changePassword = owned(
      Effect.fnUntraced(function* (found) {
        const { account, session } = found
        const fields = yield* forms.read
        if (!(yield* passwordAgain(account, fields["current"], "password.change")))
          return yield* overview(found, { error: "The current password is not right." })
        const hashed = yield* Effect.result(
          passwords.hash(fields["password"] ?? "", [account.email, account.name, "halles"])
        )
        if (hashed._tag === "Failure") return yield* overview(found, { error: hashed.failure.reason })
        yield* tell(account, "password.change")
        yield* accounts.setPassword(account.id, hashed.success)
        yield* sessions.revokeAll(account.id, session.uid)
        return yield* overview(found, { done: "Your password was changed, and other devices were signed out." })
      }),
      { strong: true }
    )

    const proposeTotp = Effect.fnUntraced(function* ({ account, session }: Owner) {
      const proposed = factors.propose(account.email)
      yield* pending.put("totp", session.uid, proposed, account.id)
      return yield* forms.page((form) => Pages.totp(form, proposed))
    })

    const confirmTotp = Effect.fnUntraced(function* (found: Owner) {
      const { account, session } = found
      const fields = yield* forms.read
      const proposed = yield* pending.peek<{ secret: string; uri: string }>("totp", session.uid)
      if (Option.isNone(proposed)) return yield* proposeTotp(found)
      if (!(yield* factors.confirm(account.id, proposed.value.secret, fields["code"] ?? "")))
        return yield* forms.page((form) =>
          Pages.totp(form, {
            ...proposed.value,
            error: "That code is not right. Does the clock of your telephone go right?"
          })
        )
      yield* pending.forget("totp", account.id)
      yield* tell(account, "mfa.totp.add")
      return yield* withCodes(found, "Signing in asks for a code from your app from now on.")
    })

    const removeTotp = Effect.fnUntraced(function* (found: Owner) {
      yield* forms.read
      const { passkeys } = yield* factors.owned(found.account.id)
      if (isNeeded(found, passkeys)) return yield* overview(found, { error: needed })
      yield* tell(found.account, "mfa.totp.remove")
      yield* factors.remove(found.account.id)
      return yield* overview(found, { done: "Codes from an app are no longer asked for." })
    })

    const renewCodes = Effect.fnUntraced(function* ({ account }: Owner) {
      yield* forms.read
      yield* tell(account, "mfa.recovery.renew")
      const codes = yield* factors.renewRecoveryCodes(account.id)
      return yield* forms.page(() => Pages.recoveryCodes(codes))
    })

    const addPasskey = Effect.fnUntraced(function* (found: Owner) {
      const { account, session } = found
      const fields = yield* forms.read
      const name = (fields["name"] ?? "").trim()
      const added = yield* passkeys.add(account.id, `account:${session.uid}`, fields["response"] ?? "", name)
      if (!added) return yield* overview(found, { error: "The passkey was not added. Try again." })
      yield* tell(account, "mfa.passkey.add")
      return yield* withCodes(found, "The passkey was added.")
    })

    const removePasskey = Effect.fnUntraced(function* (found: Owner) {
      const fields = yield* forms.read
      const owned = yield* factors.owned(found.account.id)
      if (isNeeded(found, owned.passkeys - 1 + Number(owned.totp))) return yield* overview(found, { error: needed })
      yield* tell(found.account, "mfa.passkey.remove")
      yield* passkeys.remove(found.account.id, fields["id"] ?? "")
      return yield* overview(found, { done: "The passkey was removed." })
    })

    const endSession = Effect.fnUntraced(function* (found: Owner) {
      const fields = yield* forms.read
      yield* audit.record({
        actor: found.account.id,
        action: "session.end",
        subject: found.account.id,
        outcome: "allowed"
      })
      yield* sessions.revoke(found.account.id, fields["uid"] ?? "")
      return yield* overview(found, { done: "That device was signed out." })
    })

    const endOthers = Effect.fnUntraced(function* (found: Owner) {
      yield* forms.read
      yield* audit.record({
        actor: found.account.id,
        action: "session.end_others",
        subject: found.account.id,
        outcome: "allowed"
      })
      yield* sessions.revokeAll(found.account.id, found.session.uid)
      return yield* overview(found, { done: "All other devices were signed out." })
    })

    const endConsent = Effect.fnUntraced(function* (found: Owner) {
      const fields = yield* forms.read
      const client = fields["client"] ?? ""
      const { id } = found.account
      yield* audit.record({ actor: id, action: "consent.take_back", subject: client, outcome: "allowed" })
      yield* consents.takeBack(id, client)
      return yield* overview(found, { done: "The application has to ask you again." })
    })

    yield* router.add("GET", "/account", owned(overview))
    yield* router.add("POST", "/account/password", changePassword)
    yield* router.add("GET", "/account/totp", owned(proposeTotp, { recent: true }))
    yield* router.add("POST", "/account/totp", owned(confirmTotp, { recent: true }))
    yield* router.add("POST", "/account/totp/remove", owned(removeTotp, { recent: true }))
    yield* router.add("POST", "/account/recovery", owned(renewCodes, { recent: true }))
    yield* router.add("POST", "/account/passkeys", owned(addPasskey, { recent: true }))
    yield* router.add("POST", "/account/passkeys/remove", owned(removePasskey, { recent: true }))
    yield* router.add("POST", "/account/consents/end", owned(endConsent))
    yield* router.add("POST", "/account/sessions/end", owned(endSession))
    yield* router.add("POST", "/account/sessions/end-others", owned(endOthers))
  })
)
