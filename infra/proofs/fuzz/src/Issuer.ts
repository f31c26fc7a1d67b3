import { type Role, Scope, twoFactors } from "@halles/shared/security/Authority"
import { accountCustomerId } from "@halles/shared/security/Ownership"
import { Effect, Schedule } from "effect"
import { exportJWK, generateKeyPair, SignJWT } from "jose"
import { createServer, type Server } from "node:http"
import { bearerOf } from "./Credentials.ts"
import type { Credential } from "./World.ts"

/** Tokens live for ten minutes, and are signed anew before they end. */
const lifetimeSeconds = 600
const signedEvery = "4 minutes"

/** The customer whose token there is. */
export const customerId = accountCustomerId("eu", "fuzzed".padEnd(22, "0"))

const roles = [
  "customer",
  "support",
  "merchandiser",
  "warehouse",
  "admin",
  "ops-read",
  "ops-write",
  "partner"
] as const satisfies ReadonlyArray<Role>

/** What an access token of a role says, but for who issued it and when. */
export const claims = (sub: string, role: Role, more: object = {}) => ({
  sub,
  client_id: role === "customer" ? "halles-shop" : "halles-ops",
  roles: [role],
  scope: Scope.literals.join(" "),
  acr: twoFactors,
  ...more
})
/** Those of the account, or the partner, that a fuzz has for a role. */
export const claimsOf = (role: Role) => {
  if (role === "partner") return claims("partner:fuzzed", role, { client_id: "fuzzed" })
  return claims(`account-${role}`, role, role === "customer" ? { customer_id: customerId } : {})
}

/** Makes a token with these claims. */
export type Sign<E, R> = (claims: Readonly<Record<string, unknown>>) => Effect.Effect<string, E, R>

/** Signs the tokens of all of them now, and again before they end; gives the newest token of a name. */
export const signedIn = Effect.fnUntraced(function* <E, R>(
  sign: Sign<E, R>,
  whom: Iterable<readonly [name: string, claims: ReturnType<typeof claims>]>
) {
  const all = [...whom]
  const tokens = new Map<string, string>()
  const renew = Effect.forEach(all, ([name, about]) => Effect.map(sign(about), (token) => tokens.set(name, token)), {
    discard: true
  })
  yield* renew
  yield* Effect.forkScoped(Effect.repeat(Effect.delay(renew, signedEvery), Schedule.forever))
  return (name: string) => () => tokens.get(name) ?? ""
})

/** A token of every role; `sign` makes one. */
export const roleCredentials = Effect.fnUntraced(function* <E, R>(sign: Sign<E, R>) {
  const tokenOf = yield* signedIn(
    sign,
    roles.map((role) => [role, claimsOf(role)] as const)
  )
  return roles.map((role): Credential => bearerOf(`the token of ${role}`, tokenOf(role)))
})

/** In place of the identity process: it publishes one key at its address, and signs with it. */
export const issuer = Effect.fnUntraced(function* (url: string) {
  const { privateKey, publicKey } = yield* Effect.promise(() => generateKeyPair("ES256", { extractable: true }))
  const key = { ...(yield* Effect.promise(() => exportJWK(publicKey))), kid: "fuzz", alg: "ES256", use: "sig" }
  yield* Effect.acquireRelease(
    Effect.callback<Server>((resume) => {
      const server = createServer((_, response) => {
        response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify({ keys: [key] }))
      })
      server.listen(Number(new URL(url).port), new URL(url).hostname, () => resume(Effect.succeed(server)))
    }),
    (server) => Effect.sync(() => server.close())
  )
  return (claims: Readonly<Record<string, unknown>>) =>
    Effect.promise(() => {
      const now = Math.floor(Date.now() / 1_000)
      return new SignJWT({
        iss: url,
        aud: "halles",
        jti: crypto.randomUUID(),
        iat: now,
        exp: now + lifetimeSeconds,
        ...claims
      })
        .setProtectedHeader({ alg: "ES256", typ: "at+jwt", kid: key.kid })
        .sign(privateKey)
    })
})
