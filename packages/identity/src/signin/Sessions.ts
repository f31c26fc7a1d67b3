import { Context, Effect, Layer } from "effect"
import { Revocations } from "@halles/shared/security/Revocations"
import { SqlClient, type SqlError } from "effect/sql"
import { endAccessTokens } from "../oidc/AccessTokenEnds.ts"
import { Seal } from "../oidc/Seal.ts"

/** One browser in which an account is signed in. */
export interface SignedIn {
  readonly uid: string
  readonly userAgent: string
  readonly address: string
  readonly seenAt: Date
}

interface Seen {
  readonly uid: string
  readonly accountId: string
  readonly userAgent: string
  readonly address: string
}

/** Browsers in which an account is signed in, and their end: with a session end the refresh tokens that came from it. */
export class Sessions extends Context.Service<
  Sessions,
  {
    readonly seen: (session: Seen) => Effect.Effect<void, SqlError.SqlError>
    readonly list: (accountId: string) => Effect.Effect<ReadonlyArray<SignedIn>, SqlError.SqlError>
    /** Of a session that is gone already: its access tokens end too. */
    readonly forget: (uid: string) => Effect.Effect<void>
    readonly revoke: (accountId: string, uid: string) => Effect.Effect<void, SqlError.SqlError>
    /**
     * Ends all but one, and every refresh token with the access tokens of its grant, also of sessions that are long gone: after
     * a password was changed, for example. An application in the browser that stays signed in asks there for new ones.
     */
    readonly revokeAll: (accountId: string, but?: string) => Effect.Effect<void, SqlError.SqlError>
  }
>()("@halles/identity/Sessions") {
  static readonly layer = Layer.effect(
    Sessions,
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const { open } = yield* Seal
      const revocations = yield* Revocations
      const tell = (ids: Iterable<string>) => endAccessTokens(revocations, ids)
      const end = (accountId: string, uid: string) =>
        Effect.gen(function* () {
          const rows = yield* sql<{ payload: string }>`
            DELETE FROM identity.artifact
            WHERE model = 'Session' AND account_id = ${accountId} AND uid = ${uid} RETURNING payload`
          const grants = rows.flatMap(({ payload }) => {
            const session = JSON.parse(open("Session", payload)) as {
              readonly authorizations?: Readonly<Record<string, { readonly grantId?: string }>>
            }
            return Object.values(session.authorizations ?? {}).flatMap(({ grantId }) => grantId ?? [])
          })
          yield* sql`DELETE FROM identity.artifact WHERE grant_id = ANY(${grants}::text[])`
          yield* sql`DELETE FROM identity.session_device WHERE uid = ${uid}`
        })
      return {
        seen: ({ accountId, address, uid, userAgent }) =>
          Effect.asVoid(sql`
            INSERT INTO identity.session_device (uid, account_id, user_agent, address)
            VALUES (${uid}, ${accountId}, ${userAgent.slice(0, 300)}, ${address})
            ON CONFLICT (uid) DO UPDATE SET user_agent = excluded.user_agent, address = excluded.address, seen_at = now()`),
        list: (accountId) => sql<SignedIn>`
          SELECT a.uid, coalesce(d.user_agent, '') AS "userAgent", coalesce(d.address, '') AS address,
            coalesce(d.seen_at, now()) AS "seenAt"
          FROM identity.artifact a LEFT JOIN identity.session_device d ON d.uid = a.uid
          WHERE a.model = 'Session' AND a.account_id = ${accountId} AND a.expires_at > now()
          ORDER BY d.seen_at DESC LIMIT 100`,
        forget: (uid) => tell([uid]),
        revoke: (accountId, uid) => Effect.andThen(sql.withTransaction(end(accountId, uid)), tell([uid])),
        revokeAll: (accountId, but = "") =>
          Effect.flatMap(
            sql.withTransaction(
              Effect.gen(function* () {
                const others = yield* sql<{ uid: string }>`
                SELECT uid FROM identity.artifact
                WHERE model = 'Session' AND account_id = ${accountId} AND uid <> ${but}`
                const grants = yield* sql<{ grant_id: string }>`
                  SELECT DISTINCT grant_id FROM identity.artifact
                  WHERE model = 'RefreshToken' AND account_id = ${accountId} AND grant_id IS NOT NULL`
                yield* Effect.forEach(others, ({ uid }) => end(accountId, uid), { discard: true })
                yield* sql`DELETE FROM identity.artifact WHERE model = 'RefreshToken' AND account_id = ${accountId}`
                return [...others.map(({ uid }) => uid), ...grants.map(({ grant_id }) => grant_id)]
              })
            ),
            tell
          )
      }
    })
  )
}
