import { Context, Effect, Layer, Redacted } from "effect"
import type { Headers } from "effect/http"
import { createHash, timingSafeEqual } from "node:crypto"
import { AccessTokens } from "./Credentials/AccessTokens.ts"
import { PartnerKeys } from "./PartnerKeys.ts"
import { anonymous, type Principal, Role, Scope } from "./Principal.ts"

const digest = (text: string): Buffer => createHash("sha256").update(text).digest()

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

/**
 * Who sends a request: by an access token of the issuer, a partner's key, or one of the two tokens of this deployment. Never
 * fails: a credential that proves nothing makes the sender anonymous, with the reason in `rejected`.
 */
export class Credentials extends Context.Service<
  Credentials,
  { readonly principalOf: (headers: Headers.Headers) => Effect.Effect<Principal> }
>()("@halles/http/Credentials") {
  static readonly layer = (tokens: {
    readonly importToken: Redacted.Redacted
    readonly adminToken: Redacted.Redacted
  }): Layer.Layer<Credentials, never, AccessTokens | PartnerKeys> =>
    Layer.effect(
      Credentials,
      Effect.gen(function* () {
        const accessTokens = yield* AccessTokens
        const partnerKeys = yield* PartnerKeys
        const services: ReadonlyArray<readonly [Buffer, Principal]> = [
          [digest(Redacted.value(tokens.importToken)), importer],
          [digest(Redacted.value(tokens.adminToken)), administrator]
        ]
        /** By digest and in constant time. */
        const service = (token: string): Principal | undefined => {
          const given = digest(token)
          return services.find(([expected]) => timingSafeEqual(given, expected))?.[1]
        }
        const malformed = Effect.succeed<Principal>({ ...anonymous, rejected: "malformed" })
        const ofToken = (token: string): Effect.Effect<Principal> => {
          if (PartnerKeys.isKey(token)) return partnerKeys.principalOf(token)
          // A JWT has three parts; our own tokens have none.
          if (token.includes(".")) return accessTokens.principalOf(token)
          const tool = service(token)
          return tool === undefined ? malformed : Effect.succeed(tool)
        }
        return {
          principalOf: (headers) => {
            const { authorization, "x-api-key": key } = headers
            if (authorization === undefined && key === undefined) return Effect.succeed(anonymous)
            // Two credentials could be two people.
            if (authorization !== undefined && key !== undefined) return malformed
            if (key !== undefined) return PartnerKeys.isKey(key) ? partnerKeys.principalOf(key) : malformed
            const token = /^bearer +(\S+) *$/i.exec(authorization ?? "")?.[1]
            return token === undefined ? malformed : ofToken(token)
          }
        }
      })
    )
}
