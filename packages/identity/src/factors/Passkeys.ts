import type { verifyAuthenticationResponse, verifyRegistrationResponse } from "@simplewebauthn/server"
import * as JsonText from "@halles/shared/JsonText"
import { Context, Effect, Layer, Option, Result } from "effect"
import { SqlClient, type SqlError } from "effect/sql"
import { isIP } from "node:net"
import type { Account } from "../accounts/Accounts.ts"
import { endWithoutFactor } from "./Factors.ts"
import { Pending } from "../signin/Pending.ts"

/** Passkeys of one account; the next one is refused. */
const ownedMax = 20

/** Loaded when somebody comes with a passkey: hundreds of modules, which most processes never need. */
const webauthn = Effect.promise(() => import("@simplewebauthn/server"))

type Registration = Parameters<typeof verifyRegistrationResponse>[0]["response"]
type Authentication = Parameters<typeof verifyAuthenticationResponse>[0]["response"]
type Transport = "ble" | "cable" | "hybrid" | "internal" | "nfc" | "smart-card" | "usb"

export interface Passkey {
  readonly id: string
  readonly name: string
  readonly created_at: Date
  readonly used_at: Date | null
}
interface Stored {
  readonly id: string
  readonly account_id: string
  readonly public_key: string
  readonly counter: string
  readonly transports: ReadonlyArray<Transport>
}

const parsed = <A>(text: string): Option.Option<A> =>
  Option.filter(
    Result.getSuccess(JsonText.parse(text)),
    (value): value is A => typeof value === "object" && value !== null && "id" in value
  )

/**
 * Passkeys (WebAuthn): had by a device and unlocked by its owner, so that one is two factors. Each challenge counts once.
 * They belong to a host name: under an address of numbers browsers offer none.
 */
export class Passkeys extends Context.Service<
  Passkeys,
  {
    readonly offered: boolean
    /** Options for the browser, in JSON; `key` is what the challenge is kept under. */
    readonly challenge: (key: string) => Effect.Effect<string, SqlError.SqlError>
    /** Whose passkey answered the challenge; none if it is not right, not known, or the challenge was used. */
    readonly use: (
      key: string,
      response: string
    ) => Effect.Effect<Option.Option<{ readonly accountId: string; readonly synced: boolean }>, SqlError.SqlError>
    /** `replacing` those that there are: a device which has one may make another. */
    readonly invite: (
      account: Account,
      key: string,
      options?: { readonly replacing?: boolean }
    ) => Effect.Effect<string, SqlError.SqlError>
    readonly add: (
      accountId: string,
      key: string,
      response: string,
      name: string
    ) => Effect.Effect<boolean, SqlError.SqlError>
    readonly list: (accountId: string) => Effect.Effect<ReadonlyArray<Passkey>, SqlError.SqlError>
    readonly remove: (accountId: string, id: string) => Effect.Effect<void, SqlError.SqlError>
  }
