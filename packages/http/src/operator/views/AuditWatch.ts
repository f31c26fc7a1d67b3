import type { Row } from "@halles/shared/audit/AuditEntry"
import { type Finding, follow, start } from "@halles/shared/audit/AuditVerify"
import { Context, Effect, Layer, Schedule } from "effect"
import { SqlClient } from "effect/sql"

const everyMs = 10_000
/** Rows of one look; a long log is caught up with over many looks. */
const rowsMax = 2_000
/** Findings that are kept; the first ones say where it began. */
const findingsMax = 20

/**
 * Follows the chain of the audit log as it grows, and says what does not fit. It holds the end in memory, so that rows which
 * are cut off later are noticed; `npm run audit -- verify` compares with the anchors too.
 */
export class AuditWatch extends Context.Service<
  AuditWatch,
  { readonly findings: Effect.Effect<ReadonlyArray<Finding>> }
>()("@halles/http/Operator/AuditWatch") {
  static readonly layer = Layer.effect(
    AuditWatch,
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const findings: Array<Finding> = []
      let last = start
      const note = (finding: Finding | null) => {
        if (finding !== null && findings.length < findingsMax) findings.push(finding)
      }
      yield* Effect.gen(function* () {
        const [head] = yield* sql<{ seq: bigint; hash: string }>`
          SELECT seq, hash FROM audit.entry WHERE seq <= ${last.seq} ORDER BY seq DESC LIMIT 1`
        if (last.seq > 0n && (head?.seq !== last.seq || head.hash !== last.hash)) {
          const detail = `The log was seen to go on to row ${last.seq}`
          note({ kind: head?.seq === last.seq ? "changed" : "truncated", seq: last.seq, detail })
          last = head ?? start
        }
        const rows = yield* sql<Row>`
          SELECT seq, at, entry, hash FROM audit.entry WHERE seq > ${last.seq} ORDER BY seq LIMIT ${rowsMax}`
        for (const row of rows) {
          note(follow(last, row))
          last = { seq: row.seq, hash: row.hash }
        }
      }).pipe(
        Effect.catch((error) => Effect.logWarning("The audit log could not be read", error.reason._tag)),
        Effect.repeat(Schedule.spaced(everyMs)),
        Effect.forkScoped
      )
      return { findings: Effect.sync(() => findings) }
    })
  )
}
