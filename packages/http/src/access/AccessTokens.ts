import * as Breaker from "@halles/shared/clients/Breaker"
import { CustomerId } from "@halles/shared/Ids"
import { Region } from "@halles/shared/Region"
import { Revocations } from "@halles/shared/security/Revocations"
import { Clock, Context, Effect, Layer, Option, Schedule, Schema } from "effect"
import { createRemoteJWKSet, customFetch, errors, type JWTPayload, jwtVerify } from "jose"
import { LRUCache } from "lru-cache"
import { hash } from "node:crypto"
import { Role, Scope, twoFactors } from "@halles/shared/security/Authority"
import { anonymous, type Principal } from "@halles/shared/wire/Principal"

/** Whom a token must be meant for, and by what it may be signed. */
const audience = "halles"
const algorithms = ["ES256", "EdDSA"]
/** A token lives ten minutes at the most; clocks may differ by the leeway, in seconds. */
const tokenAgeMax = 600
const leeway = 30
/** Tokens that are known to be good, so that the next request with one costs a look-up; the least used leaves first. */
export const knownMax = 20_000
/** Longer ones are none of ours. */
const lengthMax = 4_096
/** An unknown key makes us ask the issuer again, at most so often; as long as there is no key at all, more often. */
export const askAgainMs = 10_000
const askFirstMs = 1_000
const answerMsMax = 3_000
/** Keys are asked for in the background, so that a new one is known before it signs. */
const refreshEvery = "5 minutes"

interface Known {
  readonly principal: Principal
  readonly until: number
  readonly ids: ReadonlyArray<string>
}

const strings = Schema.is(Schema.Array(Schema.String))
const isRole = Schema.is(Role)
const isScope = Schema.is(Scope)
const customerOf = Schema.decodeUnknownOption(CustomerId)
const regionOf = Schema.decodeUnknownOption(Region)

const staff: ReadonlySet<Role> = new Set(["support", "merchandiser", "warehouse", "ops-read", "ops-write", "admin"])

const kindOf = (roles: ReadonlySet<Role>): Principal["kind"] =>
  [...roles].some((role) => staff.has(role)) ? "staff" : roles.has("customer") ? "customer" : "partner"

/** What the claims say, as far as we know the words; a scope or role that we do not know gives nothing. */
export const principalOf = (claims: JWTPayload): Principal => {
  const roles = new Set(strings(claims["roles"]) ? claims["roles"].filter(isRole) : [])
  const scopes = new Set(typeof claims["scope"] === "string" ? claims["scope"].split(" ").filter(isScope) : [])
  const customerId = Option.getOrUndefined(customerOf(claims["customer_id"]))
  const region = Option.getOrUndefined(regionOf(claims["region"]))
  return {
    kind: kindOf(roles),
    subject: String(claims.sub),
    clientId: String(claims["client_id"]),
    roles,
    scopes,
    ...(claims["acr"] === twoFactors ? { strong: true as const } : {}),
    ...(customerId === undefined ? {} : { customerId }),
    ...(region === undefined ? {} : { region })
  }
}

const rejected = (reason: NonNullable<Principal["rejected"]>): Principal => ({ ...anonymous, rejected: reason })

/** Why a token was not taken. What is no fault of the token is one of the issuer, who could not be asked. */
const reasonOf = (error: unknown): NonNullable<Principal["rejected"]> => {
  if (error instanceof errors.JWTExpired) return "expired"
  if (error instanceof errors.JWKSNoMatchingKey) return "unknown"
  if (error instanceof errors.JWKSTimeout || error instanceof KeysUnavailable) return "unavailable"
  return error instanceof errors.JOSEError ? "malformed" : "unavailable"
}
class KeysUnavailable extends Error {}

/**
 * Access tokens (RFC 9068) of the issuer, checked here: signature, type, issuer, audience, times, and whether they, their
 * session, their grant or their client were revoked. No request waits for the network but the first ones with a key that is not known yet.
 */
