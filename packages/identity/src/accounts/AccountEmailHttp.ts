import { Effect, Option } from "effect"
import { HttpRouter, HttpServerRequest } from "effect/http"
import { AccountOwner, type Owner } from "./AccountOwner.ts"
import { Accounts, normalised } from "./Accounts.ts"
import { AuthorizationServer } from "../oidc/AuthorizationServer.ts"
import { Forms, Refused } from "../pages/Forms.ts"
import { html } from "../pages/Html.ts"
import { Mail } from "../pages/Mail.ts"
import * as Page from "../pages/HtmlPage.ts"
import { Pending } from "../signin/Pending.ts"
import { gone, sentPage, tooManyMails } from "./RegisterHttp.ts"
import { addressOf } from "../signin/SignInHttp.ts"
import { Sessions } from "../signin/Sessions.ts"
import { Throttle } from "../signin/Throttle.ts"

interface Move {
  readonly accountId: string
  readonly from: string
  readonly to: string
}

const notYours = new Refused({
  status: 403,
  title: "Sign in first",
  detail: "Sign in here to the account that is to have this address, and open the link again."
})

/**
 * Another address of mail for an account: asked for with all factors and the password, proved by a link that is sent to the new
 * address and opened by who is signed in, so that nobody can give an account of theirs to somebody else's address. The answer is
 * the same whether or not the new address has an account; the mail says it. The old address is told, with a link that takes the
 * account back.
 */
