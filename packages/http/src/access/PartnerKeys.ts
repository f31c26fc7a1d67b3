import { Refusal } from "@halles/shared/wire/Refusal"
import { Cache, Clock, Context, Duration, Effect, Exit, Layer, Schema, Semaphore, Struct } from "effect"
import { SqlClient, type SqlError } from "effect/sql"
import { createHash, randomBytes, randomInt, timingSafeEqual } from "node:crypto"
import { Scope } from "@halles/shared/security/Authority"
import { anonymous, partnerSubject, type Principal, RateClass } from "@halles/shared/wire/Principal"

/** What a partner's key may be for at the most: nothing that staff does to people or money. */
export const PartnerScope = Scope.pick([
  "catalog:read",
  "catalog:write",
  "carts:write",
  "orders:read",
  "orders:write",
  "customers:read",
  "stock:read",
  "stock:write",
  "webhooks:manage",
  "keys:manage"
])
export type PartnerScope = typeof PartnerScope.Type

/** A key without its secret, which nobody has but the partner. */
export const PartnerKey = Schema.Struct({
  id: Schema.String,
  partner: Schema.String,
  name: Schema.String,
  scopes: Schema.Array(PartnerScope),
  rateClass: RateClass,
  createdAt: Schema.Int,
  expiresAt: Schema.Int,
  lastUsedAt: Schema.NullOr(Schema.Int),
  revokedAt: Schema.NullOr(Schema.Int)
})
export type PartnerKey = typeof PartnerKey.Type

/** Keys of one partner that are good at a time. */
export const keysMax = 20
/** A key that was revoked is refused after this long at the latest; one that is unknown is not looked up again before. */
export const cachedMs = 5_000
const cachedMax = 10_000
/** Look-ups at a time, so that made-up keys cannot take all connections, and how long one may wait. */
const lookUpsMax = 2
const lookUpMsMax = 1_000
const usesWrittenEvery = "30 seconds"
/** Keys that ended are kept for those who ask later what they were. */
const keptDays = 400

const form = /^hk_([a-z0-9]{12})_([A-Za-z0-9_-]{43})$/
const letters = "abcdefghijklmnopqrstuvwxyz0123456789"
const newId = () => Array.from({ length: 12 }, () => letters[randomInt(letters.length)]).join("")
/** Of 256 random bits: a slow hash would add nothing. */
const digestOf = (secret: string): Buffer => createHash("sha256").update(secret).digest()

interface Stored extends PartnerKey {
  readonly digest: Uint8Array
}
const ms = (column: string, name: string) => `floor(extract(epoch FROM ${column}) * 1000)::float8 AS "${name}"`
const columns = `id, partner, name, digest, scopes, rate_class AS "rateClass", ${ms("created_at", "createdAt")},
  ${ms("expires_at", "expiresAt")}, ${ms("last_used_at", "lastUsedAt")}, ${ms("revoked_at", "revokedAt")}`
const keyOf = (stored: Stored): PartnerKey => Struct.omit(stored, ["digest"])

export interface NewKey {
  readonly partner: string
  readonly name: string
  readonly scopes: ReadonlyArray<PartnerScope>
  readonly rateClass: RateClass
  readonly expiresAt: number
  readonly createdBy: string
}
/** The one time that a secret is shown. */
export interface Issued {
  readonly key: PartnerKey
  readonly secret: string
}

/** The partner has as many keys as it may have. */
export class TooManyKeys extends Refusal<TooManyKeys>()("TooManyKeys", {
  status: 422,
  title: "Too many keys",
  fields: { max: Schema.Int },
  sample: { max: 20 },
  detail: ({ max }) => `A partner has at most ${max} keys that are good at a time. Revoke one first.`
}) {}

const rejected = (reason: NonNullable<Principal["rejected"]>): Principal => ({ ...anonymous, rejected: reason })

/** Keys of partners: `hk_<id>_<secret>`, shown once, stored by digest. */
export class PartnerKeys extends Context.Service<
  PartnerKeys,
  {
    readonly principalOf: (key: string) => Effect.Effect<Principal>
    readonly issue: (wanted: NewKey, replaces?: string) => Effect.Effect<Issued, TooManyKeys | SqlError.SqlError>
    readonly find: (id: string) => Effect.Effect<PartnerKey | undefined, SqlError.SqlError>
    /** The newest first; every partner's without a partner. */
    readonly list: (
      partner: string | undefined,
      after: string,
      limit: number
    ) => Effect.Effect<ReadonlyArray<PartnerKey>, SqlError.SqlError>
    /** It ends then, if it would not have ended before. */
    readonly expire: (id: string, at: number) => Effect.Effect<void, SqlError.SqlError>
    readonly revoke: (id: string) => Effect.Effect<void, SqlError.SqlError>
  }
>()("@halles/http/PartnerKeys") {
  static readonly isKey = (token: string): boolean => token.startsWith("hk_")

  /** Where partners have no business: nobody's key is known. */
  static readonly layerNone: Layer.Layer<PartnerKeys> = Layer.succeed(PartnerKeys, {
    principalOf: () => Effect.succeed(rejected("unknown")),
    issue: () => Effect.die("no keys here"),
    find: () => Effect.undefined,
    list: () => Effect.succeed([]),
    expire: () => Effect.void,
    revoke: () => Effect.void
  })

  static readonly layer: Layer.Layer<PartnerKeys, never, SqlClient.SqlClient> = Layer.effect(
    PartnerKeys,
    Effect.suspend(() => make)
  )
}