export class AccessTokens extends Context.Service<
  AccessTokens,
  { readonly principalOf: (token: string) => Effect.Effect<Principal> }
>()("@halles/http/Credentials/AccessTokens") {
  static readonly layer = (issuer: string): Layer.Layer<AccessTokens, never, Revocations> =>
    Layer.effect(AccessTokens, make(issuer))

  /** Without an issuer nobody has a token. */
  static readonly layerNone: Layer.Layer<AccessTokens> = Layer.succeed(AccessTokens, {
    principalOf: () => Effect.succeed(rejected("unknown"))
  })
}

const make = Effect.fnUntraced(function* (issuer: string) {
  const { isRevoked } = yield* Revocations
  const clock = yield* Clock.Clock
  const now = () => clock.currentTimeMillisUnsafe()

  // Seldom asked: three failures say enough.
  const breaker = yield* Breaker.make("issuer", { callsMin: 3 })
  const context = yield* Effect.context<never>()
  const askIssuer = (url: string, options: RequestInit) =>
    Effect.runPromiseWith(context)(breaker.run(Effect.tryPromise(() => fetch(url, options))))

  let askedAt = Number.NEGATIVE_INFINITY
  let haveKeys = false
  const keys = createRemoteJWKSet(new URL("jwks", issuer.endsWith("/") ? issuer : `${issuer}/`), {
    cacheMaxAge: Number.POSITIVE_INFINITY,
    cooldownDuration: 0,
    timeoutDuration: answerMsMax,
    // Whatever tokens come in, the issuer is asked this often and no more.
    [customFetch]: async (url, options) => {
      if (now() - askedAt < (haveKeys ? askAgainMs : askFirstMs)) {
        throw haveKeys ? new errors.JWKSNoMatchingKey() : new KeysUnavailable()
      }
      askedAt = now()
      const answer = await askIssuer(url, options)
      haveKeys ||= answer.ok
      return answer
    }
  })
  yield* Effect.tryPromise(() => keys.reload()).pipe(
    Effect.retry(Schedule.spaced(askFirstMs)),
    Effect.repeat(Schedule.spaced(refreshEvery)),
    Effect.ignore,
    Effect.forkScoped
  )

  const known = new LRUCache<string, Known>({ max: knownMax })
  const verify = (token: string, key: string): Effect.Effect<Principal> =>
    Effect.tryPromise({
      try: () =>
        jwtVerify(token, keys, {
          issuer,
          audience,
          algorithms,
          typ: "at+jwt",
          clockTolerance: leeway,
          maxTokenAge: tokenAgeMax,
          requiredClaims: ["sub", "client_id", "exp", "iat", "jti"],
          currentDate: new Date(now())
        }),
      catch: reasonOf
    }).pipe(
      Effect.map(({ payload }): Principal => {
        const verified: Known = {
          principal: principalOf(payload),
          until: (Number(payload.exp) + leeway) * 1_000,
          ids: [payload.jti, payload["sid"], payload["grant_id"], payload["client_id"]].filter(
            (id) => typeof id === "string"
          )
        }
        if (verified.ids.some(isRevoked)) return rejected("revoked")
        known.set(key, verified)
        return verified.principal
      }),
      Effect.catch((reason) => Effect.succeed(rejected(reason)))
    )

  return AccessTokens.of({
    principalOf: (token) =>
      Effect.suspend(() => {
        if (token.length > lengthMax) return Effect.succeed(rejected("malformed"))
        const key = hash("sha256", token, "base64")
        const found = known.get(key)
        if (found === undefined) return verify(token, key)
        if (found.until <= now()) {
          known.delete(key)
          return Effect.succeed(rejected("expired"))
        }
        return Effect.succeed(found.ids.some(isRevoked) ? rejected("revoked") : found.principal)
      })
  })
})
