import type {
  Appended,
  DueTimer,
  JournalStore,
  Recorded,
  Snapshot,
  StoreFailed
} from "@halles/engine/journal/JournalStore"
import { StoreFailed as Failed } from "@halles/engine/journal/JournalStore"

export type Entries = Parameters<JournalStore["Service"]["append"]>[1]

/** A row of the journal. */
export interface Row extends Recorded {
  readonly entityType: string
  readonly entityId: string
  readonly shard: number
  readonly epoch: number
  readonly position: number
}

export const keyOf = (entityType: string, entityId: string): string => `${entityType}/${entityId}`

interface History {
  readonly rows: Array<Row>
  readonly commands: Map<string, Row>
}

const inOrder = (a: DueTimer, b: DueTimer): number =>
  a.dueAt - b.dueAt || (keyOf(a.entityType, a.entityId) < keyOf(b.entityType, b.entityId) ? -1 : 1)

/** The tables of a region's journal in memory, with the rules of `JournalTables.ts`. Each method is one transaction. */
export class Tables {
  /** In order of position. */
  readonly journal: Array<Row> = []
  readonly histories = new Map<string, History>()
  readonly timers = new Map<string, DueTimer>()
  readonly epochs = new Map<number, { readonly epoch: number; readonly owner: string }>()
  /** Batches whose events have not been published, by id. */
  readonly markers = new Map<bigint, { readonly rows: ReadonlyArray<Row>; readonly at: number }>()
  readonly alarms: Array<string> = []
  readonly #snapshots = new Map<string, string>()
  #batches = 0n

  append(entries: Entries, published: ReadonlyArray<bigint>, now: number): Appended | StoreFailed {
    for (const { lease } of entries) {
      if (this.epochs.get(lease.shard)?.epoch !== lease.epoch) return { _tag: "Stale" }
    }
    const rows = entries.map((entry, index) => rowOf(entry, this.journal.length + index + 1))
    const conflict = this.#conflict(rows)
    if (conflict !== null) return conflict
    for (const row of rows) this.#insert(row)
    for (const { lease, dueAt } of entries) {
      if (dueAt === undefined) continue
      const { entityId, entityType, shard } = lease
      const key = keyOf(entityType, entityId)
      if (dueAt === 0) this.timers.delete(key)
      else this.timers.set(key, { entityType, entityId, shard, dueAt })
    }
    for (const batch of published) this.markers.delete(batch)
    this.#batches += 1n
    this.markers.set(this.#batches, { rows, at: now })
    return { _tag: "Written", batch: this.#batches, positions: rows.map(({ position }) => BigInt(position)) }
  }

  /** Postgres looks at `journal_seq` before `journal_command`. */
  #conflict(rows: ReadonlyArray<Row>): Appended | StoreFailed | null {
    const seen = new Set<string>()
    for (const { commandId, entityId, entityType, seq } of rows) {
      const key = keyOf(entityType, entityId)
      const history = this.histories.get(key)
      if ((history !== undefined && seq <= history.rows.length) || seen.has(`${key} ${seq}`)) {
        return new Failed({ reason: "UniqueViolation" })
      }
      if (history?.commands.has(commandId) === true || seen.has(`${key} ${commandId}`)) return { _tag: "CommandTaken" }
      seen.add(`${key} ${seq}`).add(`${key} ${commandId}`)
    }
    return null
  }

  #insert(row: Row): void {
    const key = keyOf(row.entityType, row.entityId)
    let history = this.histories.get(key)
    if (history === undefined) {
      history = { rows: [], commands: new Map() }
      this.histories.set(key, history)
    }
    history.rows.push(row)
    history.commands.set(row.commandId, row)
    this.journal.push(row)
  }

  seqOf(entityType: string, entityId: string): number {
    return this.histories.get(keyOf(entityType, entityId))?.rows.length ?? 0
  }

  history(entityType: string, entityId: string, afterSeq: number, max: number): ReadonlyArray<Recorded> {
    const rows = this.histories.get(keyOf(entityType, entityId))?.rows ?? []
    return rows.filter(({ seq }) => seq > afterSeq).slice(0, max)
  }

  find(entityType: string, entityId: string, commandId: string): Recorded | undefined {
    return this.histories.get(keyOf(entityType, entityId))?.commands.get(commandId)
  }

  /** Its command is in the journal. One whose seq is as well is of an activation that took its entity for new, and knew none. */
  isTaken({ lease: { entityId, entityType }, commandId, seq }: Entries[number]): boolean {
    return seq > this.seqOf(entityType, entityId) && this.find(entityType, entityId, commandId) !== undefined
  }

  snapshot(entityType: string, entityId: string): Snapshot | null {
    const text = this.#snapshots.get(keyOf(entityType, entityId))
    return text === undefined ? null : JSON.parse(text)
  }

  putSnapshot(entityType: string, entityId: string, snapshot: Snapshot): void {
    const before = this.snapshot(entityType, entityId)
    if (before === null || before.seq < snapshot.seq) {
      this.#snapshots.set(keyOf(entityType, entityId), JSON.stringify(snapshot))
    }
  }

  rearm(entityType: string, entityId: string, firedAt: number, dueAt: number | null): void {
    const key = keyOf(entityType, entityId)
    const timer = this.timers.get(key)
    if (timer === undefined || timer.dueAt > firedAt) return
    if (dueAt === null) this.timers.delete(key)
    else this.timers.set(key, { ...timer, dueAt })
  }

  dueTimers(
    shards: ReadonlyArray<number>,
    now: number,
    limit: number,
    after: DueTimer | null
  ): ReadonlyArray<DueTimer> {
    return [...this.timers.values()]
      .filter(
        (timer) => timer.dueAt <= now && shards.includes(timer.shard) && (after === null || inOrder(after, timer) < 0)
      )
      .toSorted(inOrder)
      .slice(0, limit)
  }

  /** When the first timer is due. */
  nextDue(): number {
    let next = Infinity
    for (const { dueAt } of this.timers.values()) if (dueAt < next) next = dueAt
    return next
  }

  /** Its last owner has finished with the shard. */
  handOver(shard: number, epoch: number, owner: string): void {
    if (this.epochs.get(shard)?.epoch === epoch) this.epochs.set(shard, { epoch, owner })
  }

  raise(shards: ReadonlyArray<number>, owner: string): ReadonlyMap<number, number> {
    const raised = new Map<number, number>()
    for (const shard of shards) {
      const epoch = (this.epochs.get(shard)?.epoch ?? 0) + 1
      this.epochs.set(shard, { epoch, owner })
      raised.set(shard, epoch)
    }
    return raised
  }
}

const rowOf = ({ lease, at, commandId, events, meta, seq }: Entries[number], position: number): Row => {
  const { actor = null, author = null, reason = null, v: version } = JSON.parse(meta)
  const { entityId, entityType, epoch, shard } = lease
  const origin = { actor, author, reason }
  return {
    entityType,
    entityId,
    seq,
    commandId,
    events: JSON.parse(events),
    version,
    ...origin,
    shard,
    epoch,
    at,
    position
  }
}
