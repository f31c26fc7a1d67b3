import { Context, Effect, Layer, Redacted } from "effect"
import { HttpServerRequest } from "effect/http"
import { HttpApiMiddleware, HttpApiSecurity, OpenApi } from "effect/http-api"
import { createHash, timingSafeEqual } from "node:crypto"
import { Forbidden, type Scope, Unauthorized } from "./EdgeErrors.ts"
import * as Problems from "./Problems.ts"

/** Endpoints that change what the shop sells or has: they need the import scope. */
export class ImportScope extends HttpApiMiddleware.Service<ImportScope>()("@halles/http/ImportScope", {
  error: [Problems.unauthorized, Problems.forbidden],
  security: {
    bearer: HttpApiSecurity.bearer.pipe(
      HttpApiSecurity.annotate(OpenApi.Description, "The token of an importer, or of an administrator.")
    )
  }
}) {}

const digest = (text: string): Buffer => createHash("sha256").update(text).digest()

/**
 * Bearer tokens of this deployment and what they allow. The shop's own routes need none: cart and order ids are unguessable
 * and are their own proof. Tokens are compared by digest in constant time.
 */
export class Access extends Context.Service<
  Access,
  {
    /** Fails when the current request's token is wrong or missing, or does not carry the scope. */
    readonly require: (
      scope: Scope
    ) => Effect.Effect<void, Unauthorized | Forbidden, HttpServerRequest.HttpServerRequest>
    /** As `require` with the import scope, but without a token the answer is 403: the request as such is public. */
    readonly requireImport: Effect.Effect<void, Unauthorized | Forbidden, HttpServerRequest.HttpServerRequest>
  }
>()("@halles/http/Access") {
  static readonly layer = (tokens: {
    readonly importToken: Redacted.Redacted
    readonly adminToken: Redacted.Redacted
  }) =>
    Layer.sync(Access, () => {
      const known: ReadonlyArray<readonly [Buffer, ReadonlyArray<Scope>]> = [
        [digest(Redacted.value(tokens.importToken)), ["import"]],
        [digest(Redacted.value(tokens.adminToken)), ["import", "admin"]]
      ]
      const scopesOf = (token: string): ReadonlyArray<Scope> | undefined => {
        const given = digest(token)
        let scopes: ReadonlyArray<Scope> | undefined
        for (const [expected, granted] of known) if (timingSafeEqual(given, expected)) scopes = granted
        return scopes
      }
      const check = (scope: Scope, anonymous: Unauthorized | Forbidden) =>
        Effect.flatMap(HttpServerRequest.HttpServerRequest, ({ headers }) => {
          const { authorization } = headers
          if (authorization === undefined) return Effect.fail(anonymous)
          const token = /^bearer +(\S+)$/i.exec(authorization)?.[1]
          const scopes = token === undefined ? undefined : scopesOf(token)
          if (scopes === undefined) return Effect.fail(new Unauthorized())
          return scopes.includes(scope) ? Effect.void : Effect.fail(new Forbidden({ scope }))
        })
      return {
        require: (scope) => check(scope, new Unauthorized()),
        requireImport: check("import", new Forbidden({ scope: "import" }))
      }
    })
}

export const ImportScopeLive = Layer.effect(
  ImportScope,
  Effect.map(Access, (access) => ({
    bearer: (endpoint) => Effect.andThen(access.require("import"), endpoint)
  }))
)
