import { Context, Effect, Layer, Option } from "effect"
import { SqlClient, type SqlError } from "effect/sql"
import { randomBytes } from "node:crypto"
import { Seal } from "../oidc/Seal.ts"

/** What waits for one answer of one person, and for how long, in minutes. */
const minutes = {
  /** A link in a mail that ends a registration. */
  register: 60,
  /** A link in a mail that sets a new password. */
  reset: 30,
  /** A link in a mail to an address that an account is to have. */
  email: 60,
  /** A link in a mail to the address that an account had, which takes it back. */
  emailBack: 10_080,
  /** A sign-in whose first factor was right. */
  interaction: 15,
  /** A sign-in at the upstream provider. */
  sso: 10,
  /** A link that an operator hands over, by which staff sets up its first second factor. */
  enrolment: 1_440,
  /** A TOTP secret that was shown and not yet confirmed. */
  totp: 15,
  /** The challenge of a passkey. */
  passkey: 10
} as const
type Purpose = keyof typeof minutes

/** Short-lived facts under an unguessable key, stored by its digest and sealed; used at most once where that matters. */
export class Pending extends Context.Service<
  Pending,
  {
    /** Stores under a new key of 256 random bits, and gives the key. */
    readonly issue: (purpose: Purpose, payload: object, accountId?: string) => Effect.Effect<string, SqlError.SqlError>
    /** Stores under a given key, in place of what is there. */
    readonly put: (
      purpose: Purpose,
      key: string,
      payload: object,
      accountId?: string
    ) => Effect.Effect<void, SqlError.SqlError>
    readonly peek: <A>(purpose: Purpose, key: string) => Effect.Effect<Option.Option<A>, SqlError.SqlError>
    /** Takes it away: of two that ask at once, one gets it. */
    readonly take: <A>(purpose: Purpose, key: string) => Effect.Effect<Option.Option<A>, SqlError.SqlError>
    readonly forget: (purpose: Purpose, accountId: string) => Effect.Effect<void, SqlError.SqlError>
  }
>()("@halles/identity/Pending") {
  static readonly layer = Layer.effect(
    Pending,
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const { digest, open, seal } = yield* Seal
      const parsed =
        <A>(purpose: Purpose) =>
        ([row]: ReadonlyArray<{ payload: string }>): Option.Option<A> =>
          row === undefined ? Option.none() : Option.some(JSON.parse(open(purpose, row.payload)) as A)
      const put = (purpose: Purpose, key: string, payload: object, accountId?: string) =>
        Effect.asVoid(sql`
          INSERT INTO identity.pending (purpose, digest, payload, account_id, expires_at)
          VALUES (${purpose}, ${digest(purpose, key)}, ${seal(purpose, JSON.stringify(payload))}, ${accountId ?? null},
            now() + make_interval(mins => ${minutes[purpose]}::int))
          ON CONFLICT (purpose, digest) DO UPDATE SET payload = excluded.payload, account_id = excluded.account_id,
            expires_at = excluded.expires_at`)
      return {
        put,
        issue: (purpose, payload, accountId) => {
          const key = randomBytes(32).toString("base64url")
          return Effect.as(put(purpose, key, payload, accountId), key)
        },
        peek: <A>(purpose: Purpose, key: string) =>
          Effect.map(
            sql<{ payload: string }>`
              SELECT payload FROM identity.pending
              WHERE purpose = ${purpose} AND digest = ${digest(purpose, key)} AND expires_at > now()`,
            parsed<A>(purpose)
          ),
        take: <A>(purpose: Purpose, key: string) =>
          Effect.map(
            sql<{ payload: string }>`
              DELETE FROM identity.pending
              WHERE purpose = ${purpose} AND digest = ${digest(purpose, key)} AND expires_at > now() RETURNING payload`,
            parsed<A>(purpose)
          ),
        forget: (purpose, accountId) =>
          Effect.asVoid(sql`DELETE FROM identity.pending WHERE purpose = ${purpose} AND account_id = ${accountId}`)
      }
    })
  )
}
