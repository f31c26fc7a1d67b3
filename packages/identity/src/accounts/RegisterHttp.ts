import { AuditLog } from "@halles/shared/audit/AuditLog"
import { Region } from "@halles/shared/Region"
import { Effect, Option, Schema } from "effect"
import { HttpRouter, HttpServerRequest, HttpServerResponse } from "effect/http"
import { Accounts, normalised, personName } from "./Accounts.ts"
import { AuthorizationServer } from "../oidc/AuthorizationServer.ts"
import { Forms, Refused } from "../pages/Forms.ts"
import { html, type Html } from "../pages/Html.ts"
import { Mail } from "../pages/Mail.ts"
import * as Page from "../pages/HtmlPage.ts"
import { lengthMin, Passwords } from "./Passwords.ts"
import { Pending } from "../signin/Pending.ts"
import { addressOf } from "../signin/SignInHttp.ts"
import { Sessions } from "../signin/Sessions.ts"
import { Throttle } from "../signin/Throttle.ts"

interface Registration {
  readonly email: string
  readonly name: string
  readonly region: Region
  readonly interaction: string
  readonly browser: string
}

const regionNames: Readonly<Record<Region, string>> = { eu: "Europe", am: "Americas", ap: "Asia-Pacific" }

export const gone = new Refused({
  status: 400,
  title: "This link has ended",
  detail: "A link works once and for a limited time. Ask for a new one."
})

export const tooManyMails = (retryAfterSeconds: number) =>
  new Refused({
    status: 429,
    title: "Too many mails",
    detail: "We have sent several mails already. Look for them, or try again later.",
    retryAfterSeconds
  })

/** The same whatever was sent. */
export const sentPage = (): Page.PageOptions => ({
  title: "Look into your mail",
  body: html`<p>We have sent you a message. Open the link in it to go on; you may close this page.</p>
    <p class="hint">Nothing after some minutes? Look among unwanted mail, or check that the address is right.</p>`
})

const passwordFields = (form: Html, token: string, error: string | undefined): Html =>
  html` ${Page.notice("error", error)} ${form}
    <input type="hidden" name="token" value="${token}" />
    <label for="password">New password</label>
    <input
      id="password"
      name="password"
      type="password"
      required
      minlength="${lengthMin}"
      autocomplete="new-password"
      aria-describedby="rule"
      autofocus
    />
    <p id="rule" class="hint">
      At least ${lengthMin} characters, and hard to guess. A password manager makes good ones.
    </p>`

/**
 * Registering and a forgotten password. Both begin with an address, and both answer the same whether or not it has an
 * account: the mail says what is the case. An account is made only by who opens the link, with the password set there, so
 * that nobody can prepare an account for somebody else's address.
 */
