import { jetstream } from "@nats-io/jetstream"
import { Effect, Layer, Metric, type Redacted, Schedule } from "effect"
import { SqlClient } from "effect/sql"
import { createPublicKey } from "node:crypto"
import { Nats } from "../clients/Nats.ts"
import { isSignedBy, signed, signingKey } from "./AnchorKey.ts"
import * as Anchors from "./Anchors.ts"
import type { Row } from "./AuditEntry.ts"
import { type Finding, follow, start } from "./AuditVerify.ts"

const every = "5 seconds"
/** Rows of one look; a long log is caught up with over many looks. */
const rowsMax = 5_000
/** Anchors that are looked at for the newest that is signed. */
const anchorsMax = 1_000

const broken = Metric.gauge("halles_audit_chain_broken", {
  description: "1 while the audit log does not continue what was signed, and is not signed any further."
})

/**
 * Signs the end of the log as it grows, but only an end that continues what it signed before: it follows every row from there.
 * Where that fails it signs nothing more and says so, since a signature would vouch for the rewritten log.
 */
export const layer = (secret: Redacted.Redacted): Layer.Layer<never, never, SqlClient.SqlClient | Nats> =>
  Layer.effectDiscard(
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const nats = yield* Nats
      const stream = jetstream(nats)
      const key = signingKey(secret)
      const keys = [createPublicKey(key)]
      let last: typeof start | null = null
      let wrong: Finding | null = null

      /** Where this process, or another one before it, has come to. */
      const resume = Effect.map(Anchors.newest(nats, anchorsMax), (anchors) => {
        const newest = anchors.findLast((anchor) => anchor.signature !== undefined && isSignedBy(keys, anchor))
        return newest === undefined ? start : { seq: BigInt(newest.seq), hash: newest.hash }
      })
      const look = Effect.gen(function* () {
        if (wrong !== null) return
        const from = (last ??= yield* resume)
        // With the row that was signed, to see that it is still there.
        const rows = yield* sql<Row>`
          SELECT seq, at, entry, hash FROM audit.entry WHERE seq >= ${from.seq} ORDER BY seq LIMIT ${rowsMax}`
        const isThere = from.seq === 0n || (rows[0]?.seq === from.seq && rows[0].hash === from.hash)
        if (!isThere) wrong = { kind: "changed", seq: from.seq, detail: "The row that was signed is not there" }
        let head = from
        for (const row of from.seq === 0n ? rows : rows.slice(1)) {
          wrong ??= follow(head, row)
          head = { seq: row.seq, hash: row.hash }
        }
        yield* Metric.update(broken, wrong === null ? 0 : 1)
        if (wrong !== null) {
          const { detail, kind, seq } = wrong
          return yield* Effect.logError("The audit log is not signed any further", { kind, seq: String(seq), detail })
        }
        if (head.seq === from.seq) return
        yield* Anchors.publish(stream, nats, signed(key, { seq: String(head.seq), hash: head.hash }))
        last = head
      })
      yield* look.pipe(
        Effect.catch((error) => Effect.logWarning("The audit log could not be signed, trying again", error._tag)),
        Effect.repeat(Schedule.spaced(every)),
        Effect.forkScoped
      )
    })
  )
