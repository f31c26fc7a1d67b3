import { Effect } from "effect"
import type { SqlClient } from "effect/sql"
import { type Findings, keptMax } from "./Findings.ts"

/** Found by the database itself, from the whole journal. */
interface Found {
  readonly entity_type: string
  readonly entity_id: string
  readonly seq: number | null
  readonly detail: string
}

const rowsWithin = (rows: ReadonlyArray<Found>, add: (row: Found) => void): void => {
  for (const row of rows) add(row)
}

/** I10: the same command id twice in one history. Looked for in the rows, whatever the indexes say. */
export const commandsOnce = Effect.fnUntraced(function* (sql: SqlClient.SqlClient, findings: Findings, rows: number) {
  const found = yield* sql<Found>`
    SELECT entity_type, entity_id, max(seq) AS seq,
      'command ' || command_id || ' has ' || count(*) || ' rows' AS detail
    FROM journal_all GROUP BY entity_type, entity_id, command_id HAVING count(*) > 1 LIMIT 1000`
  findings.checked("I10", rows)
  rowsWithin(found, (row) => findings.violation("I10", row.entity_type, row.entity_id, row.seq, row.detail))
  const [unique] = yield* sql<{ count: bigint }>`
    SELECT count(*) FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
    WHERE i.indrelid = 'journal'::regclass AND i.indisunique AND i.indisvalid
      AND c.relname IN ('journal_seq', 'journal_command')`
  if (unique?.count !== 2n) findings.note("I10", "the journal has lost a unique index: nothing keeps it so")
})

/**
 * I12: in order of position the epochs of a shard never go back, and none is above the one that the shard has now.
 *
 * Positions are given out inside the batch's transaction, after it has taken the shard's lock, and an epoch is raised
 * only while nobody holds that lock: so between two epochs of a shard position order is commit order.
 */
export const epochsOnward = Effect.fnUntraced(function* (sql: SqlClient.SqlClient, findings: Findings, rows: number) {
  findings.checked("I12", rows)
  const back = yield* sql<Found>`
    SELECT entity_type, entity_id, seq,
      'in shard ' || shard || ' epoch ' || epoch || ' wrote after epoch ' || before AS detail
    FROM (
      SELECT entity_type, entity_id, seq, shard, epoch, position,
        lag(epoch) OVER (PARTITION BY shard ORDER BY position) AS before
      FROM journal_all) j
    WHERE epoch < before ORDER BY position LIMIT ${keptMax * 10}`
  rowsWithin(back, (row) => findings.violation("I12", row.entity_type, row.entity_id, row.seq, row.detail))
  const above = yield* sql<Found>`
    SELECT DISTINCT ON (j.shard) j.entity_type, j.entity_id, j.seq,
      'epoch ' || j.epoch || ' wrote, shard ' || j.shard || ' is at ' || coalesce(e.epoch::text, 'none') AS detail
    FROM journal_all j
    JOIN (SELECT shard, max(epoch) AS epoch FROM journal_all GROUP BY shard) m ON m.shard = j.shard AND m.epoch = j.epoch
    LEFT JOIN shard_epoch e ON e.shard = j.shard
    WHERE e.epoch IS NULL OR j.epoch > e.epoch
    ORDER BY j.shard, j.position LIMIT 1000`
  rowsWithin(above, (row) => findings.violation("I12", row.entity_type, row.entity_id, row.seq, row.detail))
})

/** One command that some caller was told has been done. */
export interface Acknowledged {
  readonly type: string
  readonly id: string
  readonly commandId: string
}

/** I11, the other half: what callers hold as done is in the journal. */
export const acknowledgedKept = Effect.fnUntraced(function* (
  sql: SqlClient.SqlClient,
  findings: Findings,
  acknowledged: ReadonlyArray<Acknowledged>
) {
  for (let from = 0; from < acknowledged.length; from += 1_000) {
    const part = acknowledged.slice(from, from + 1_000)
    const lost = yield* sql<Found & { readonly command_id: string }>`
      SELECT a.type AS entity_type, a.id AS entity_id, NULL::int AS seq, '' AS detail, a."commandId" AS command_id
      FROM jsonb_to_recordset(${JSON.stringify(part)}::text::jsonb) AS a(type text, id text, "commandId" text)
      WHERE NOT EXISTS (
        SELECT FROM journal_all j
        WHERE j.entity_type = a.type AND j.entity_id = a.id AND j.command_id = a."commandId")`
    findings.checked("I11", part.length)
    for (const { command_id, entity_id, entity_type } of lost) {
      findings.violation(
        "I11",
        entity_type,
        entity_id,
        null,
        `command ${command_id} was acknowledged and is not in the journal`
      )
    }
  }
})