export const RegisterHttp = HttpRouter.use(
  Effect.fnUntraced(function* (router) {
    const accounts = yield* Accounts
    const audit = yield* AuditLog
    const forms = yield* Forms
    const { issuer } = yield* AuthorizationServer
    const mail = yield* Mail
    const passwords = yield* Passwords
    const pending = yield* Pending
    const sessions = yield* Sessions
    const throttle = yield* Throttle

    const query = Effect.map(HttpServerRequest.HttpServerRequest, ({ url }) => new URL(url, issuer).searchParams)
    const limited = Effect.fnUntraced(function* (email: string) {
      const address = addressOf(yield* HttpServerRequest.HttpServerRequest)
      yield* Effect.all([throttle.take("mailAddress", address), throttle.take("mailAccount", email)])
    })
    const sent = forms.page(sentPage)

    const registerPage = (interaction: string, error?: string) =>
      forms.page((form) => ({
        title: "Create an account",
        status: error === undefined ? 200 : 400,
        body: html` ${Page.notice("error", error)}
          <form method="post" action="/register">
            ${form}
            <input type="hidden" name="interaction" value="${interaction}" />
            <label for="email">E-mail</label>
            <input id="email" name="email" type="email" required maxlength="254" autocomplete="username" autofocus />
            <label for="name">Name</label>
            <input id="name" name="name" required maxlength="120" autocomplete="name" />
            <label for="region">Where do you shop?</label>
            <select id="region" name="region">
              ${Object.entries(regionNames).map(([id, name]) => html`<option value="${id}">${name}</option>`)}
            </select>
            <button>Continue</button>
          </form>
          <p class="hint">We send a link to your address; there you choose your password.</p>`
      }))

    const register = Effect.gen(function* () {
      const fields = yield* forms.read
      const email = normalised(fields["email"] ?? "")
      const name = personName((fields["name"] ?? "").trim())
      const region = Schema.decodeUnknownOption(Region)(fields["region"])
      const interaction = fields["interaction"] ?? ""
      if (Option.isNone(email) || Option.isNone(name) || Option.isNone(region))
        return yield* registerPage(interaction, "Please fill in your name and a full e-mail address.")
      yield* limited(email.value)
      const browser = yield* forms.browser
      const token = yield* pending.issue("register", {
        email: email.value,
        name: name.value,
        region: region.value,
        interaction,
        browser
      } satisfies Registration)
      const known = yield* accounts.byEmail(email.value)
      yield* mail.send(
        Option.isNone(known)
          ? {
              to: email.value,
              subject: "Your account at Halles",
              text: `Hello,\n\nopen this link to choose your password. It works once, for an hour:\n\n${issuer}/register/finish?token=${token}\n\nIf you did not ask for an account, do nothing: none will be made.\n`
            }
          : {
              to: email.value,
              subject: "You have an account at Halles",
              text: `Hello,\n\nsomebody, probably you, wanted to create an account with this address. You have one already: sign in, or set a new password here:\n\n${issuer}/forgot\n\nIf it was not you, do nothing.\n`
            }
      )
      return yield* sent
    }).pipe(Effect.catchTag("Throttled", ({ retryAfterSeconds }) => Effect.fail(tooManyMails(retryAfterSeconds))))

    const finishPage = (path: "/register/finish" | "/reset", title: string, token: string, error?: string) =>
      forms.page((form) => ({
        title,
        status: error === undefined ? 200 : 400,
        body: html`<form method="post" action="${path}">
          ${passwordFields(form, token, error)}<button>Save</button>
        </form>`
      }))

    const openRegistration = Effect.gen(function* () {
      const token = (yield* query).get("token") ?? ""
      const found = yield* pending.peek<Registration>("register", token)
      return Option.isNone(found) ? yield* gone : yield* finishPage("/register/finish", "Choose a password", token)
    })

    const finishRegistration = Effect.gen(function* () {
      const fields = yield* forms.read
      const token = fields["token"] ?? ""
      const found = yield* pending.peek<Registration>("register", token)
      if (Option.isNone(found)) return yield* gone
      const { browser, email, interaction, name, region } = found.value
      const hashed = yield* Effect.result(passwords.hash(fields["password"] ?? "", [email, name, "halles"]))
      if (hashed._tag === "Failure")
        return yield* finishPage("/register/finish", "Choose a password", token, hashed.failure.reason)
      const taken = yield* pending.take("register", token)
      const account = Option.isNone(taken)
        ? Option.none()
        : yield* accounts.create({ email, name, passwordHash: hashed.success, region })
      if (Option.isNone(account)) return yield* gone
      yield* audit.record({
        actor: account.value.id,
        action: "account.create",
        subject: account.value.id,
        outcome: "allowed"
      })
      // Only the browser that began goes on with what it began: the sign-in under way may be somebody else's.
      if (interaction === "" || browser === "" || browser !== (yield* forms.browser))
        return HttpServerResponse.redirect("/account", { status: 303 })
      yield* pending.put(
        "interaction",
        interaction,
        { accountId: account.value.id, amr: ["pwd"], remember: false },
        account.value.id
      )
      return HttpServerResponse.redirect(`/interaction/${encodeURIComponent(interaction)}`, { status: 303 })
    })

    const forgotPage = forms.page((form) => ({
      title: "Set a new password",
      body: html` <p>Enter your e-mail address. We send a link to it.</p>
        <form method="post" action="/forgot">
          ${form}
          <label for="email">E-mail</label>
          <input id="email" name="email" type="email" required maxlength="254" autocomplete="username" autofocus />
          <button>Send the link</button>
        </form>`
    }))

    const forgot = Effect.gen(function* () {
      const fields = yield* forms.read
      const email = normalised(fields["email"] ?? "")
      if (Option.isNone(email)) return yield* forgotPage
      yield* limited(email.value)
      const known = yield* accounts.byEmail(email.value)
      const accountId = Option.match(known, { onNone: () => undefined, onSome: ({ id }) => id })
      const token = yield* pending.issue("reset", { accountId: accountId ?? null }, accountId)
      yield* mail.send({
        to: email.value,
        subject: "Your password at Halles",
        text:
          accountId === undefined
            ? "Hello,\n\nsomebody, probably you, wanted to set a new password for this address. There is no account with it at Halles; perhaps you used another address.\n\nIf it was not you, do nothing.\n"
            : `Hello,\n\nopen this link to set a new password. It works once, for half an hour:\n\n${issuer}/reset?token=${token}\n\nIf you did not ask for it, do nothing: your password stays as it is.\n`
      })
      return yield* sent
    }).pipe(Effect.catchTag("Throttled", ({ retryAfterSeconds }) => Effect.fail(tooManyMails(retryAfterSeconds))))

    const openReset = Effect.gen(function* () {
      const token = (yield* query).get("token") ?? ""
      const found = yield* pending.peek<{ accountId: string | null }>("reset", token)
      return Option.isNone(found) ? yield* gone : yield* finishPage("/reset", "Set a new password", token)
    })

    const reset = Effect.gen(function* () {
      const fields = yield* forms.read
      const token = fields["token"] ?? ""
      const found = yield* pending.peek<{ accountId: string | null }>("reset", token)
      const account = Option.isSome(found) ? yield* accounts.byId(found.value.accountId ?? "") : Option.none()
      if (Option.isNone(account)) return yield* gone
      const { email, id, name } = account.value
      const hashed = yield* Effect.result(passwords.hash(fields["password"] ?? "", [email, name, "halles"]))
      if (hashed._tag === "Failure")
        return yield* finishPage("/reset", "Set a new password", token, hashed.failure.reason)
      if (Option.isNone(yield* pending.take("reset", token))) return yield* gone
      yield* accounts.setPassword(id, hashed.success)
      // Other links that are on their way, and whoever is signed in, came before the owner took the account back.
      yield* pending.forget("reset", id)
      yield* sessions.revokeAll(id)
      yield* audit.record({ actor: id, action: "password.reset", subject: id, outcome: "allowed" })
      yield* mail.send({
        to: email,
        subject: "Your password was changed",
        text: "Hello,\n\nyour password at Halles was changed, and all devices were signed out. If it was not you, set a new one at once and look at who reads your mail.\n"
      })
      return yield* forms.page(() => ({
        title: "Password saved",
        body: html`<p>All devices were signed out.</p>
          <p><a class="button" href="/account">Sign in</a></p>`
      }))
    })

    yield* router.add(
      "GET",
      "/register",
      Effect.flatMap(query, (found) => registerPage(found.get("interaction") ?? ""))
    )
    yield* router.add("POST", "/register", register)
    yield* router.add("GET", "/register/finish", openRegistration)
    yield* router.add("POST", "/register/finish", finishRegistration)
    yield* router.add("GET", "/forgot", forgotPage)
    yield* router.add("POST", "/forgot", forgot)
    yield* router.add("GET", "/reset", openReset)
    yield* router.add("POST", "/reset", reset)
  })
)
