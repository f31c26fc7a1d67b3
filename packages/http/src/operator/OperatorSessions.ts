import { twoFactors } from "@halles/shared/security/Authority"
import { Clock, Context, Effect, Layer, Option, Schema } from "effect"
import { LRUCache } from "lru-cache"
import { randomBytes } from "node:crypto"
import * as oidc from "openid-client"
import { AccessTokens } from "../access/AccessTokens.ts"
import { anonymous, type Principal } from "@halles/shared/wire/Principal"

/** The first-party client of the operators' page: public, code with PKCE, staff only. */
const clientId = "halles-ops"
const scope = "openid profile email ops:read ops:write audit:read"

/** Operators who are signed in at a time, and how long a session lives; without use, shorter. */
export const sessionsMax = 1_000
export const sessionMs = 12 * 3_600_000
export const idleMs = 2 * 3_600_000
/** Sign-ins that were begun: who does not come back within ten minutes begins again. */
const startedMax = 1_000
const startedMs = 600_000
/** A token is fetched anew so long before it expires. */
const earlyMs = 60_000
const timeoutSeconds = 5

/** The issuer did not vouch for anybody, or does not answer. */
export class SignInFailed extends Schema.TaggedError<SignInFailed>()("SignInFailed", { cause: Schema.Defect() }) {}

interface Started {
  readonly verifier: string
  readonly nonce: string
}
interface Session {
  accessToken: string
  expiresAt: number
  refreshToken: string | undefined
  readonly idToken: string | undefined
  readonly called: NonNullable<Principal["called"]>
  readonly endsAt: number
  /** Several requests at once fetch one new token. */
  renewing: Promise<void> | null
}

const textOf = (claim: unknown): string => (typeof claim === "string" ? claim : "")
const id = (): string => randomBytes(32).toString("base64url")

/**
 * Who is signed in at the operators' page. The browser has a random id in a cookie and nothing else; tokens stay in this
 * process, so that a restart signs everybody out.
 */
export class Sessions extends Context.Service<
  Sessions,
  {
    /** Where to sign in, and what must come back with the answer. */
    readonly start: Effect.Effect<{ readonly state: string; readonly location: string }, SignInFailed>
    /** The id of the new session. */
    readonly finish: (callback: URL, state: string) => Effect.Effect<string, SignInFailed>
    readonly principalOf: (session: string) => Effect.Effect<Principal>
    /** Where people look after their second factors. */
    readonly account: string | null
    /** Ends a session; gives the page of the issuer that ends its own. */
    readonly end: (session: string) => Effect.Effect<string | null>
  }
>()("@halles/http/Operator/Sessions") {
  static readonly layer = (options: {
    readonly issuer: Option.Option<string>
    readonly url: string
  }): Layer.Layer<Sessions, never, AccessTokens> =>
    Layer.effect(
      Sessions,
      Effect.suspend(() => make(options))
    )
}

const attempt = <A>(run: () => Promise<A>) =>
  Effect.tryPromise({ try: run, catch: (cause) => new SignInFailed({ cause }) })

const make = Effect.fnUntraced(function* (options: { readonly issuer: Option.Option<string>; readonly url: string }) {
  const tokens = yield* AccessTokens
  const clock = yield* Clock.Clock
  const now = () => clock.currentTimeMillisUnsafe()
  const started = new LRUCache<string, Started>({ max: startedMax, ttl: startedMs })
  const sessions = new LRUCache<string, Session>({ max: sessionsMax, ttl: idleMs, updateAgeOnGet: true })
  const redirect = `${options.url}/signed-in`

  let known: oidc.Configuration | undefined
  const configuration = async (): Promise<oidc.Configuration> => {
    if (Option.isNone(options.issuer)) throw new Error("there is no issuer")
    const issuer = new URL(options.issuer.value)
    known ??= await oidc.discovery(issuer, clientId, undefined, oidc.None(), {
      timeout: timeoutSeconds,
      ...(issuer.protocol === "http:" ? { execute: [oidc.allowInsecureRequests] } : {})
    })
    return known
  }
  const lifetime = (answer: oidc.TokenEndpointResponse) => now() + (answer.expires_in ?? 0) * 1_000

  const renew = async (session: Session): Promise<void> => {
    if (session.refreshToken === undefined) return
    try {
      const answer = await oidc.refreshTokenGrant(await configuration(), session.refreshToken)
      session.accessToken = answer.access_token
      session.expiresAt = lifetime(answer)
      session.refreshToken = answer.refresh_token ?? session.refreshToken
    } catch (cause) {
      // Refused: it was revoked, or used twice. Anything else is tried again with the next request.
      if (cause instanceof oidc.ResponseBodyError) session.refreshToken = undefined
    }
  }

  return Sessions.of({
    account: Option.match(options.issuer, { onNone: () => null, onSome: (issuer) => new URL("/account", issuer).href }),
    start: attempt(async () => {
      const config = await configuration()
      const state = id()
      const verifier = oidc.randomPKCECodeVerifier()
      const nonce = oidc.randomNonce()
      started.set(state, { verifier, nonce })
      const { href } = oidc.buildAuthorizationUrl(config, {
        redirect_uri: redirect,
        scope,
        code_challenge: await oidc.calculatePKCECodeChallenge(verifier),
        code_challenge_method: "S256",
        // Whoever has a second factor is asked for it, also when signed in already without.
        acr_values: twoFactors,
        state,
        nonce
      })
      return { state, location: href }
    }),
    finish: (callback, state) =>
      attempt(async () => {
        const begun = started.get(state)
        started.delete(state)
        if (begun === undefined) throw new Error("this browser did not begin it")
        const answer = await oidc.authorizationCodeGrant(await configuration(), callback, {
          pkceCodeVerifier: begun.verifier,
          expectedNonce: begun.nonce,
          expectedState: state,
          idTokenExpected: true
        })
        const session = id()
        sessions.set(session, {
          accessToken: answer.access_token,
          expiresAt: lifetime(answer),
          refreshToken: answer.refresh_token,
          idToken: answer.id_token,
          called: { name: textOf(answer.claims()?.["name"]), email: textOf(answer.claims()?.["email"]) },
          endsAt: now() + sessionMs,
          renewing: null
        })
        return session
      }),
    principalOf: Effect.fnUntraced(function* (given: string) {
      const session = sessions.get(given)
      if (session === undefined || session.endsAt <= now()) {
        sessions.delete(given)
        return { ...anonymous, rejected: "expired" } as const
      }
      if (session.expiresAt - earlyMs <= now()) {
        session.renewing ??= renew(session).finally(() => {
          session.renewing = null
        })
        yield* Effect.promise(() => session.renewing ?? Promise.resolve())
      }
      const principal = yield* tokens.principalOf(session.accessToken)
      if (principal.kind === "anonymous" && principal.rejected !== "unavailable") sessions.delete(given)
      return principal.kind === "anonymous" ? principal : { ...principal, called: session.called }
    }),
    end: (given) =>
      Effect.promise(async () => {
        const session = sessions.get(given)
        sessions.delete(given)
        if (session?.idToken === undefined || known === undefined) return null
        const { refreshToken } = session
        if (refreshToken !== undefined) await oidc.tokenRevocation(known, refreshToken).catch(() => undefined)
        return oidc.buildEndSessionUrl(known, { id_token_hint: session.idToken }).href
      })
  })
})
