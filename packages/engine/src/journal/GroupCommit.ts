import { Deferred, Effect, Exit, Fiber, Latch } from "effect"
import type { Outbox } from "./Outbox.ts"
import type { Appended as Stored, JournalStore, StoreFailed } from "./JournalStore.ts"

/** One accepted command of one activation of an entity, ready to be written. */
export interface Entry {
  readonly lease: WriterLease
  readonly seq: number
  readonly commandId: string
  /** JSON texts, encoded once: for the row and for the message. */
  readonly events: string
  readonly meta: string
  /** Unix milliseconds. */
  readonly at: number
  /** Unix milliseconds; 0 deletes the timer; `undefined` leaves it. */
  readonly dueAt: number | undefined
  /** Called in commit order, in the same tick, before anybody who waits goes on. */
  readonly onCommit: () => void
  /** All entries of its joint commit, this one among them: they are written by one statement, or none of them is. */
  joint?: ReadonlyArray<Entry>
}

/** One activation of an entity on a runner. Once an entry of it is not written, nothing more of it ever is. */
export interface WriterLease {
  readonly entityType: string
  readonly entityId: string
  readonly shard: number
  readonly epoch: number
  dead: boolean
  /** It has not read the journal and takes its entity for new: until its first row is committed, or `Journal.owns` has looked. */
  isNew?: boolean
}

/** Why an entry was not written. */
export type Refused =
  | { readonly _tag: "Stale" }
  | { readonly _tag: "CommandTaken" }
  | { readonly _tag: "Failed"; readonly error: StoreFailed }
  | { readonly _tag: "Dead" }

export interface Committed {
  readonly batch: bigint
  readonly entries: ReadonlyArray<Entry & { readonly position: bigint }>
}

/** It is written, whatever its entity makes of that: one that cannot go on is rebuilt, and the writer serves the others. */
const notify = ({ lease, onCommit }: Entry): void => {
  lease.isNew = false
  try {
    onCommit()
  } catch {
    lease.dead = true
  }
}

const isDead = ({ joint, lease }: Entry): boolean => lease.dead || joint?.some((other) => other.lease.dead) === true

/** Those that share a fate: the entries of one activation, and of all activations of a joint commit. */
const groupsOf = (entries: ReadonlyArray<Entry>): Iterable<ReadonlyArray<Entry>> => {
  const first = new Map<WriterLease, WriterLease>()
  const find = (lease: WriterLease): WriterLease => {
    const before = first.get(lease)
    return before === undefined ? lease : find(before)
  }
  for (const { joint, lease } of entries) {
    for (const other of joint ?? []) {
      const [mine, theirs] = [find(lease), find(other.lease)]
      if (mine !== theirs) first.set(theirs, mine)
    }
  }
  return Map.groupBy(entries, ({ lease }) => find(lease)).values()
}

/** What became of a batch. */
type Appended = Stored | Extract<Refused, { readonly _tag: "Failed" }>

interface Batch {
  readonly entries: Array<Entry>
  length: number
  readonly refused: Map<Entry, Refused>
  readonly done: Deferred.Deferred<void>
}

/** A batch on its way to the database; `appending` is `null` when all of its entries are of dead activations. */
interface Sent {
  readonly batch: Batch
  readonly alive: ReadonlyArray<Entry>
  readonly appending: Fiber.Fiber<Appended> | null
}

/** Entries that may wait for the writer, and characters of them; at the bound commands are refused with `Busy`. */
export const queueMax = 8_192
export const queueLengthMax = 64 * 1024 ** 2
/**
 * Rows of one statement: half of what waits, so that entities decide on one half while the database writes the other, but
 * never so few that a statement costs more than its rows.
 */
const batchMin = 128
export const batchMax = 512
/** Characters of one statement, but that each takes one entry at the least. */
export const batchLengthMax = 8 * 1024 ** 2

/**
 * The writer: collects what entities decided and commits it in multi-row statements, one in flight, so
 * that the entries of an entity reach the database in order. While one statement runs the next batch fills, and the
 * callers of the last one are answered.
 */
