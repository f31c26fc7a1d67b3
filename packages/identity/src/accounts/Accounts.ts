import * as Email from "@halles/shared/Email"
import { type Role, twoFactors } from "@halles/shared/security/Authority"
import { accountCustomerId } from "@halles/shared/security/Ownership"
import type { Region } from "@halles/shared/Region"
import { PersonName } from "@halles/shared/Text"
import { Context, Effect, Layer, Option, Schema } from "effect"
import { SqlClient, type SqlError } from "effect/sql"
import { randomBytes } from "node:crypto"

/** What only employees have; it opens the operators' client. */
export const isStaff = (role: string): boolean => role !== "customer" && role !== "partner"

export interface Account {
  readonly id: string
  readonly email: string
  readonly name: string
  readonly password_hash: string | null
  readonly customer_id: string | null
  /** As they were given; `rolesOf` says which ones count. Every account that has a customer is one. */
  readonly roles: ReadonlyArray<Role>
  /** Its second factors are its owner's: the first was set up by an operator's link, each other one with one before it. */
  readonly vouched: boolean
  /** One role that is limited to a region limits the account: a token names one region for all of them. */
  readonly region: Region | null
}

/** A staff role counts for who signed in with a second factor that nobody sets up who has the password alone. */
export const rolesOf = ({ roles, vouched }: Account, acr: string | undefined): ReadonlyArray<Role> =>
  vouched && acr === twoFactors ? roles : roles.filter((role) => !isStaff(role))

/** In lower case throughout, unlike a customer's. Two spellings of one address are one account. */
export const normalised = (email: string): Option.Option<string> => {
  return Option.map(Option.fromUndefinedOr(Email.canonical(email)), (one) => one.toLowerCase().normalize("NFC"))
}

/** The name as it is kept, if it is one. */
export const personName = Schema.decodeUnknownOption(PersonName)

interface NewAccount {
  readonly email: string
  readonly name: string
  readonly passwordHash: string | null
  /** Where its customer lives; none for staff who do not buy. */
  readonly region: Region | null
}

export class Accounts extends Context.Service<
  Accounts,
  {
    /** Disabled accounts are not found. */
    readonly byId: (id: string) => Effect.Effect<Option.Option<Account>, SqlError.SqlError>
    readonly byEmail: (email: string) => Effect.Effect<Option.Option<Account>, SqlError.SqlError>
    readonly byFederation: (issuer: string, subject: string) => Effect.Effect<Option.Option<Account>, SqlError.SqlError>
    /** None if the address has an account. */
    readonly create: (account: NewAccount) => Effect.Effect<Option.Option<Account>, SqlError.SqlError>
    /** Without a hash nobody signs in by password until one is set by a link. */
    readonly setPassword: (id: string, hash: string | null) => Effect.Effect<void, SqlError.SqlError>
    /** Another hash of the same password, unless it was changed meanwhile. */
    readonly renewPassword: (account: Account, hash: string) => Effect.Effect<void, SqlError.SqlError>
    /** False if the address has an account by now. The account's customer is told. */
    readonly setEmail: (id: string, email: string) => Effect.Effect<boolean, SqlError.SqlError>
    /** Everything that is kept of it; its customer is told to forget. The audit log knows it by its id only. */
    readonly erase: (id: string) => Effect.Effect<void, SqlError.SqlError>
    readonly link: (issuer: string, subject: string, id: string) => Effect.Effect<void, SqlError.SqlError>
    readonly grantRole: (
      id: string,
      role: Role,
      by: { readonly actor: string; readonly reason: string; readonly region: Region | null }
    ) => Effect.Effect<void, SqlError.SqlError>
    /** False if it did not have the role. */
    readonly revokeRole: (id: string, role: Role) => Effect.Effect<boolean, SqlError.SqlError>
  }