>()("@halles/identity/Passkeys") {
  static readonly layer = (issuer: string) =>
    Layer.effect(
      Passkeys,
      Effect.gen(function* () {
        const sql = yield* SqlClient.SqlClient
        const pending = yield* Pending
        const { hostname: rpID, origin } = new URL(issuer)
        const ids = (accountId: string) => sql<{ id: string; transports: Array<Transport> }>`
          SELECT id, transports FROM identity.passkey WHERE account_id = ${accountId}`
        return {
          offered: isIP(rpID.replaceAll(/[[\]]/g, "")) === 0,
          challenge: Effect.fnUntraced(function* (key) {
            const { generateAuthenticationOptions } = yield* webauthn
            const options = yield* Effect.promise(() =>
              generateAuthenticationOptions({ rpID, userVerification: "required" })
            )
            yield* pending.put("passkey", key, { challenge: options.challenge })
            return JSON.stringify(options)
          }),
          use: Effect.fn("Passkeys.use")(function* (key, text) {
            const issued = yield* pending.take<{ challenge: string }>("passkey", key)
            const response = parsed<Authentication>(text)
            if (Option.isNone(issued) || Option.isNone(response)) return Option.none()
            const [stored] = yield* sql<Stored>`
              SELECT id, account_id, public_key, counter, transports FROM identity.passkey
              WHERE id = ${String(response.value.id)}`
            if (stored === undefined) return Option.none()
            const { verifyAuthenticationResponse } = yield* webauthn
            const verified = yield* Effect.tryPromise(() =>
              verifyAuthenticationResponse({
                response: response.value,
                expectedChallenge: issued.value.challenge,
                expectedOrigin: origin,
                expectedRPID: rpID,
                requireUserVerification: true,
                credential: {
                  id: stored.id,
                  publicKey: new Uint8Array(Buffer.from(stored.public_key, "base64url")),
                  counter: Number(stored.counter),
                  transports: [...stored.transports]
                }
              })
            ).pipe(Effect.option)
            if (Option.isNone(verified) || !verified.value.verified) return Option.none()
            const { credentialDeviceType, newCounter } = verified.value.authenticationInfo
            yield* sql`UPDATE identity.passkey SET counter = ${newCounter}, used_at = now() WHERE id = ${stored.id}`
            return Option.some({ accountId: stored.account_id, synced: credentialDeviceType === "multiDevice" })
          }),
          invite: Effect.fnUntraced(function* (account, key, { replacing = false } = {}) {
            const owned = replacing ? [] : yield* ids(account.id)
            const { generateRegistrationOptions } = yield* webauthn
            const options = yield* Effect.promise(() =>
              generateRegistrationOptions({
                rpName: "Halles",
                rpID,
                userName: account.email,
                userDisplayName: account.name,
                userID: new Uint8Array(Buffer.from(account.id)),
                excludeCredentials: [...owned],
                authenticatorSelection: { residentKey: "required", userVerification: "required" }
              })
            )
            yield* pending.put("passkey", key, { challenge: options.challenge })
            return JSON.stringify(options)
          }),
          add: Effect.fn("Passkeys.add")(function* (accountId, key, text, name) {
            const issued = yield* pending.take<{ challenge: string }>("passkey", key)
            const response = parsed<Registration>(text)
            if (Option.isNone(issued) || Option.isNone(response)) return false
            const { verifyRegistrationResponse } = yield* webauthn
            const verified = yield* Effect.tryPromise(() =>
              verifyRegistrationResponse({
                response: response.value,
                expectedChallenge: issued.value.challenge,
                expectedOrigin: origin,
                expectedRPID: rpID,
                requireUserVerification: true
              })
            ).pipe(Effect.option)
            if (Option.isNone(verified) || !verified.value.verified) return false
            const { credential } = verified.value.registrationInfo
            const added = yield* sql`
              INSERT INTO identity.passkey (id, account_id, public_key, counter, transports, name)
              SELECT ${credential.id}, ${accountId}, ${Buffer.from(credential.publicKey).toString("base64url")},
                ${credential.counter}, ${[...(credential.transports ?? [])]}::text[], ${name.slice(0, 60) || "Passkey"}
              WHERE (SELECT count(*) FROM identity.passkey WHERE account_id = ${accountId}) < ${ownedMax}
              ON CONFLICT (id) DO NOTHING RETURNING 1`
            return added.length > 0
          }),
          list: (accountId) => sql<Passkey>`
            SELECT id, name, created_at, used_at FROM identity.passkey WHERE account_id = ${accountId} ORDER BY created_at`,
          remove: (accountId, id) =>
            sql.withTransaction(
              Effect.andThen(
                sql`DELETE FROM identity.passkey WHERE account_id = ${accountId} AND id = ${id}`,
                endWithoutFactor(sql, accountId)
              )
            )
        }
      })
    )
}
