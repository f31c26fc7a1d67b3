import { Context, Effect, Layer } from "effect"
import { SqlClient, type SqlError } from "effect/sql"
import { calculateJwkThumbprint, exportJWK, generateKeyPair, type JWK } from "jose"
import { Seal } from "./Seal.ts"

/** A key with its private part, as the authorization server takes it. */
export type SigningKey = JWK & { readonly kid: string; readonly kty: string }

/** A current key older than this is replaced by the sweep, in days. */
const currentDaysMax = 30
/** A retired key is shown for this long after its last signature: longer than anything signed by it is valid, in days. */
const retiredDaysMax = 2

/**
 * Signing keys (ES256): one signs (`current`), one is announced before it does (`next`), and retired ones are still shown, so
 * that what they signed verifies until it ends. Private parts are sealed.
 */
export class SigningKeys extends Context.Service<
  SigningKeys,
  {
    /** The current one first, then the next, then the retired. Makes the first two keys when there are none. */
    readonly all: Effect.Effect<ReadonlyArray<SigningKey>, SqlError.SqlError>
    /** The next key signs from now on; gives its id. */
    readonly rotate: Effect.Effect<string, SqlError.SqlError>
    /** Rotates a key that is old enough, and drops what has been retired long enough. */
    readonly sweep: Effect.Effect<void, SqlError.SqlError>
    readonly list: Effect.Effect<
      ReadonlyArray<{
        kid: string
        state: string
        created_at: Date
        activated_at: Date | null
        retired_at: Date | null
      }>,
      SqlError.SqlError
    >
  }
>()("@halles/identity/SigningKeys") {
  static readonly layer = Layer.effect(
    SigningKeys,
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const { open, seal } = yield* Seal

      const make = (state: "current" | "next") =>
        Effect.gen(function* () {
          const jwk = yield* Effect.promise(async () => {
            const { privateKey } = await generateKeyPair("ES256", { extractable: true })
            const exported = await exportJWK(privateKey)
            return { ...exported, alg: "ES256", use: "sig", kid: await calculateJwkThumbprint(exported) }
          })
          yield* sql`
            INSERT INTO identity.signing_key (kid, state, private_key, activated_at)
            VALUES (${jwk.kid}, ${state}, ${seal("signing-key", JSON.stringify(jwk))},
              ${state === "current" ? new Date() : null})`
          return jwk.kid
        })
      const locked = <A, E>(effect: Effect.Effect<A, E>) =>
        // Two processes do not replace a key twice. Readers pass.
        sql.withTransaction(Effect.andThen(sql`LOCK TABLE identity.signing_key IN SHARE ROW EXCLUSIVE MODE`, effect))

      const read = sql<{ private_key: string }>`
        SELECT private_key FROM identity.signing_key
        ORDER BY array_position(ARRAY['current', 'next', 'retired'], state), retired_at DESC`.pipe(
        Effect.map((rows) => rows.map((row) => JSON.parse(open("signing-key", row.private_key)) as SigningKey))
      )
      const first = locked(
        Effect.gen(function* () {
          const present = yield* sql`SELECT 1 FROM identity.signing_key WHERE state = 'current'`
          if (present.length > 0) return
          yield* make("current")
          yield* make("next")
        })
      )
      const rotate = locked(
        Effect.gen(function* () {
          yield* sql`UPDATE identity.signing_key SET state = 'retired', retired_at = now() WHERE state = 'current'`
          const [row] = yield* sql<{ kid: string }>`
            UPDATE identity.signing_key SET state = 'current', activated_at = now() WHERE state = 'next' RETURNING kid`
          const kid = row === undefined ? yield* make("current") : row.kid
          yield* make("next")
          return kid
        })
      )
      return {
        all: Effect.flatMap(read, (keys) => (keys.length > 0 ? Effect.succeed(keys) : Effect.andThen(first, read))),
        rotate,
        sweep: Effect.gen(function* () {
          yield* sql`
            DELETE FROM identity.signing_key
            WHERE state = 'retired' AND retired_at < now() - make_interval(days => ${retiredDaysMax}::int)`
          const old = yield* sql`
            SELECT 1 FROM identity.signing_key
            WHERE state = 'current' AND activated_at < now() - make_interval(days => ${currentDaysMax}::int)`
          if (old.length > 0) yield* rotate
        }),
        list: sql`
          SELECT kid, state, created_at, activated_at, retired_at FROM identity.signing_key
          ORDER BY array_position(ARRAY['next', 'current', 'retired'], state), created_at DESC`
      }
    })
  )
}
