import { jetstream } from "@nats-io/jetstream"
import { Context, Deferred, Effect, Latch, Layer, Metric, Schema } from "effect"
import { SqlClient } from "effect/sql"
import { randomUUID } from "node:crypto"
import * as Anchors from "./Anchors.ts"
import { type Act, canonical } from "./AuditEntry.ts"
import { Nats } from "../clients/Nats.ts"

/** The log did not take an entry in time. What was to be logged must not happen: it is a defect, answered with 503. */
export class AuditUnavailable extends Schema.TaggedError<AuditUnavailable>()("AuditUnavailable", {
  cause: Schema.Defect()
}) {}

/** Entries of one process that wait for the database; the next denied attempt is counted and dropped, any other act refused. */
export const waitingMax = 4_096
const batchMax = 256
/** One statement; and all that an act waits for. */
const appendMsMax = 2_000
export const waitMsMax = 3_000
/** Between two tries while the database is away. */
const againAfterMs = 500
/** Denied attempts that are alike within this window are one row and a count of repeats, and so many are told apart. */
export const windowMs = 10_000
export const alikeMax = 256
/** A head that moved is anchored after this long: rows that are cut off the end sooner leave no trace. */
const anchorEveryMs = 5_000

const rows = Metric.counter("halles_audit_rows_total", {
  description: "Acts written to the audit log, by outcome",
  incremental: true
})
const dropped = Metric.counter("halles_audit_dropped_total", {
  description: "Denied attempts that were counted, but not written: too many at once, or the database was away",
  incremental: true
})

interface Waiting {
  readonly text: string
  readonly act: Act
  readonly written: Deferred.Deferred<void, AuditUnavailable> | null
}

/**
 * What was done, by whom, and what was tried: append-only, each row carrying the hash of the one before it.
 *
 * **Details**
 *
 * `record` of what is allowed, or failed, returns once it is committed, and dies with `AuditUnavailable` otherwise: record
 * first, then act. Denied attempts never wait: they are buffered, attempts that are alike become one row with a count,
 * and what exceeds the buffer is counted. Who writes can only append (`Tables.ts`); what was cut off the end is found by the
 * anchors (`Anchors.ts`).
 */
export class AuditLog extends Context.Service<AuditLog, { readonly record: (act: Act) => Effect.Effect<void> }>()(
  "@halles/shared/AuditLog"
) {
  static readonly layer: Layer.Layer<AuditLog, never, SqlClient.SqlClient | Nats> = Layer.effect(
    AuditLog,
    Effect.suspend(() => make)
  )

  /** Keeps what is recorded in the given list. */
  static readonly layerMemory = (acts: Array<Act> = []): Layer.Layer<AuditLog> =>
    Layer.succeed(AuditLog, { record: (act) => Effect.sync(() => void acts.push(act)) })
}

const make = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const nats = yield* Nats
  const stream = jetstream(nats)
  const work = Latch.makeUnsafe(false)
  let waiting: Array<Waiting> = []
  let head: Anchors.Anchor | null = null

  const enqueue = (act: Act, written: Waiting["written"]): boolean => {
    if (waiting.length >= waitingMax) return false
    waiting.push({ act, text: canonical(act, randomUUID()), written })
    work.openUnsafe()
    return true
  }
  const append = (batch: ReadonlyArray<Waiting>) =>
    Effect.timeout(
      sql<{ seq: bigint; hash: string }>`SELECT * FROM audit.append(${batch.map(({ text }) => text)}::text[])`,
      appendMsMax
    )
  const flush = Effect.gen(function* () {
    const batch = waiting.slice(0, batchMax)
    if (batch.length === 0) return
    const [last] = yield* append(batch)
    waiting = waiting.slice(batch.length)
    if (last !== undefined) head = { seq: String(last.seq), hash: last.hash }
    for (const { act, written } of batch) {
      yield* Metric.update(Metric.withAttributes(rows, { outcome: act.outcome }), 1)
      if (written !== null) yield* Deferred.succeed(written, undefined)
    }
  })
  /** Acts that wait are refused; attempts stay, for the next try. An entry that was written all the same is known by its id. */
  const refuse = (cause: unknown) =>
    Effect.gen(function* () {
      const refused = waiting.filter(({ written }) => written !== null)
      waiting = waiting.filter(({ written }) => written === null)
      yield* Effect.forEach(
        refused,
        ({ written }) => (written === null ? Effect.void : Deferred.fail(written, new AuditUnavailable({ cause }))),
        { discard: true }
      )
      yield* Effect.logWarning("The audit log takes no entries, trying again", cause)
      yield* Effect.sleep(againAfterMs)
    })
  yield* Effect.forkScoped(
    Effect.forever(
      Effect.gen(function* () {
        yield* work.await
        yield* Effect.catch(flush, refuse)
        if (waiting.length === 0) work.closeUnsafe()
      })
    )
  )

  const alike = new Map<string, { readonly act: Act; repeats: number }>()
  let beyond = 0
  const deny = (act: Act): Effect.Effect<void> => {
    const key = JSON.stringify([act.actor, act.action, act.subject, act.reason])
    const known = alike.get(key)
    if (known !== undefined) {
      known.repeats += 1
      return Effect.void
    }
    if (alike.size < alikeMax) {
      alike.set(key, { act, repeats: 0 })
      if (enqueue(act, null)) return Effect.void
    }
    beyond += 1
    return Metric.update(dropped, 1)
  }
  const closeWindow = () => {
    for (const { act, repeats } of alike.values()) {
      if (repeats > 0 && !enqueue({ ...act, details: { ...act.details, repeats } }, null)) beyond += repeats
    }
    alike.clear()
    if (beyond === 0) return
    const summary = { actor: "audit", action: "audit.overflow", subject: "denied", outcome: "denied" } as const
    if (enqueue({ ...summary, details: { count: beyond } }, null)) beyond = 0
  }
  yield* Effect.forkScoped(Effect.forever(Effect.andThen(Effect.sleep(windowMs), Effect.sync(closeWindow))))

  let anchored: string | null = null
  const anchor = Effect.suspend(() => {
    const now = head
    if (now === null || now.hash === anchored) return Effect.void
    return Anchors.publish(stream, nats, now).pipe(
      Effect.andThen(Effect.logInfo("Audit log anchor", now)),
      Effect.andThen(Effect.sync(() => void (anchored = now.hash))),
      Effect.catch((error) => Effect.logWarning("The audit log cannot be anchored, trying again", error))
    )
  })
  yield* Effect.forkScoped(Effect.forever(Effect.andThen(Effect.sleep(anchorEveryMs), anchor)))

  // What is buffered when the process stops gets one more chance.
  yield* Effect.addFinalizer(() =>
    Effect.sync(closeWindow).pipe(
      Effect.andThen(Effect.whileLoop({ while: () => waiting.length > 0, body: () => flush, step: () => undefined })),
      Effect.andThen(anchor),
      Effect.timeout(appendMsMax),
      Effect.ignore
    )
  )

  return AuditLog.of({
    record: (act) =>
      Effect.suspend(() => {
        if (act.outcome === "denied") return deny(act)
        const written = Deferred.makeUnsafe<void, AuditUnavailable>()
        if (!enqueue(act, written)) return Effect.die(new AuditUnavailable({ cause: "too many acts are waiting" }))
        return Deferred.await(written).pipe(
          Effect.timeoutOrElse({
            duration: waitMsMax,
            orElse: () => Effect.fail(new AuditUnavailable({ cause: "no answer in time" }))
          }),
          Effect.orDie
        )
      })
  })
})
