import { Context, Effect, Layer, Option } from "effect"
import { SqlClient, type SqlError } from "effect/sql"
import { randomBytes } from "node:crypto"
import { generateSecret, generateURI, verify } from "otplib"
import { Seal } from "../oidc/Seal.ts"

/** Codes of the step before and after count too, for clocks that are off. */
const toleranceSeconds = 30
const recoveryCodes = 10

/** What an account has beside its password. */
export interface Owned {
  readonly totp: boolean
  readonly passkeys: number
  readonly recoveryCodes: number
}

/** The time step whose code it is. */
const stepOf = (secret: string, code: string) =>
  Effect.promise(async () => {
    if (!/^\d{6}$/.test(code)) return null
    const result = await verify({ secret, token: code, epochTolerance: toleranceSeconds })
    return result.valid && "timeStep" in result ? result.timeStep : null
  })

/** Digits of another width are digits. */
const typed = (code: string) => code.normalize("NFKC").replaceAll(/[\s-]/g, "").toLowerCase()

/** Recovery codes stand in for a factor, and one factor vouches for the next: both end with the last one. */
export const endWithoutFactor = Effect.fnUntraced(function* (sql: SqlClient.SqlClient, accountId: string) {
  const none = sql`NOT EXISTS (SELECT FROM identity.passkey WHERE account_id = ${accountId})
    AND NOT EXISTS (SELECT FROM identity.totp WHERE account_id = ${accountId})`
  yield* sql`DELETE FROM identity.recovery_code WHERE account_id = ${accountId} AND ${none}`
  yield* sql`UPDATE identity.account SET factors_vouched_at = NULL WHERE id = ${accountId} AND ${none}`
})

/** Second factors that are typed: one-time passwords of an app (TOTP), and recovery codes. A code counts once. */
export class Factors extends Context.Service<
  Factors,
  {
    readonly owned: (accountId: string) => Effect.Effect<Owned, SqlError.SqlError>
    /** A new secret, and the address that an app reads from a QR code. Nothing is stored. */
    readonly propose: (email: string) => { readonly secret: string; readonly uri: string }
    /** Stores the secret if the code is right. */
    readonly confirm: (accountId: string, secret: string, code: string) => Effect.Effect<boolean, SqlError.SqlError>
    /** Without another factor nothing vouches for the next one. */
    readonly remove: (accountId: string) => Effect.Effect<void, SqlError.SqlError>
    /** Passkeys and recovery codes too. */
    readonly removeAll: (accountId: string) => Effect.Effect<void, SqlError.SqlError>
    /** From now on the account's factors are known to be its owner's. */
    readonly vouch: (accountId: string) => Effect.Effect<void, SqlError.SqlError>
    /** Stores a secret that its owner has from elsewhere. */
    readonly adopt: (accountId: string, secret: string) => Effect.Effect<void, SqlError.SqlError>
    /** Which factor the code was of; none if it is wrong or was used before. */
    readonly use: (
      accountId: string,
      code: string
    ) => Effect.Effect<Option.Option<"otp" | "recovery">, SqlError.SqlError>
    /** Ten new codes, shown once; the ones before are void. */
    readonly renewRecoveryCodes: (accountId: string) => Effect.Effect<ReadonlyArray<string>, SqlError.SqlError>
  }
>()("@halles/identity/Factors") {
  static readonly layer = (issuer: string) =>
    Layer.effect(
      Factors,
      Effect.gen(function* () {
        const sql = yield* SqlClient.SqlClient
        const { digest, open, seal } = yield* Seal
        const recoveryDigest = (accountId: string, code: string) => digest(`recovery:${accountId}`, typed(code))
        const store = (accountId: string, secret: string, step: number) =>
          Effect.asVoid(sql`
            INSERT INTO identity.totp (account_id, secret, last_step)
            VALUES (${accountId}, ${seal("totp", secret)}, ${step})
            ON CONFLICT (account_id) DO UPDATE SET secret = excluded.secret, last_step = excluded.last_step,
              confirmed_at = now()`)
        return {
          owned: (accountId) =>
            Effect.map(
              sql<Owned>`
                SELECT EXISTS (SELECT FROM identity.totp WHERE account_id = ${accountId}) AS totp,
                  (SELECT count(*)::int FROM identity.passkey WHERE account_id = ${accountId}) AS passkeys,
                  (SELECT count(*)::int FROM identity.recovery_code WHERE account_id = ${accountId}) AS "recoveryCodes"`,
              ([row]) => row ?? { totp: false, passkeys: 0, recoveryCodes: 0 }
            ),
          propose: (email) => {
            const secret = generateSecret()
            return { secret, uri: generateURI({ issuer, label: email, secret }) }
          },
          confirm: Effect.fnUntraced(function* (accountId, secret, code) {
            const step = yield* stepOf(secret, typed(code))
            if (step === null) return false
            yield* store(accountId, secret, step)
            return true
          }),
          remove: (accountId) =>
            sql.withTransaction(
              Effect.andThen(
                sql`DELETE FROM identity.totp WHERE account_id = ${accountId}`,
                endWithoutFactor(sql, accountId)
              )
            ),
          removeAll: (accountId) =>
            sql.withTransaction(
              Effect.gen(function* () {
                yield* sql`DELETE FROM identity.totp WHERE account_id = ${accountId}`
                yield* sql`DELETE FROM identity.passkey WHERE account_id = ${accountId}`
                yield* endWithoutFactor(sql, accountId)
              })
            ),
          vouch: (accountId) =>
            Effect.asVoid(sql`UPDATE identity.account SET factors_vouched_at = now() WHERE id = ${accountId}`),
          adopt: (accountId, secret) => store(accountId, secret, 0),
          use: Effect.fnUntraced(function* (accountId, code) {
            const [stored] = yield* sql<{ secret: string }>`
              SELECT secret FROM identity.totp WHERE account_id = ${accountId}`
            const step = stored === undefined ? null : yield* stepOf(open("totp", stored.secret), typed(code))
            if (step !== null) {
              // The condition makes a code, and every earlier one, count once, also for two that come at once.
              const counted = yield* sql`
                UPDATE identity.totp SET last_step = ${step}
                WHERE account_id = ${accountId} AND last_step < ${step} RETURNING 1`
              return counted.length > 0 ? Option.some("otp" as const) : Option.none()
            }
            const used = yield* sql`
              DELETE FROM identity.recovery_code
              WHERE account_id = ${accountId} AND digest = ${recoveryDigest(accountId, code)} RETURNING 1`
            return used.length > 0 ? Option.some("recovery" as const) : Option.none()
          }),
          renewRecoveryCodes: (accountId) =>
            sql.withTransaction(
              Effect.gen(function* () {
                const codes = Array.from({ length: recoveryCodes }, () =>
                  randomBytes(10)
                    .toString("hex")
                    .replaceAll(/(.{5})(?=.)/g, "$1-")
                )
                yield* sql`DELETE FROM identity.recovery_code WHERE account_id = ${accountId}`
                const digests = codes.map((code) => recoveryDigest(accountId, code))
                yield* sql`
                  INSERT INTO identity.recovery_code (account_id, digest)
                  SELECT ${accountId}, unnest(${digests}::text[])`
                return codes
              })
            )
        }
      })
    )
}