>()("@halles/identity/Accounts") {
  static readonly layer = Layer.effect(
    Accounts,
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const find = (column: "id" | "email", value: string) =>
        Effect.map(
          sql<Account>`
            SELECT id, email, name, password_hash, customer_id, factors_vouched_at IS NOT NULL AS vouched,
              array(SELECT role FROM identity.account_role WHERE account_id = id ORDER BY role)
                || CASE WHEN customer_id IS NULL THEN '{}'::text[] ELSE '{customer}' END AS roles,
              (SELECT min(region) FROM identity.account_role WHERE account_id = id) AS region
            FROM identity.account WHERE ${sql(column)} = ${value} AND disabled_at IS NULL`,
          ([row]) => Option.fromNullishOr(row)
        )
      return {
        byId: (id) => find("id", id),
        byEmail: (email) => find("email", email),
        byFederation: (issuer, subject) =>
          Effect.flatMap(
            sql<{ account_id: string }>`
              SELECT account_id FROM identity.federation WHERE issuer = ${issuer} AND subject = ${subject}`,
            ([row]) => (row === undefined ? Effect.succeedNone : find("id", row.account_id))
          ),
        create: Effect.fn("Accounts.create")(function* ({ email, name, passwordHash, region }: NewAccount) {
          const id = `acc_${randomBytes(16).toString("base64url")}`
          const customer =
            region === null ? null : accountCustomerId(region, randomBytes(17).toString("base64url").slice(0, 22))
          const made = yield* sql`
            INSERT INTO identity.account (id, email, name, password_hash, customer_id)
            VALUES (${id}, ${email}, ${name}, ${passwordHash}, ${customer})
            ON CONFLICT (email) DO NOTHING RETURNING 1`
          return made.length === 0 ? Option.none() : yield* find("id", id)
        }),
        setPassword: (id, hash) =>
          Effect.asVoid(sql`UPDATE identity.account SET password_hash = ${hash} WHERE id = ${id}`),
        renewPassword: ({ id, password_hash }, hash) =>
          Effect.asVoid(sql`
            UPDATE identity.account SET password_hash = ${hash} WHERE id = ${id} AND password_hash = ${password_hash}`),
        setEmail: (id, email) =>
          Effect.map(
            sql`
              WITH changed AS (
                UPDATE identity.account SET email = ${email}
                WHERE id = ${id} AND NOT EXISTS (SELECT FROM identity.account WHERE email = ${email})
                RETURNING customer_id),
              told AS (
                INSERT INTO identity.customer_notice (customer_id, email)
                SELECT customer_id, ${email} FROM changed WHERE customer_id IS NOT NULL)
              SELECT 1 FROM changed`.pipe(
              // Of two accounts that take one address at once, the database refuses one.
              Effect.catchIf(
                (error) => error.reason._tag === "UniqueViolation",
                () => Effect.succeed([])
              )
            ),
            (rows) => rows.length > 0
          ),
        erase: (id) =>
          sql.withTransaction(
            Effect.gen(function* () {
              yield* sql`
                INSERT INTO identity.customer_notice (customer_id)
                SELECT customer_id FROM identity.account WHERE id = ${id} AND customer_id IS NOT NULL`
              yield* sql`DELETE FROM identity.artifact WHERE account_id = ${id}`
              yield* sql`DELETE FROM identity.account WHERE id = ${id}`
            })
          ),
        link: (issuer, subject, id) =>
          Effect.asVoid(sql`
            INSERT INTO identity.federation (issuer, subject, account_id) VALUES (${issuer}, ${subject}, ${id})
            ON CONFLICT (issuer, subject) DO NOTHING`),
        grantRole: (id, role, { actor, reason, region }) =>
          Effect.asVoid(sql`
            INSERT INTO identity.account_role (account_id, role, region, granted_by, reason)
            VALUES (${id}, ${role}, ${region}, ${actor}, ${reason})
            ON CONFLICT (account_id, role) DO UPDATE SET region = excluded.region, granted_by = excluded.granted_by,
              reason = excluded.reason, granted_at = now()`),
        revokeRole: (id, role) =>
          Effect.map(
            sql`DELETE FROM identity.account_role WHERE account_id = ${id} AND role = ${role} RETURNING 1`,
            (rows) => rows.length > 0
          )
      }
    })
  )
}
