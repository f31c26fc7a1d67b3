import { Clock, Effect } from "effect"
import { SqlClient, type SqlError } from "effect/sql"
import type { KeyObject } from "node:crypto"
import { isSignedBy } from "./AnchorKey.ts"
import type { Anchor } from "./Anchors.ts"
import { genesis, hashOf, type Row } from "./AuditEntry.ts"

/** What does not fit, and where. */
export interface Finding {
  readonly kind: "changed" | "missing" | "truncated" | "unanchored" | "forged"
  readonly seq: bigint
  readonly detail: string
}

/** The chain so far: the number and hash of its last row. */
interface Link {
  readonly seq: bigint
  readonly hash: string
}
export const start: Link = { seq: 0n, hash: genesis }

/**
 * Whether a row follows the one before it. After a finding the chain is taken up at the row as it stands, so that one fault is
 * one finding, and what comes later is judged by itself.
 */
export const follow = (before: Link, row: Row): Finding | null => {
  if (row.seq !== before.seq + 1n) {
    const gone = row.seq - before.seq - 1n
    const detail = gone === 1n ? "The row is missing" : `${gone} rows are missing, up to ${row.seq - 1n}`
    return { kind: "missing", seq: before.seq + 1n, detail }
  }
  return hashOf(before.hash, row) === row.hash
    ? null
    : {
        kind: "changed",
        seq: row.seq,
        detail: "The row does not fit its hash and the row before: changed, or out of order"
      }
}

/** By then a writer has anchored its first rows, and the signer has signed them. */
const anchoredWithinMs = 60_000
/** Rows read at a time. */
const pageMax = 2_000

export interface Report {
  readonly rows: number
  readonly anchors: number
  readonly head: Link
  /** The rows that no signature covers, all after the last signed one; none when there are none, or no key to verify by. */
  readonly unsigned: { readonly from: bigint; readonly to: bigint } | null
  readonly findings: ReadonlyArray<Finding>
}

/**
 * Reads the whole log and compares it with itself and with its anchors; at most `findingsMax` findings are told. With `keys`
 * an anchor that claims a signature must have one of theirs, and only signed anchors vouch for rows: the last one for all
 * before it, since each row holds the hash of the one before.
 */
export const verify = Effect.fn("AuditLog.verify")(function* (
  anchors: ReadonlyArray<Anchor>,
  keys: ReadonlyArray<KeyObject> = [],
  findingsMax = 100
): Effect.fn.Return<Report, SqlError.SqlError, SqlClient.SqlClient> {
  const sql = yield* SqlClient.SqlClient
  const claims = keys.length === 0 ? [] : anchors.filter(({ signature }) => signature !== undefined)
  const forged = new Set(claims.filter((anchor) => !isSignedBy(keys, anchor)))
  const anchored = new Map(anchors.map(({ hash, seq }) => [BigInt(seq), hash]))
  const findings: Array<Finding> = [...forged].map(({ seq }) => ({
    kind: "forged" as const,
    seq: BigInt(seq),
    detail: "An anchor with a signature that is not ours"
  }))
  const signed = new Map(claims.filter((anchor) => !forged.has(anchor)).map(({ hash, seq }) => [BigInt(seq), hash]))
  let vouched = 0n
  let unvouchedAt: bigint | null = null
  let last = start
  let rows = 0
  let oldest: bigint | null = null
  while (findings.length < findingsMax) {
    const page = yield* sql<Row>`
      SELECT seq, at, entry, hash FROM audit.entry WHERE seq > ${last.seq} ORDER BY seq LIMIT ${pageMax}`
    if (page.length === 0) break
    for (const row of page) {
      const found = follow(last, row)
      if (found !== null) findings.push(found)
      // What was signed counts, whatever else names the same row.
      const anchor = signed.get(row.seq) ?? anchored.get(row.seq)
      if (signed.get(row.seq) === row.hash) {
        vouched = row.seq
        unvouchedAt = null
      } else unvouchedAt ??= row.at
      if (anchor !== undefined && anchor !== row.hash && found === null) {
        findings.push({ kind: "changed", seq: row.seq, detail: "The row is not the one that was anchored: rewritten" })
      }
      last = { seq: row.seq, hash: row.hash }
      rows += 1
      oldest ??= row.at
    }
  }
  const longest = [...anchored.keys()].reduce((most, seq) => (seq > most ? seq : most), 0n)
  if (longest > last.seq) {
    findings.push({ kind: "truncated", seq: last.seq + 1n, detail: `The log once went on to row ${longest}` })
  }
  const now = yield* Clock.currentTimeMillis
  if (anchors.length === 0 && oldest !== null && now - Number(oldest / 1_000n) > anchoredWithinMs) {
    findings.push({
      kind: "unanchored",
      seq: last.seq,
      detail: "There are no anchors: nothing tells how long it once was"
    })
  }
  const unsigned = keys.length === 0 || vouched === last.seq ? null : { from: vouched + 1n, to: last.seq }
  if (unsigned !== null && unvouchedAt !== null && now - Number(unvouchedAt / 1_000n) > anchoredWithinMs) {
    const detail = `No signature covers rows ${unsigned.from} to ${unsigned.to}`
    findings.push({ kind: "unanchored", seq: unsigned.from, detail })
  }
  return { unsigned, rows, anchors: anchors.length, head: last, findings: findings.slice(0, findingsMax) }
})
