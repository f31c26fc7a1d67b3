import { Refusal } from "@halles/shared/wire/Refusal"
import { type BadCursor, Cursor, decodeCursor, type Page, pageOf } from "@halles/shared/Page"
import { Context, Effect, Function, Layer, Option, type Redacted, Result, Schema, Struct } from "effect"
import { SqlClient, type SqlError } from "effect/sql"
import { PgTypes } from "@effect/sql-pg"
import { randomBytes } from "node:crypto"
import { Type } from "./Occurrences.ts"
import * as Sealed from "./Sealed.ts"

/** Endpoints of one owner. */
export const endpointsMax = 20
/** How long the secret before the one of now still signs. */
export const overlapMs = 24 * 3_600_000

export const EndpointId = Schema.String.check(Schema.isPattern(/^whe_[A-Za-z0-9_-]{1,40}$/u))
export const MessageId = Schema.String.check(Schema.isPattern(/^msg_[A-Za-z0-9_-]{1,60}$/u))
export const State = Schema.Literals(["pending", "delivered", "dead"])

export interface Endpoint {
  readonly id: string
  readonly owner: string
  readonly url: string
  readonly description: string
  readonly types: ReadonlyArray<Type>
  readonly enabled: boolean
  readonly disabledReason: string | null
  readonly createdAt: number
  readonly seq: number
}
export interface Delivery {
  readonly messageId: string
  readonly type: string
  readonly state: typeof State.Type
  readonly attempts: number
  readonly outcome: string | null
  readonly createdAt: number
  readonly dueAt: number
}

/** The owner has as many as one may have. */
export class TooManyEndpoints extends Refusal<TooManyEndpoints>()("TooManyEndpoints", {
  status: 422,
  title: "Too many webhook endpoints",
  fields: { max: Schema.Int },
  detail: ({ max }) => `There are at most ${max}. Delete one first.`
}) {}

const columns = `id, owner, url, description, types, enabled, disabled_reason AS "disabledReason",
  (extract(epoch FROM created_at) * 1000)::bigint::float8 AS "createdAt", seq`
interface DeliveryRow extends Delivery {
  /** What was made in the same millisecond is told apart. */
  readonly createdUs: number
}
const deliveryOf = (row: DeliveryRow): Delivery => Struct.omit(row, ["createdUs"])
const EndpointCursor = Cursor("endpoints", [Schema.String])
const DeliveryCursor = Cursor("deliveries", [
  Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 4e15 })),
  Schema.String
])
const textArray = (values: ReadonlyArray<string>) => Result.getOrThrow(PgTypes.array(values, PgTypes.OID.text))

/** What an owner sets. */
export interface Wanted {
  readonly url: string
  readonly description: string
  readonly types: ReadonlyArray<Type>
}

export const newSecret = (): string => `whsec_${randomBytes(24).toString("base64")}`
/** What it is sealed for: no endpoint's secret serves another. */
export const sealedFor = (id: string): string => `endpoint ${id}`

/**
 * Endpoints that are told of what happens (Standard Webhooks), and what became of telling them. Everything is asked for in
 * the name of an owner; `null` is an administrator, who sees all.
 */
export class Subscriptions extends Context.Service<
  Subscriptions,
  {
    /** Repeated with its id, it answers as it did; the secret is told here and at its rotation only. */
    readonly create: (
      endpoint: Wanted & { readonly id: string; readonly owner: string }
    ) => Effect.Effect<{ readonly endpoint: Endpoint; readonly secret: string }, TooManyEndpoints | SqlError.SqlError>
    readonly list: (
      owner: string | null,
      options: { readonly cursor?: string; readonly limit: number }
    ) => Effect.Effect<Page<Endpoint>, BadCursor | SqlError.SqlError>
    readonly find: (owner: string | null, id: string) => Effect.Effect<Option.Option<Endpoint>, SqlError.SqlError>
    /** Nothing when the endpoint has another seq by now. */
    readonly replace: (
      id: string,
      wanted: Wanted & { readonly enabled: boolean },
      expectedSeq: number | undefined
    ) => Effect.Effect<Option.Option<Endpoint>, SqlError.SqlError>
    readonly remove: (id: string) => Effect.Effect<void, SqlError.SqlError>
    /** The secret of before goes on signing beside the new one for a day. */
    readonly rotate: (id: string) => Effect.Effect<string, SqlError.SqlError>
    /** Newest first. */
    readonly deliveries: (
      id: string,
      options: { readonly state?: typeof State.Type; readonly cursor?: string; readonly limit: number }
    ) => Effect.Effect<Page<Delivery>, BadCursor | SqlError.SqlError>
    /** One message again, or all that are dead; how many. */
    readonly replay: (id: string, messageId: string | null) => Effect.Effect<number, SqlError.SqlError>
    readonly test: (id: string) => Effect.Effect<string, SqlError.SqlError>
  }
>()("@halles/http/Subscriptions") {
  static readonly layer = (key: Redacted.Redacted) =>
    Layer.effect(
      Subscriptions,
      Effect.map(SqlClient.SqlClient, (sql) => make(sql, Sealed.make(key)))
    )
}

