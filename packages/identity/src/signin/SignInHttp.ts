import { oneFactor, twoFactors } from "@halles/shared/security/Authority"
import { AuditLog } from "@halles/shared/audit/AuditLog"
import { networkOf, plainAddress } from "@halles/shared/clients/NetworkAddress"
import { Effect, Option } from "effect"
import { HttpRouter, HttpServerRequest, HttpServerResponse } from "effect/http"
import type { SqlError } from "effect/sql"
import { Accounts, isStaff } from "../accounts/Accounts.ts"
import { AuthorizationServer } from "../oidc/AuthorizationServer.ts"
import { Consents } from "../accounts/Consents.ts"
import { Factors } from "../factors/Factors.ts"
import { Forms, Refused } from "../pages/Forms.ts"
import { type Interaction, Interactions } from "./Interactions.ts"
import { Passkeys } from "../factors/Passkeys.ts"
import { Pending } from "./Pending.ts"
import { resource } from "../oidc/Provider.ts"
import { NotRight, type Proved, SignIn } from "./SignIn.ts"
import * as Pages from "./SignInPages.ts"
import { Sso } from "./Sso.ts"
import { Throttled } from "./Throttle.ts"

/** A first factor that was right, kept until the second; `remember` is what the person ticked. */
interface Progress extends Proved {
  readonly remember: boolean
}

/** What counts as one: of IPv6 the /64 that one subscriber has, or he had more tries than anybody could count. */
export const addressOf = (request: HttpServerRequest.HttpServerRequest): string =>
  Option.match(request.remoteAddress, {
    onNone: () => "unknown",
    onSome: (address) => networkOf(plainAddress(address))
  })

const notStaff = new Refused({
  status: 403,
  title: "This application is for staff",
  detail: "Your account does not have a role that opens it."
})
const notEnrolled = new Refused({
  status: 403,
  title: "Your role needs a second factor",
  detail: "Who gave you the role has a link for you: open it, sign in there and set the factor up. Then come back."
})

const wrong = "E-mail or password is not right."
const wrongCode = "That code is not right, or was used before."

/** In the words of a page; the same whether or not there is such an account. */
const patience = ({ retryAfterSeconds }: Throttled): string =>
  `Too many tries. Try again in ${Math.max(1, Math.ceil(retryAfterSeconds / 60))} minutes.`