const make = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const clock = yield* Clock.Clock
  const lookUps = yield* Semaphore.make(lookUpsMax)

  const all = sql.literal(columns)
  const row = (id: string) =>
    Effect.map(sql<Stored>`SELECT ${all} FROM partner.key WHERE id = ${id}`, ([found]) => found)
  const rows = yield* Cache.makeWith((id: string) => Effect.timeout(lookUps.withPermit(row(id)), lookUpMsMax), {
    capacity: cachedMax,
    timeToLive: (exit) => (Exit.isSuccess(exit) ? Duration.millis(cachedMs) : Duration.zero)
  })

  const used = new Map<string, number>()
  const writeUses = Effect.suspend((): Effect.Effect<unknown, SqlError.SqlError> => {
    const uses = [...used]
    used.clear()
    return uses.length === 0
      ? Effect.void
      : sql`
          UPDATE partner.key SET last_used_at = to_timestamp(u.at / 1000.0)
          FROM unnest(${uses.map(([id]) => id)}::text[], ${uses.map(([, at]) => String(at))}::text[]::bigint[]) AS u(id, at)
          WHERE key.id = u.id AND (last_used_at IS NULL OR last_used_at < to_timestamp(u.at / 1000.0))`
  }).pipe(Effect.catch((error) => Effect.logWarning("The use of partners' keys could not be noted", error)))
  yield* Effect.forkScoped(Effect.forever(Effect.andThen(Effect.sleep(usesWrittenEvery), writeUses)))
  yield* Effect.addFinalizer(() => Effect.ignore(Effect.timeout(writeUses, lookUpMsMax)))

  const principalOf = (key: string): Effect.Effect<Principal> => {
    const [, id, secret] = form.exec(key) ?? []
    if (id === undefined || secret === undefined) return Effect.succeed(rejected("malformed"))
    return Effect.matchEffect(Cache.get(rows, id), {
      onFailure: (error) =>
        Effect.as(Effect.logWarning("A partner's key could not be looked up", error), rejected("unavailable")),
      onSuccess: (found) =>
        Effect.sync((): Principal => {
          const now = clock.currentTimeMillisUnsafe()
          if (found === undefined || !timingSafeEqual(found.digest, digestOf(secret))) return rejected("unknown")
          if (found.revokedAt !== null) return rejected("revoked")
          if (found.expiresAt <= now) return rejected("expired")
          used.set(id, now)
          return {
            kind: "partner",
            subject: partnerSubject(found.partner),
            clientId: id,
            roles: new Set(["partner"]),
            scopes: new Set(found.scopes),
            rateClass: found.rateClass
          }
        })
    })
  }

  const issue = Effect.fn("PartnerKeys.issue")(function* (wanted: NewKey, replaces?: string) {
    const id = newId()
    const secret = randomBytes(32).toString("base64url")
    yield* sql`
      DELETE FROM partner.key
      WHERE least(expires_at, revoked_at) < now() - make_interval(days => ${keptDays}::int)`
    // One statement for both, and one request at a time: two cannot both make the last key. Readers pass.
    const [made] = yield* sql.withTransaction(
      Effect.andThen(
        sql`LOCK TABLE partner.key IN SHARE ROW EXCLUSIVE MODE`,
        sql<Stored>`
          INSERT INTO partner.key (id, partner, name, digest, scopes, rate_class, created_by, expires_at, replaces)
          SELECT ${id}, ${wanted.partner}, ${wanted.name}, ${digestOf(secret)}, ${wanted.scopes}::text[],
            ${wanted.rateClass}, ${wanted.createdBy}, ${new Date(wanted.expiresAt)}, ${replaces ?? null}
          WHERE ${keysMax}::int > (
            SELECT count(*) FROM partner.key
            WHERE partner = ${wanted.partner} AND revoked_at IS NULL AND expires_at > now())
          RETURNING ${all}`
      )
    )
    if (made === undefined) return yield* new TooManyKeys({ max: keysMax })
    return { key: keyOf(made), secret: `hk_${id}_${secret}` }
  })

  return PartnerKeys.of({
    principalOf,
    issue,
    find: (id) => Effect.map(row(id), (found) => (found === undefined ? undefined : keyOf(found))),
    list: (partner, after, limit) =>
      Effect.map(
        sql<Stored>`
          SELECT ${all} FROM partner.key WHERE (${partner ?? null}::text IS NULL OR partner = ${partner ?? null}) AND id > ${after}
          ORDER BY id LIMIT ${limit}::int`,
        (found) => found.map(keyOf)
      ),
    expire: (id, at) =>
      Effect.andThen(
        sql`UPDATE partner.key SET expires_at = least(expires_at, ${new Date(at)}) WHERE id = ${id}`,
        Cache.invalidate(rows, id)
      ),
    revoke: (id) =>
      Effect.andThen(
        sql`UPDATE partner.key SET revoked_at = now() WHERE id = ${id} AND revoked_at IS NULL`,
        Cache.invalidate(rows, id)
      )
  })
})
