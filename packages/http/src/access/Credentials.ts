import { Clock, Context, Effect, Layer } from "effect"
import type { Headers } from "effect/http"
import { LRUCache } from "lru-cache"
import { hash } from "node:crypto"
import type { IncomingHttpHeaders } from "node:http"
import { Callers } from "../admission/Callers.ts"
import { AccessTokens } from "./AccessTokens.ts"
import { PartnerKeys } from "./PartnerKeys.ts"
import { Role, Scope } from "@halles/shared/security/Authority"
import { publicKey } from "@halles/shared/security/DerivedKey"
import * as ServiceToken from "@halles/shared/security/ServiceToken"
import { anonymous, type Principal } from "@halles/shared/wire/Principal"

/** Our own tools: what puts goods on sale and replays orders, and what may do anything. */
const importer: Principal = {
  kind: "service",
  subject: "service:import",
  clientId: "import",
  roles: new Set<Role>(["merchandiser", "warehouse"]),
  scopes: new Set<Scope>(["catalog:read", "catalog:write", "carts:write", "stock:read", "stock:write"])
}
const administrator: Principal = {
  kind: "service",
  subject: "service:admin",
  clientId: "admin",
  roles: new Set<Role>(["admin", "ops-read", "ops-write"]),
  scopes: new Set<Scope>(Scope.literals)
}

const services: Readonly<Record<ServiceToken.ServiceName, Principal>> = { import: importer, admin: administrator }

/** Senders that are told apart before their credential is looked at again, and for how long. */
const recentMax = 20_000
const recentMs = 60_000

/** The one credential of a request; `null` when it is none of ours, or there are two, which could be two people. */
const tokenOf = (headers: IncomingHttpHeaders): string | null | undefined => {
  const { authorization, "x-api-key": key } = headers
  if (authorization === undefined && key === undefined) return undefined
  if (authorization !== undefined && key !== undefined) return null
  if (key !== undefined) return typeof key === "string" && PartnerKeys.isKey(key) ? key : null
  return /^bearer +(\S+) *$/i.exec(authorization ?? "")?.[1] ?? null
}

/**
 * Who sends a request: by an access token of the issuer, a partner's key, or a token of one of our own tools. Never
 * fails: a credential that proves nothing makes the sender anonymous, with the reason in `rejected`.
 */
export class Credentials extends Context.Service<
  Credentials,
  {
    readonly principalOf: (headers: Headers.Headers) => Effect.Effect<Principal>
    /** Who a credential proved to be a moment ago, without looking again: to count requests by, never to allow one. */
    readonly recent: (headers: IncomingHttpHeaders) => Principal | undefined
  }
>()("@halles/http/Credentials") {
  /** Whose buckets a request takes from, for admission control. Our own tools are not limited. */
  static readonly callers: Layer.Layer<never, never, Credentials> = Layer.effect(
    Callers,
    Effect.map(Credentials, ({ recent }) => ({
      of: (headers) => {
        const principal = recent(headers)
        if (principal === undefined) return undefined
        if (principal.kind === "service") return { unlimited: true }
        // A shop's own client is everybody's: its customers are told apart by their accounts.
        return principal.kind === "partner"
          ? { client: principal.clientId, bulk: principal.rateClass === "bulk" }
          : { account: principal.subject }
      }
    }))
  )

  /** `services`: which of our own tools are known here, by tokens that this key proves. */
  static readonly layer = (options: {
    readonly serviceKey: string
    readonly services: ReadonlyArray<ServiceToken.ServiceName>
  }): Layer.Layer<Credentials, never, AccessTokens | PartnerKeys> =>
    Layer.effect(
      Credentials,
      Effect.gen(function* () {
        const accessTokens = yield* AccessTokens
        const partnerKeys = yield* PartnerKeys
        const clock = yield* Clock.Clock
        const serviceKey = publicKey(options.serviceKey)
        const ofService = (token: string): Principal => {
          const name = ServiceToken.read(serviceKey, token, clock.currentTimeMillisUnsafe())
          if (name === "expired") return { ...anonymous, rejected: "expired" }
          return name !== undefined && options.services.includes(name)
            ? services[name]
            : { ...anonymous, rejected: "malformed" }
        }
        const malformed = Effect.succeed<Principal>({ ...anonymous, rejected: "malformed" })
        const ofToken = (token: string): Effect.Effect<Principal> => {
          if (PartnerKeys.isKey(token)) return partnerKeys.principalOf(token)
          // A JWT has three parts; our own tokens have none.
          if (token.includes(".")) return accessTokens.principalOf(token)
          return Effect.sync(() => ofService(token))
        }
        const recent = new LRUCache<string, Principal>({ max: recentMax, ttl: recentMs })
        return {
          recent: (headers) => {
            const token = tokenOf(headers)
            return typeof token === "string" ? recent.get(hash("sha256", token, "base64")) : undefined
          },
          principalOf: (headers) => {
            const token = tokenOf(headers)
            if (token === undefined) return Effect.succeed(anonymous)
            if (token === null) return malformed
            return Effect.tap(ofToken(token), (principal) =>
              Effect.sync(() => {
                if (principal.kind !== "anonymous") recent.set(hash("sha256", token, "base64"), principal)
              })
            )
          }
        }
      })
    )
}