/** Pages of an interaction: who somebody is, and whether the application may know. */
export const SignInHttp = HttpRouter.use(
  Effect.fnUntraced(function* (router) {
    const accounts = yield* Accounts
    const audit = yield* AuditLog
    const consents = yield* Consents
    const factors = yield* Factors
    const forms = yield* Forms
    const interactions = yield* Interactions
    const passkeys = yield* Passkeys
    const pending = yield* Pending
    const { provider } = yield* AuthorizationServer
    const signIn = yield* SignIn
    const sso = yield* Sso

    const challenge = (uid: string) => (passkeys.offered ? passkeys.challenge(uid) : Effect.succeed(undefined))

    const finish = Effect.fnUntraced(function* (interaction: Interaction, { accountId, amr, remember }: Progress) {
      const account = yield* accounts.byId(accountId)
      const staffOnly = interaction.client.staff_only === true
      const denied = (reason: string) =>
        audit.record({
          actor: accountId,
          action: "sign-in.client",
          subject: interaction.client.client_id,
          outcome: "denied",
          reason
        })
      if (Option.isNone(account) || (staffOnly && !account.value.roles.some(isStaff))) {
        yield* denied("not staff")
        return yield* notStaff
      }
      if (staffOnly && !account.value.vouched) {
        yield* denied("no vouched factor")
        return yield* notEnrolled
      }
      yield* sso.linkAfter(interaction.details.uid, accountId)
      return yield* interactions.finish({
        login: { accountId, amr: [...amr], acr: amr.includes("mfa") ? twoFactors : oneFactor, remember }
      })
    })

    const signInPage = Effect.fnUntraced(function* (
      interaction: Interaction,
      said: { readonly error?: string; readonly email?: string; readonly status?: number } = {}
    ) {
      const passkey = yield* challenge(interaction.details.uid)
      return yield* forms.page((form) => Pages.signIn(interaction, { form, passkey, sso: sso.name, ...said }))
    })

    const secondPage = Effect.fnUntraced(function* (
      interaction: Interaction,
      { accountId }: Proved,
      said: { readonly error?: string; readonly status?: number } = {}
    ) {
      const owned = yield* factors.owned(accountId)
      const passkey = owned.passkeys > 0 ? yield* challenge(interaction.details.uid) : undefined
      return yield* forms.page((form) => Pages.secondFactor(interaction, { form, passkey, totp: owned.totp, ...said }))
    })

    const consentPage = Effect.fnUntraced(function* (interaction: Interaction) {
      const { details } = interaction
      const account = yield* accounts.byId(details.session?.accountId ?? "")
      const email = Option.match(account, { onNone: () => "", onSome: (found) => found.email })
      const scopes = String(details.params["scope"] ?? "")
        .split(" ")
        .filter((scope) => scope !== "")
      return yield* forms.page((form) => Pages.consent(interaction, { form, scopes, email }))
    })

    const progress = (interaction: Interaction) => pending.peek<Progress>("interaction", interaction.details.uid)
    const ended = new Refused({
      status: 400,
      title: "This sign-in has ended",
      detail: "Go back to the application and start again."
    })

    const show = Effect.gen(function* () {
      const interaction = yield* interactions.current
      const { url } = yield* HttpServerRequest.HttpServerRequest
      if (interaction.details.prompt.name === "consent") return yield* consentPage(interaction)
      const again = url.endsWith("?again")
      const first = yield* again
        ? pending.take<Progress>("interaction", interaction.details.uid)
        : progress(interaction)
      if (Option.isNone(first) || again) return yield* signInPage(interaction)
      return first.value.amr.includes("mfa") || !(yield* needsSecond(first.value.accountId))
        ? yield* finish(interaction, first.value)
        : yield* secondPage(interaction, first.value)
    })
    const needsSecond = (accountId: string): Effect.Effect<boolean, SqlError.SqlError> =>
      Effect.flatMap(accounts.byId(accountId), (account) =>
        Option.isNone(account) ? Effect.succeed(false) : signIn.secondFactor(account.value)
      )

    const password = Effect.gen(function* () {
      const interaction = yield* interactions.current
      const fields = yield* forms.read
      const email = fields["email"] ?? ""
      const address = addressOf(yield* HttpServerRequest.HttpServerRequest)
      return yield* signIn.password({ email, password: fields["password"] ?? "" }, address).pipe(
        Effect.flatMap(
          Effect.fnUntraced(function* ({ accountId, amr, secondFactor }) {
            const first: Progress = { accountId, amr, remember: fields["remember"] === "yes" }
            if (!secondFactor) return yield* finish(interaction, first)
            yield* pending.put("interaction", interaction.details.uid, first, accountId)
            return HttpServerResponse.redirect(`/interaction/${interaction.details.uid}`, { status: 303 })
          })
        ),
        Effect.catchTags({
          NotRight: () => signInPage(interaction, { error: wrong, email, status: 400 }),
          Throttled: (throttled) => signInPage(interaction, { error: patience(throttled), email, status: 429 })
        })
      )
    })

    const second = Effect.gen(function* () {
      const interaction = yield* interactions.current
      const fields = yield* forms.read
      const first = yield* progress(interaction)
      if (Option.isNone(first)) return yield* ended
      const address = addressOf(yield* HttpServerRequest.HttpServerRequest)
      return yield* signIn.code(first.value, fields["code"] ?? "", address).pipe(
        Effect.flatMap((proved) => finish(interaction, { ...proved, remember: first.value.remember })),
        Effect.catchTags({
          NotRight: () => secondPage(interaction, first.value, { error: wrongCode, status: 400 }),
          Throttled: (throttled) => secondPage(interaction, first.value, { error: patience(throttled), status: 429 })
        })
      )
    })

    const passkey = Effect.gen(function* () {
      const interaction = yield* interactions.current
      const fields = yield* forms.read
      const address = addressOf(yield* HttpServerRequest.HttpServerRequest)
      const first = yield* progress(interaction)
      return yield* signIn.passkey(interaction.details.uid, fields["response"] ?? "", address).pipe(
        // As a second factor it must be of the account whose password was right.
        Effect.filterOrFail(
          ({ accountId }) => Option.isNone(first) || first.value.accountId === accountId,
          () => new NotRight()
        ),
        Effect.flatMap((proved) =>
          finish(interaction, { ...proved, remember: Option.isSome(first) && first.value.remember })
        ),
        Effect.catchTags({
          NotRight: () => signInPage(interaction, { error: "That passkey is not known here.", status: 400 }),
          Throttled: (throttled) => signInPage(interaction, { error: patience(throttled), status: 429 })
        })
      )
    })

    const consent = Effect.gen(function* () {
      const interaction = yield* interactions.current
      yield* forms.read
      const { details } = interaction
      const accountId = details.session?.accountId
      if (details.prompt.name !== "consent" || accountId === undefined) return yield* ended
      const grantId = yield* Effect.promise(async () => {
        const { Grant } = provider()
        const clientId = interaction.client.client_id
        const known = details.grantId === undefined ? undefined : await Grant.find(details.grantId)
        const grant = known ?? new Grant({ accountId, clientId })
        const scope = String(details.params["scope"] ?? "")
        grant.addOIDCScope(scope)
        grant.addResourceScope(resource, scope)
        return grant.save()
      })
      const scope = String(details.params["scope"] ?? "")
      const { client_id, token_endpoint_auth_method } = interaction.client
      yield* audit.record({
        actor: accountId,
        action: "consent.give",
        subject: client_id,
        outcome: "allowed",
        details: { scope }
      })
      // A program that proves nothing may be another one next time: it asks in each browser (RFC 8252, 8.6).
      if (token_endpoint_auth_method !== "none") yield* consents.give(accountId, client_id, scope.split(" "))
      return yield* interactions.finish({ consent: { grantId } })
    })

    const refuse = Effect.gen(function* () {
      yield* interactions.current
      yield* forms.read
      return yield* interactions.finish({ error: "access_denied", error_description: "the person refused" })
    })

    yield* router.add("GET", "/interaction/:uid", show)
    yield* router.add("POST", "/interaction/:uid/password", password)
    yield* router.add("POST", "/interaction/:uid/second", second)
    yield* router.add("POST", "/interaction/:uid/passkey", passkey)
    yield* router.add("POST", "/interaction/:uid/consent", consent)
    yield* router.add("POST", "/interaction/:uid/refuse", refuse)
  })
)