const make = (sql: SqlClient.SqlClient, sealed: Sealed.Sealed): Subscriptions["Service"] => {
  const all = sql.literal(columns)
  const owned = (owner: string | null) => (owner === null ? sql`true` : sql`owner = ${owner}`)
  const secretOf = (id: string) =>
    Effect.map(sql<{ secret: Uint8Array }>`SELECT secret FROM webhook.endpoint WHERE id = ${id}`, ([row]) =>
      sealed.open(sealedFor(id), row!.secret)
    )
  return Subscriptions.of({
    create: Effect.fnUntraced(function* ({ description, id, owner, types, url }) {
      const bytes = sealed.seal(sealedFor(id), newSecret())
      const [counted] = yield* sql<{ count: bigint }>`
        SELECT count(*) FROM webhook.endpoint WHERE owner = ${owner} AND id <> ${id}`
      if (Number(counted?.count ?? 0) >= endpointsMax) return yield* new TooManyEndpoints({ max: endpointsMax })
      yield* sql`
        INSERT INTO webhook.endpoint (id, owner, url, description, types, secret)
        VALUES (${id}, ${owner}, ${url}, ${description}, ${textArray(types)}, ${bytes}) ON CONFLICT (id) DO NOTHING`
      const [row] = yield* sql<Endpoint>`SELECT ${all} FROM webhook.endpoint WHERE id = ${id}`
      return { endpoint: row!, secret: yield* secretOf(id) }
    }),
    list: Effect.fnUntraced(function* (owner, { cursor, limit }) {
      const after = yield* decodeCursor(EndpointCursor, cursor)
      const rows = yield* sql<Endpoint>`
        SELECT ${all} FROM webhook.endpoint WHERE ${owned(owner)} AND id > ${after === null ? "" : after[1]}
        ORDER BY id LIMIT ${limit + 1}`
      return pageOf(rows, limit, Function.identity, ({ id }) => ["endpoints", id])
    }),
    find: (owner, id) =>
      Effect.map(sql<Endpoint>`SELECT ${all} FROM webhook.endpoint WHERE id = ${id} AND ${owned(owner)}`, ([row]) =>
        Option.fromNullishOr(row)
      ),
    replace: (id, { description, enabled, types, url }, expectedSeq) =>
      Effect.map(
        sql<Endpoint>`
          UPDATE webhook.endpoint SET url = ${url}, description = ${description}, types = ${textArray(types)},
            enabled = ${enabled}, disabled_reason = CASE WHEN ${enabled} THEN NULL ELSE coalesce(disabled_reason, 'owner') END,
            failing_since = CASE WHEN ${enabled} THEN NULL ELSE failing_since END, seq = seq + 1
          WHERE id = ${id} AND ${expectedSeq === undefined ? sql`true` : sql`seq = ${expectedSeq}`}
          RETURNING ${all}`,
        ([row]) => Option.fromNullishOr(row)
      ),
    remove: (id) => Effect.asVoid(sql`DELETE FROM webhook.endpoint WHERE id = ${id}`),
    rotate: Effect.fnUntraced(function* (id) {
      const secret = newSecret()
      yield* sql`
        UPDATE webhook.endpoint SET previous_secret = secret,
          previous_until = now() + make_interval(secs => ${overlapMs / 1_000}),
          secret = ${sealed.seal(sealedFor(id), secret)}, seq = seq + 1
        WHERE id = ${id}`
      return secret
    }),
    deliveries: Effect.fnUntraced(function* (id, { cursor, limit, state }) {
      const after = yield* decodeCursor(DeliveryCursor, cursor)
      const conditions = [sql`endpoint_id = ${id}`]
      if (state !== undefined) conditions.push(sql`state = ${state}`)
      if (after !== null) {
        const [, createdUs, messageId] = after
        conditions.push(sql`(created_at, message_id)
          < (timestamptz 'epoch' + ${String(createdUs)}::text::bigint * interval '1 microsecond', ${messageId})`)
      }
      const rows = yield* sql<DeliveryRow>`
        SELECT message_id AS "messageId", type, state, attempts, outcome,
          (extract(epoch FROM created_at) * 1000)::bigint::float8 AS "createdAt",
          (extract(epoch FROM due_at) * 1000)::bigint::float8 AS "dueAt",
          (extract(epoch FROM created_at) * 1000000)::bigint::float8 AS "createdUs"
        FROM webhook.delivery WHERE ${sql.and(conditions)} ORDER BY created_at DESC, message_id DESC LIMIT ${limit + 1}`
      return pageOf(rows, limit, deliveryOf, ({ createdUs, messageId }) => ["deliveries", createdUs, messageId])
    }),
    replay: (id, messageId) =>
      Effect.map(
        sql`
          UPDATE webhook.delivery SET state = 'pending', attempts = 0, due_at = now()
          WHERE endpoint_id = ${id} AND ${messageId === null ? sql`state = 'dead'` : sql`message_id = ${messageId}`}
          RETURNING message_id`,
        (rows) => rows.length
      ),
    test: Effect.fnUntraced(function* (id) {
      const messageId = `msg_${randomBytes(20).toString("base64url")}`
      const body = JSON.stringify({ type: "endpoint.test", timestamp: new Date().toISOString(), data: { id } })
      yield* sql`
        INSERT INTO webhook.delivery (endpoint_id, message_id, type, body)
        VALUES (${id}, ${messageId}, 'endpoint.test', ${body})`
      return messageId
    })
  })
}
