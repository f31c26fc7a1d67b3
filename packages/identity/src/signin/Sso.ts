import { AuditLog } from "@halles/shared/audit/AuditLog"
import type { Region } from "@halles/shared/Region"
import { Context, Effect, Layer, Option, Redacted, Schema } from "effect"
import type { SqlError } from "effect/sql"
import * as oidc from "openid-client"
import { Accounts, normalised, personName } from "../accounts/Accounts.ts"
import { Pending } from "./Pending.ts"
import type { Proved } from "./SignIn.ts"

export interface SsoOptions {
  readonly issuer: string
  readonly clientId: string
  readonly clientSecret: Redacted.Redacted
  /** How people know it: `Continue with …`. */
  readonly name: string
  /** Where customers live that come to us through it. */
  readonly region: Region
}

/** The upstream provider did not vouch for anybody, or not for an address that is theirs. */
export class SsoFailed extends Schema.TaggedError<SsoFailed>()("SsoFailed", {
  reason: Schema.String,
  cause: Schema.Defect()
}) {}

interface Started {
  readonly uid: string
  readonly browser: string
  readonly verifier: string
  readonly nonce: string
}
interface Link {
  readonly issuer: string
  readonly subject: string
  readonly email: string
}

/** How long the upstream provider may take to answer, in seconds. */
const timeoutSeconds = 5

/**
 * Sign-in by an upstream OpenID provider. Who is known by issuer and subject is that account. Who comes with an address
 * that has an account here must sign in to it once, in the same go; only then are the two linked, since an address alone
 * proves nothing about our account. Anybody else gets an account, if the provider says that the address was verified.
 */
export class Sso extends Context.Service<
  Sso,
  {
    /** Undefined where there is no upstream provider. */
    readonly name: string | undefined
    /** Our own address, which the provider sends people back to. */
    readonly issuer: string
    readonly start: (uid: string, browser: string) => Effect.Effect<string, SsoFailed | SqlError.SqlError>
    /** Gives the interaction that goes on, and who it is; nobody yet where an account must be signed in to first. */
    readonly finish: (
      callback: URL,
      browser: string
    ) => Effect.Effect<{ readonly uid: string; readonly proved: Option.Option<Proved> }, SsoFailed | SqlError.SqlError>
    readonly linkAfter: (uid: string, accountId: string) => Effect.Effect<void, SqlError.SqlError>
  }
>()("@halles/identity/Sso") {
  static readonly layer = (issuer: string, upstream: Option.Option<SsoOptions>) =>
    Option.match(upstream, {
      onNone: () => Sso.layerNone(issuer),
      onSome: (options) => Layer.effect(Sso, make(issuer, options))
    })

  static readonly layerNone = (issuer: string) =>
    Layer.succeed(Sso, {
      name: undefined,
      issuer,
      start: () => Effect.fail(new SsoFailed({ reason: "there is no upstream provider", cause: undefined })),
      finish: () => Effect.fail(new SsoFailed({ reason: "there is no upstream provider", cause: undefined })),
      linkAfter: () => Effect.void
    })
}

const attempt = <A>(reason: string, run: () => Promise<A>) =>
  Effect.tryPromise({ try: run, catch: (cause) => new SsoFailed({ reason, cause }) })

const make = Effect.fnUntraced(function* (issuer: string, options: SsoOptions) {
  const accounts = yield* Accounts
  const audit = yield* AuditLog
  const pending = yield* Pending

  let known: oidc.Configuration | undefined
  const configuration = attempt("the provider does not answer", async () => {
    const local = new URL(options.issuer).protocol === "http:"
    known ??= await oidc.discovery(
      new URL(options.issuer),
      options.clientId,
      Redacted.value(options.clientSecret),
      undefined,
      { timeout: timeoutSeconds, ...(local ? { execute: [oidc.allowInsecureRequests] } : {}) }
    )
    return known
  })

  const accountOf = Effect.fnUntraced(function* ({ email, issuer, subject }: Link, verified: boolean, name: string) {
    const linked = yield* accounts.byFederation(issuer, subject)
    if (Option.isSome(linked)) return linked
    if (!verified)
      return yield* new SsoFailed({ reason: "the provider has not verified the address", cause: undefined })
    const made = yield* accounts.create({ email, name, passwordHash: null, region: options.region })
    if (Option.isNone(made)) return made
    yield* accounts.link(issuer, subject, made.value.id)
    yield* audit.record({
      actor: made.value.id,
      action: "account.create",
      subject: made.value.id,
      outcome: "allowed",
      reason: "sso"
    })
    return made
  })

  return {
    name: options.name,
    issuer,
    start: Effect.fn("Sso.start")(function* (uid: string, browser: string) {
      const config = yield* configuration
      const verifier = oidc.randomPKCECodeVerifier()
      const nonce = oidc.randomNonce()
      const state = yield* pending.issue("sso", { uid, browser, verifier, nonce } satisfies Started)
      const challenge = yield* Effect.promise(() => oidc.calculatePKCECodeChallenge(verifier))
      return oidc.buildAuthorizationUrl(config, {
        redirect_uri: `${issuer}/sso/callback`,
        scope: "openid email profile",
        code_challenge: challenge,
        code_challenge_method: "S256",
        state,
        nonce
      }).href
    }),
    finish: Effect.fn("Sso.finish")(function* (callback: URL, browser: string) {
      const state = callback.searchParams.get("state") ?? ""
      const started = yield* pending.take<Started>("sso", state)
      // Whoever began must be who comes back: else one could make another sign in for them.
      if (Option.isNone(started) || browser === "" || started.value.browser !== browser)
        return yield* new SsoFailed({ reason: "this browser did not begin it", cause: undefined })
      const { nonce, uid, verifier } = started.value
      const config = yield* configuration
      const tokens = yield* attempt("the provider refused", () =>
        oidc.authorizationCodeGrant(config, callback, {
          pkceCodeVerifier: verifier,
          expectedNonce: nonce,
          expectedState: state,
          idTokenExpected: true
        })
      )
      const claims = tokens.claims()
      const email = Option.flatMap(Option.fromNullishOr(claims?.["email"]), (given) => normalised(String(given)))
      if (claims === undefined || Option.isNone(email))
        return yield* new SsoFailed({ reason: "the provider names no address", cause: undefined })
      const link: Link = { issuer: claims.iss, subject: claims.sub, email: email.value }
      const name = Option.getOrElse(personName(claims["name"]), () => "Customer")
      const account = yield* accountOf(link, claims["email_verified"] === true, name)
      if (Option.isNone(account)) {
        yield* pending.put("sso", `link:${uid}`, link)
        return { uid, proved: Option.none<Proved>() }
      }
      yield* audit.record({
        actor: account.value.id,
        action: "sign-in.sso",
        subject: account.value.id,
        outcome: "allowed"
      })
      return { uid, proved: Option.some<Proved>({ accountId: account.value.id, amr: ["fed"] }) }
    }),
    linkAfter: Effect.fn("Sso.linkAfter")(function* (uid: string, accountId: string) {
      const waiting = yield* pending.take<Link>("sso", `link:${uid}`)
      const account = yield* accounts.byId(accountId)
      if (Option.isNone(waiting) || Option.isNone(account) || account.value.email !== waiting.value.email) return
      yield* accounts.link(waiting.value.issuer, waiting.value.subject, accountId)
      yield* audit.record({
        actor: accountId,
        action: "account.link",
        subject: accountId,
        outcome: "allowed",
        reason: waiting.value.issuer
      })
    })
  }
})
