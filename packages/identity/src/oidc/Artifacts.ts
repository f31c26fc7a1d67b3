import { Revocations } from "@halles/shared/security/Revocations"
import { Context, Effect, Layer } from "effect"
import { SqlClient } from "effect/sql"
import { type Adapter, type AdapterPayload, errors } from "oidc-provider"
import { endAccessTokens } from "./AccessTokenEnds.ts"
import { ClientRequests } from "./ClientRequests.ts"
import { Clients } from "./Clients.ts"
import { Seal } from "./Seal.ts"

/**
 * How long a refresh token that was used may come again, in seconds: as long as a request may take here (`PageMiddleware.ts`). Two tabs
 * that renew one sign-in, and whoever did not hear the answer, ask again by then; Okta and Auth0 call it grace period and leeway.
 */
export const overlapSeconds = 20

interface Row {
  readonly payload: string
  readonly consumed_at: Date | null
  readonly grant_id: string | null
}
interface RefreshRow extends Row {
  /** Used a moment ago, and nobody went on from there. */
  readonly repeatable: boolean | null
}

const refuse = () => Promise.reject(new Error("clients are changed by npm run identity"))

/**
 * Storage of the authorization server: one row an artifact (session, grant, code, token), found by the digest of its id, with
 * its payload sealed. What has expired is not found, and is swept.
 *
 * **Details**
 *
 * A code counts once, and what comes twice ends its grant: refresh tokens, and access tokens at every edge. A refresh token
 * counts once too, but for `overlapSeconds`, as long as its successor was not used: until then it gives that same successor,
 * whose id follows from its own. So honest tabs stay together on one line, and a thief who took a token is on it with them
 * until one of the two sends what the other has left behind. Staff's clients that have one process of their own have no overlap.
 */
export class Artifacts extends Context.Service<
  Artifacts,
  {
    readonly adapter: (model: string) => Adapter
    /** The id of the refresh token that comes after the one with the given id. */
    readonly successor: (id: string) => string
  }
>()("@halles/identity/Artifacts") {
  static readonly layer = Layer.effect(
    Artifacts,
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const { digest, open, seal } = yield* Seal
      const clients = yield* Clients
      const requests = yield* ClientRequests
      const revocations = yield* Revocations
      const run = Effect.runPromiseWith(yield* Effect.context<never>())

      const payloadOf = (model: string, { consumed_at, payload }: Row): AdapterPayload => {
        const content = JSON.parse(open(model, payload)) as AdapterPayload
        return consumed_at === null ? content : { ...content, consumed: Math.floor(consumed_at.getTime() / 1000) }
      }
      /** All that was given for it, and what is given at this moment: without the grant it is worth nothing. */
      const endGrant = Effect.fnUntraced(function* (grantId: string) {
        yield* sql`
          DELETE FROM identity.artifact
          WHERE grant_id = ${grantId} OR (model = 'Grant' AND digest = ${digest("Grant", grantId)})`
        yield* endAccessTokens(revocations, [grantId])
      })

      const artifacts = (model: string): Adapter => {
        const key = (id: string) => digest(model, id)
        const read = ([row]: ReadonlyArray<Row>) => (row === undefined ? undefined : payloadOf(model, row))
        const findBy = (column: string, value: string) =>
          Effect.map(
            sql<Row>`
              SELECT payload, consumed_at, grant_id FROM identity.artifact
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
          /** Of two that redeem the same code at once, one is too late, and both get nothing. */
          consume: async (id) => {
            if (await run(consumed(model, id))) return
            const [row] = await run(sql<Pick<Row, "grant_id">>`
              SELECT grant_id FROM identity.artifact WHERE model = ${model} AND digest = ${key(id)}`)
            if (typeof row?.grant_id === "string") await run(endGrant(row.grant_id))
            throw new errors.InvalidGrant(`${model} already used`)
          },
          destroy: (id) =>
            run(Effect.asVoid(sql`DELETE FROM identity.artifact WHERE model = ${model} AND digest = ${key(id)}`)),
          revokeByGrantId: (grantId) =>
            run(Effect.asVoid(sql`DELETE FROM identity.artifact WHERE grant_id = ${grantId} AND model = ${model}`))
        }
      }

      const consumed = (model: string, id: string) =>
        Effect.map(
          sql`
            UPDATE identity.artifact SET consumed_at = now()
            WHERE model = ${model} AND digest = ${digest(model, id)} AND consumed_at IS NULL RETURNING 1`,
          (rows) => rows.length > 0
        )

      const successor = (id: string) => digest("successor", id)
      const refreshTokens = (): Adapter => {
        const model = "RefreshToken"
        const plain = artifacts(model)
        const find = Effect.fnUntraced(function* (id: string) {
          const [row] = yield* sql<RefreshRow>`
            SELECT payload, consumed_at, grant_id,
              consumed_at > now() - make_interval(secs => ${overlapSeconds}::int) AND NOT EXISTS (
                SELECT FROM identity.artifact
                WHERE model = ${model} AND digest = ${digest(model, successor(id))} AND consumed_at IS NOT NULL
              ) AS repeatable
            FROM identity.artifact
            WHERE model = ${model} AND digest = ${digest(model, id)} AND (expires_at IS NULL OR expires_at > now())`
          if (row === undefined) return undefined
          if (row.repeatable !== true) return payloadOf(model, row)
          const { consumed: _, ...unused } = payloadOf(model, row)
          const client = yield* clients.find(unused.clientId ?? "")
          return client?.staff_only === true ? payloadOf(model, row) : unused
        })
        return {
          ...plain,
          find: (id) => run(find(id)),
          consume: async (id) => {
            if (await run(consumed(model, id))) return
            const again = await run(find(id))
            if (again !== undefined && again.consumed === undefined) return
            await plain.consume(id)
          }
        }
      }
      /** Stored nowhere: the edges are told of what grant they take none any more. */
      const accessTokens = (): Adapter => ({
        ...artifacts("AccessToken"),
        revokeByGrantId: (grantId) => run(endAccessTokens(revocations, [grantId]))
      })

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
      const special: Readonly<Record<string, () => Adapter>> = {
        AccessToken: accessTokens,
        Client: () => registered,
        RefreshToken: refreshTokens
      }
      return { adapter: (model: string) => special[model]?.() ?? artifacts(model), successor }
    })
  )
}