export const AccountEmailHttp = HttpRouter.use(
  Effect.fnUntraced(function* (router) {
    const { note, owned, passwordAgain } = yield* AccountOwner
    const accounts = yield* Accounts
    const forms = yield* Forms
    const { issuer } = yield* AuthorizationServer
    const mail = yield* Mail
    const pending = yield* Pending
    const sessions = yield* Sessions
    const throttle = yield* Throttle

    const tokenOfQuery = Effect.map(
      HttpServerRequest.HttpServerRequest,
      ({ url }) => new URL(url, issuer).searchParams.get("token") ?? ""
    )

    const askPage = ({ account }: Owner, error?: string) =>
      forms.page((form) => ({
        title: "Change your e-mail address",
        status: error === undefined ? 200 : 400,
        body: html` ${Page.notice("error", error)}
          <p>It is <strong>${account.email}</strong> now. We send a link to the new one.</p>
          <form method="post" action="/account/email">
            ${form}
            <label for="email">New e-mail address</label>
            <input id="email" name="email" type="email" required maxlength="254" autocomplete="email" autofocus />
            ${account.password_hash !== null && Page.currentPassword("Password")}
            <button>Send the link</button>
          </form>
          <p class="links"><a href="/account">Back</a></p>`
      }))

    const ask = Effect.fnUntraced(function* (found: Owner) {
      const { account } = found
      const fields = yield* forms.read
      const to = normalised(fields["email"] ?? "")
      if (Option.isNone(to) || to.value === account.email)
        return yield* askPage(found, "Please give a full e-mail address that is not the one you have.")
      const address = addressOf(yield* HttpServerRequest.HttpServerRequest)
      yield* Effect.all([throttle.take("mailAddress", address), throttle.take("mailAccount", to.value)]).pipe(
        Effect.mapError(({ retryAfterSeconds }) => tooManyMails(retryAfterSeconds))
      )
      if (!(yield* passwordAgain(account, fields["current"], "email.ask")))
        return yield* askPage(found, "The password is not right.")
      yield* note(account, "email.ask")
      const move: Move = { accountId: account.id, from: account.email, to: to.value }
      const token = yield* pending.issue("email", move, account.id)
      const known = yield* accounts.byEmail(to.value)
      yield* mail.send({
        to: to.value,
        subject: "Your e-mail address at Halles",
        text: Option.isNone(known)
          ? `Hello,\n\nopen this link, where you are signed in at Halles, to use this address from now on. It works once, for an hour:\n\n${issuer}/account/email/confirm?token=${token}\n\nIf you did not ask for it, do nothing.\n`
          : `Hello,\n\nsomebody, probably you, wanted to use this address for an account at Halles. It has another account already; close that one first, or use another address.\n\nIf it was not you, do nothing.\n`
      })
      return yield* forms.page(sentPage)
    })

    /** A page with one button: programs that look into mails open links, and press nothing. */
    const buttonPage = (options: {
      readonly title: string
      readonly text: string
      readonly action: string
      readonly label: string
      readonly token: string
    }) =>
      forms.page((form) => ({
        title: options.title,
        body: html`<p>${options.text}</p>
          <form method="post" action="${options.action}">
            ${form}<input type="hidden" name="token" value="${options.token}" /><button>${options.label}</button>
          </form>`
      }))

    /** Only who is signed in to the account that asked. */
    const requestedChange = Effect.fnUntraced(function* (token: string, { account }: Owner) {
      const move = yield* pending.peek<Move>("email", token)
      if (Option.isNone(move)) return yield* gone
      return move.value.accountId === account.id ? move.value : yield* notYours
    })
    const confirmPage = Effect.fnUntraced(function* (found: Owner) {
      const token = yield* tokenOfQuery
      const { to } = yield* requestedChange(token, found)
      const action = "/account/email/confirm"
      const text = `Your account's address is to be ${to}.`
      return yield* buttonPage({ title: "Use this address?", text, action, label: "Use it", token })
    })
    const confirm = Effect.fnUntraced(function* (found: Owner) {
      const { account, session } = found
      const token = (yield* forms.read)["token"] ?? ""
      const { to } = yield* requestedChange(token, found)
      if (Option.isNone(yield* pending.take("email", token))) return yield* gone
      yield* note(account, "email.change")
      if (!(yield* accounts.setEmail(account.id, to))) return yield* gone
      // Links that went to the old address end, but for the one that follows.
      yield* pending.forget("reset", account.id)
      yield* pending.forget("email", account.id)
      yield* sessions.revokeAll(account.id, session.uid)
      const back: Move = { accountId: account.id, from: account.email, to }
      const undo = yield* pending.issue("emailBack", back, account.id)
      yield* mail.send({
        to: account.email,
        subject: "Your e-mail address was changed",
        text: `Hello,\n\nyour account at Halles has another e-mail address from now on; mails come there. If it was not you, take your account back within a week:\n\n${issuer}/account/email/back?token=${undo}\n`
      })
      return yield* forms.page(() => ({
        title: "Your address was changed",
        body: html`<p>Sign in with <strong>${to}</strong> from now on. Other devices were signed out.</p>
          <p><a class="button" href="/account">Your account</a></p>`
      }))
    })

    const backPage = Effect.gen(function* () {
      const token = yield* tokenOfQuery
      if (Option.isNone(yield* pending.peek<Move>("emailBack", token))) return yield* gone
      return yield* buttonPage({
        title: "Take your account back?",
        text: "It gets this address again, every device is signed out, and its password ends: you set a new one.",
        action: "/account/email/back",
        label: "Take it back",
        token
      })
    })
    const back = Effect.gen(function* () {
      const token = (yield* forms.read)["token"] ?? ""
      const move = yield* pending.take<Move>("emailBack", token)
      const account = Option.isNone(move) ? Option.none() : yield* accounts.byId(move.value.accountId)
      if (Option.isNone(move) || Option.isNone(account)) return yield* gone
      const { id } = account.value
      yield* note(account.value, "email.back")
      if (account.value.email !== move.value.from && !(yield* accounts.setEmail(id, move.value.from)))
        return yield* gone
      yield* accounts.setPassword(id, null)
      yield* pending.forget("reset", id)
      yield* pending.forget("email", id)
      yield* sessions.revokeAll(id)
      return yield* forms.page(() => ({
        title: "The account is yours again",
        body: html`<p>All devices were signed out. Set a new password now.</p>
          <p><a class="button" href="/forgot">Set a new password</a></p>`
      }))
    })

    yield* router.add("GET", "/account/email", owned(askPage, { recent: true }))
    yield* router.add("POST", "/account/email", owned(ask, { recent: true }))
    yield* router.add("GET", "/account/email/confirm", owned(confirmPage))
    yield* router.add("POST", "/account/email/confirm", owned(confirm))
    yield* router.add("GET", "/account/email/back", backPage)
    yield* router.add("POST", "/account/email/back", back)
  })
)
