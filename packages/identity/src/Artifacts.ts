import { Context, Effect, Layer } from "effect"
import { SqlClient } from "effect/sql"
import { type Adapter, type AdapterPayload, errors } from "oidc-provider"
import { ClientRequests } from "./ClientRequests.ts"
import { Clients } from "./Clients.ts"
import { Seal } from "./Seal.ts"

interface Row {
  readonly payload: string
  readonly consumed_at: Date | null
}

const refuse = () => Promise.reject(new Error("clients are changed by npm run identity"))

/**
 * Storage of the authorization server: one row an artifact (session, grant, code, token), found by the digest of its id, with
 * its payload sealed. What has expired is not found, and is swept.
 */
export class Artifacts extends Context.Service<Artifacts, { readonly adapter: (model: string) => Adapter }>()(
  "@halles/identity/Artifacts"
) {
  static readonly layer = Layer.effect(
    Artifacts,
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const { digest, open, seal } = yield* Seal
      const clients = yield* Clients
      const requests = yield* ClientRequests
      const run = Effect.runPromiseWith(yield* Effect.context<never>())

      const artifacts = (model: string): Adapter => {
        const key = (id: string) => digest(model, id)
        const read = (rows: ReadonlyArray<Row>): AdapterPayload | undefined => {
          const row = rows[0]
          if (row === undefined) return undefined
          const payload = JSON.parse(open(model, row.payload)) as AdapterPayload
          return row.consumed_at === null
            ? payload
            : { ...payload, consumed: Math.floor(row.consumed_at.getTime() / 1000) }
        }
        const findBy = (column: string, value: string) =>
          Effect.map(
            sql<Row>`
              SELECT payload, consumed_at FROM identity.artifact
              WHERE model = ${model} AND ${sql(column)} = ${value} AND (expires_at IS NULL OR expires_at > now())`,
            read
          )
        return {
          upsert: (id, payload, expiresIn) =>
            run(
              Effect.asVoid(sql`
                INSERT INTO identity.artifact (model, digest, payload, grant_id, user_code, uid, account_id, expires_at)
                VALUES (${model}, ${key(id)}, ${seal(model, JSON.stringify(payload))}, ${payload.grantId ?? null},
                  ${payload.userCode === undefined ? null : key(payload.userCode)},
                  ${model === "Session" ? (payload.uid ?? null) : null}, ${payload.accountId ?? null},
                  ${expiresIn === undefined ? null : new Date(Date.now() + expiresIn * 1000)})
                ON CONFLICT (model, digest) DO UPDATE SET payload = excluded.payload, grant_id = excluded.grant_id,
                  user_code = excluded.user_code, uid = excluded.uid, account_id = excluded.account_id,
                  expires_at = excluded.expires_at`)
            ),
          find: (id) => run(findBy("digest", key(id))),
          findByUid: (uid) => run(findBy("uid", uid)),
          findByUserCode: (code) => run(findBy("user_code", key(code))),
          /** Of two that redeem the same code or token at once, one is refused. */
          consume: async (id) => {
            const taken = await run(sql`
              UPDATE identity.artifact SET consumed_at = now()
              WHERE model = ${model} AND digest = ${key(id)} AND consumed_at IS NULL RETURNING 1`)
            if (taken.length === 0) throw new errors.InvalidGrant(`${model} already used`)
          },
          destroy: (id) =>
            run(Effect.asVoid(sql`DELETE FROM identity.artifact WHERE model = ${model} AND digest = ${key(id)}`)),
          revokeByGrantId: (grantId) =>
            run(Effect.asVoid(sql`DELETE FROM identity.artifact WHERE grant_id = ${grantId} AND model = ${model}`))
        }
      }

      const registered: Adapter = {
        find: async (id) => {
          await requests.found(id)
          return run(clients.find(id))
        },
        upsert: refuse,
        findByUid: refuse,
        findByUserCode: refuse,
        consume: refuse,
        destroy: refuse,
        revokeByGrantId: refuse
      }
      return { adapter: (model: string) => (model === "Client" ? registered : artifacts(model)) }
    })
  )
}
