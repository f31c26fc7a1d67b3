import { Revocations } from "@halles/shared/security/Revocations"
import { Context, Effect, Layer } from "effect"
import { SqlClient, type SqlError } from "effect/sql"
import { endAccessTokens } from "../oidc/AccessTokenEnds.ts"
import { Seal } from "../oidc/Seal.ts"

/** What an owner has allowed an application that is not ours. */
export interface Consent {
  readonly clientId: string
  readonly name: string
  readonly scopes: ReadonlyArray<string>
  readonly givenAt: Date
}

/** What people allowed applications, beyond the browser in which they did; until they take it back. */
export class Consents extends Context.Service<
  Consents,
  {
    readonly of: (accountId: string) => Effect.Effect<ReadonlyArray<Consent>, SqlError.SqlError>
    /** Nothing when none was given. */
    readonly scopes: (accountId: string, clientId: string) => Effect.Effect<ReadonlyArray<string>, SqlError.SqlError>
    /** Adds to what was given before. */
    readonly give: (
      accountId: string,
      clientId: string,
      scopes: ReadonlyArray<string>
    ) => Effect.Effect<void, SqlError.SqlError>
    /** Ends the application's tokens too. */
    readonly takeBack: (accountId: string, clientId: string) => Effect.Effect<void, SqlError.SqlError>
  }
>()("@halles/identity/Consents") {
  static readonly layer = Layer.effect(
    Consents,
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const { open } = yield* Seal
      const revocations = yield* Revocations
      return {
        of: (accountId) => sql<Consent>`
          SELECT c.client_id AS "clientId", coalesce(k.metadata->>'client_name', c.client_id) AS name, c.scopes,
            c.given_at AS "givenAt"
          FROM identity.consent c JOIN identity.client k ON k.id = c.client_id
          WHERE c.account_id = ${accountId} ORDER BY name LIMIT 100`,
        scopes: (accountId, clientId) =>
          Effect.map(
            sql<{ scopes: ReadonlyArray<string> }>`
              SELECT scopes FROM identity.consent WHERE account_id = ${accountId} AND client_id = ${clientId}`,
            ([row]) => row?.scopes ?? []
          ),
        give: (accountId, clientId, scopes) =>
          Effect.asVoid(sql`
            INSERT INTO identity.consent AS c (account_id, client_id, scopes)
            VALUES (${accountId}, ${clientId}, ${[...scopes]}::text[])
            ON CONFLICT (account_id, client_id) DO UPDATE SET given_at = now(),
              scopes = ARRAY(SELECT DISTINCT unnest(c.scopes || excluded.scopes) ORDER BY 1)`),
        takeBack: (accountId, clientId) =>
          sql
            .withTransaction(
              Effect.gen(function* () {
                yield* sql`DELETE FROM identity.consent WHERE account_id = ${accountId} AND client_id = ${clientId}`
                const artifacts = yield* sql<{
                  digest: string
                  grant_id: string | null
                  model: string
                  payload: string
                }>`
                SELECT digest, grant_id, model, payload FROM identity.artifact WHERE account_id = ${accountId}`
                const those = artifacts.filter(
                  ({ model, payload }) =>
                    model !== "Session" &&
                    (JSON.parse(open(model, payload)) as { readonly clientId?: string }).clientId === clientId
                )
                yield* sql`
                DELETE FROM identity.artifact
                WHERE account_id = ${accountId} AND digest = ANY(${those.map(({ digest }) => digest)}::text[])`
                return new Set(those.flatMap(({ grant_id }) => grant_id ?? []))
              })
            )
            .pipe(Effect.flatMap((grants) => endAccessTokens(revocations, grants)))
      }
    })
  )
}
