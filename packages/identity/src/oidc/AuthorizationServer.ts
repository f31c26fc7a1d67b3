import { AuditLog } from "@halles/shared/audit/AuditLog"
import { Context, Effect, Layer, Schedule } from "effect"
import type { SqlError } from "effect/sql"
import type Provider from "oidc-provider"
import type { errors, KoaContextWithOIDC } from "oidc-provider"
import { Accounts } from "../accounts/Accounts.ts"
import { Artifacts } from "./Artifacts.ts"
import { Clients } from "./Clients.ts"
import { Consents } from "../accounts/Consents.ts"
import { makeProvider } from "./Provider.ts"
import { Seal } from "./Seal.ts"
import { Sessions } from "../signin/Sessions.ts"
import { SigningKeys } from "./SigningKeys.ts"

/** How soon a process signs with a key that another one made current; the next key is announced long before. */
const keysEvery = "5 seconds"

/** The authorization server with the keys of now: it is made anew when they change, since it keeps nothing in memory. */
export class AuthorizationServer extends Context.Service<
  AuthorizationServer,
  {
    readonly issuer: string
    readonly provider: () => Provider
    readonly refresh: Effect.Effect<void, SqlError.SqlError>
  }
>()("@halles/identity/AuthorizationServer") {
  static readonly layer = (issuer: string) =>
    Layer.effect(
      AuthorizationServer,
      Effect.gen(function* () {
        const keys = yield* SigningKeys
        const accounts = yield* Accounts
        const audit = yield* AuditLog
        const clients = yield* Clients
        const consents = yield* Consents
        const sessions = yield* Sessions
        const { adapter, successor } = yield* Artifacts
        const { digest } = yield* Seal
        const context = yield* Effect.context<never>()
        const run = Effect.runPromiseWith(context)
        const fork = Effect.runForkWith(context)

        /** Signed out at an application's wish; the access tokens of the session are refused from now on. */
        const ended = Effect.fnUntraced(function* (accountId: string, uid: string) {
          yield* audit.record({ actor: accountId, action: "session.end", subject: accountId, outcome: "allowed" })
          yield* sessions.forget(uid)
        })

        const listen = (provider: Provider) => {
          provider.on("server_error", (ctx: KoaContextWithOIDC, error: Error) => {
            fork(Effect.logError(`${ctx.method} ${ctx.path} failed`, { cause: error.stack }))
          })
          provider.on("grant.error", (ctx: KoaContextWithOIDC, error: errors.OIDCProviderError) => {
            fork(
              audit.record({
                actor: `client:${ctx.oidc.client?.clientId ?? "unknown"}`,
                action: "token.issue",
                subject: ctx.oidc.entities.Account?.accountId ?? "unknown",
                outcome: "denied",
                reason: error.error_detail ?? error.error_description ?? error.error,
                address: ctx.ip
              })
            )
          })
          provider.on("authorization.success", (ctx: KoaContextWithOIDC) => {
            const { session } = ctx.oidc
            if (session?.uid === undefined || session.accountId === undefined) return
            const seen = {
              uid: session.uid,
              accountId: session.accountId,
              userAgent: ctx.get("user-agent"),
              address: ctx.ip
            }
            fork(
              Effect.catch(sessions.seen(seen), (error) => Effect.logWarning("a session's device was not noted", error))
            )
          })
          provider.on("end_session.success", (ctx: KoaContextWithOIDC) => {
            const { params, session } = ctx.oidc
            if (params?.["logout"] === undefined || session?.accountId === undefined) return
            fork(ended(session.accountId, session.uid))
          })
          return provider
        }
        const build = Effect.map(keys.all, (found) => ({
          kids: found.map(({ kid }) => kid).join(),
          provider: listen(
            makeProvider({
              issuer,
              keys: found,
              cookieKey: digest("cookie", "1"),
              adapter,
              findAccount: (id) => run(accounts.byId(id)),
              consented: (accountId, clientId) => run(consents.scopes(accountId, clientId)),
              secretDigest: clients.secretDigest,
              successor
            })
          )
        }))
        let current = yield* build
        const refresh = Effect.gen(function* () {
          const kids = (yield* keys.all).map(({ kid }) => kid).join()
          if (kids !== current.kids) current = yield* build
        })
        yield* refresh.pipe(
          Effect.catch((error) => Effect.logWarning("signing keys were not read", error)),
          Effect.repeat(Schedule.spaced(keysEvery)),
          Effect.forkScoped
        )
        return { issuer, provider: () => current.provider, refresh }
      })
    )
}
