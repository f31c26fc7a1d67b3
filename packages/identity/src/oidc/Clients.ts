import { Context, Effect, Layer } from "effect"
import { SqlClient, type SqlError } from "effect/sql"
import type { AllClientMetadata } from "oidc-provider"
import { Seal } from "./Seal.ts"

/** What a client is registered with: OpenID's own metadata, and what is ours. */
export interface ClientMetadata extends AllClientMetadata {
  /** Ours: nobody is asked for consent. */
  readonly first_party?: boolean
  /** Roles of a client that acts for itself. */
  readonly roles?: ReadonlyArray<string>
  /** The region that a client which acts for itself is limited to. */
  readonly region?: string
  /** Only accounts with a staff role may sign in through it. */
  readonly staff_only?: boolean
}

/** The registered clients of the authorization server, rows of `identity.client`. Secrets are stored by their digest. */
export class Clients extends Context.Service<
  Clients,
  {
    readonly find: (
      id: string
    ) => Effect.Effect<(ClientMetadata & { client_id: string }) | undefined, SqlError.SqlError>
    readonly secretDigest: (secret: string) => string
    /** Registers a client or changes it; without `secret` the stored one stays. */
    readonly put: (id: string, metadata: ClientMetadata, secret?: string) => Effect.Effect<void, SqlError.SqlError>
    /** False if there is none. Its refresh tokens end at once; of its access tokens the edges have to be told. */
    readonly disable: (id: string) => Effect.Effect<boolean, SqlError.SqlError>
    readonly list: Effect.Effect<
      ReadonlyArray<{ id: string; name: string; grants: string; disabled: boolean }>,
      SqlError.SqlError
    >
  }
>()("@halles/identity/Clients") {
  static readonly layer = Layer.effect(
    Clients,
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const { digest } = yield* Seal
      const secretDigest = (secret: string) => digest("client", secret)
      return {
        secretDigest,
        find: (id) =>
          Effect.map(
            sql<{ metadata: ClientMetadata; secret_digest: string | null }>`
              SELECT metadata, secret_digest FROM identity.client WHERE id = ${id} AND disabled_at IS NULL`,
            ([row]) =>
              row && {
                ...row.metadata,
                client_id: id,
                ...(row.secret_digest === null ? {} : { client_secret: row.secret_digest })
              }
          ),
        put: (id, metadata, secret) =>
          Effect.asVoid(sql`
            INSERT INTO identity.client (id, metadata, secret_digest)
            VALUES (${id}, ${JSON.stringify(metadata)}::jsonb, ${secret === undefined ? null : secretDigest(secret)})
            ON CONFLICT (id) DO UPDATE SET metadata = excluded.metadata,
              secret_digest = coalesce(excluded.secret_digest, client.secret_digest)`),
        disable: (id) =>
          Effect.map(
            sql`UPDATE identity.client SET disabled_at = now() WHERE id = ${id} AND disabled_at IS NULL RETURNING 1`,
            (rows) => rows.length > 0
          ),
        list: sql<{ id: string; name: string; grants: string; disabled: boolean }>`
          SELECT id, coalesce(metadata->>'client_name', id) AS name, coalesce(metadata->>'grant_types', '') AS grants,
            disabled_at IS NOT NULL AS disabled
          FROM identity.client ORDER BY id`
      }
    })
  )
}