export const make = Effect.fnUntraced(function* (options: {
  readonly store: JournalStore["Service"]
  readonly runner: string
  readonly onCommitted: (committed: Committed) => void
  /** Batches whose markers are deleted in the transaction of the next one. */
  readonly published: Outbox["Service"]["published"]
  readonly onStale: (entry: Entry) => Effect.Effect<void>
}) {
  const open: Array<Batch> = []
  let waiting = 0
  let waitingLength = 0
  /** When the batch that is being written was begun, in Unix milliseconds; 0 when none is. */
  let begun = 0
  const work = Latch.makeUnsafe(false)

  const append = (entries: ReadonlyArray<Entry>): Effect.Effect<Appended> =>
    Effect.suspend(() => {
      const published = options.published.take()
      return options.store.append(options.runner, entries, published).pipe(
        Effect.tap(({ _tag }) =>
          Effect.sync(() => {
            if (_tag === "Written") options.published.struckOff(published)
          })
        ),
        Effect.catch((error) => Effect.succeed<Appended>({ _tag: "Failed", error }))
      )
    })

  /** Tells the entities what became of their entries; `null` when they are written. */
  const settle = (entries: ReadonlyArray<Entry>, appended: Appended): Refused | null => {
    if (appended._tag !== "Written") return appended
    for (const entry of entries) notify(entry)
    options.onCommitted({
      batch: appended.batch,
      entries: entries.map((entry, index) => ({ ...entry, position: appended.positions[index]! }))
    })
    return null
  }

  /** A batch that fails is tried again group by group, so that one bad entity does not take its neighbours with it. */
  const finish = Effect.fnUntraced(function* ({ alive, batch }: Sent, appended: Appended | null) {
    if (appended !== null && settle(alive, appended) !== null) {
      for (const entries of groupsOf(alive)) {
        const refused = settle(entries, yield* append(entries))
        if (refused === null) continue
        for (const entry of entries) {
          entry.lease.dead = true
          batch.refused.set(entry, refused)
        }
        if (refused._tag === "Stale") yield* options.onStale(entries[0]!)
      }
    }
    waiting -= batch.entries.length
    waitingLength -= batch.length
    Deferred.doneUnsafe(batch.done, Exit.void)
  })

  /** Puts the next batch on its way, if there is one. */
  const send = Effect.suspend((): Effect.Effect<Sent | null> => {
    const batch = open.shift()
    begun = batch === undefined ? 0 : Date.now()
    if (batch === undefined) return Effect.succeed(null)
    const alive = batch.entries.filter((entry) => {
      if (!isDead(entry)) return true
      // Nothing that follows a row which is not written is written either.
      entry.lease.dead = true
      batch.refused.set(entry, { _tag: "Dead" })
      return false
    })
    return alive.length === 0
      ? Effect.succeed({ batch, alive, appending: null })
      : Effect.map(Effect.forkChild(append(alive), { startImmediately: true }), (appending) => ({
          batch,
          alive,
          appending
        }))
  })

  /** Writes until nothing waits. */
  const write = Effect.gen(function* () {
    let sent = yield* send
    while (sent !== null) {
      const appended = sent.appending === null ? null : yield* Fiber.join(sent.appending)
      // The database works on the next batch while the entities of this one hear of it. After a failure what comes next
      // depends on what is found out about this one.
      const next = appended === null || appended._tag === "Written" ? yield* send : null
      yield* finish(sent, appended)
      sent = next ?? (yield* send)
    }
  })

  yield* Effect.gen(function* () {
    while (true) {
      yield* work.await
      // What comes in the same turn of the event loop goes with it.
      yield* Effect.yieldNow
      work.closeUnsafe()
      yield* Effect.uninterruptible(write)
    }
  }).pipe(Effect.forkScoped)

  return {
    hasRoom: () => waiting < queueMax && waitingLength < queueLengthMax,
    /** For how long the batch that is being written has been on its way, in milliseconds. */
    slowMs: () => (begun === 0 ? 0 : Date.now() - begun),
    /**
     * Puts the entry in line at once, and before it those of other activations that are to be committed with it; the effect succeeds
     * with `null` when they are, or with why they are not.
     */
    appendUnsafe: (entry: Entry, others: ReadonlyArray<Entry> = []): Effect.Effect<Refused | null> => {
      let batch = open.at(-1)
      const entries = others.length === 0 ? [entry] : [...others, entry]
      if (others.length > 0) for (const one of entries) one.joint = entries
      const length = entries.reduce((sum, { events }) => sum + events.length, 0)
      const isFull = (filled: Batch) =>
        filled.entries.length >= Math.min(batchMax, Math.max(batchMin, waiting >> 1)) ||
        filled.length + length > batchLengthMax
      if (batch === undefined || isFull(batch)) {
        batch = { entries: [], length: 0, refused: new Map(), done: Deferred.makeUnsafe() }
        open.push(batch)
      }
      batch.entries.push(...entries)
      batch.length += length
      waiting += entries.length
      waitingLength += length
      work.openUnsafe()
      const joined = batch
      return Effect.map(Deferred.await(joined.done), () => joined.refused.get(entry) ?? null)
    }
  }
})
