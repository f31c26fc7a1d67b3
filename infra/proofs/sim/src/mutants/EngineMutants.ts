import type { Mutant } from "./Mutant.ts"

const eventSourcedEntity = "packages/engine/src/eventsourced/EventSourcedEntity.ts"
const tables = "infra/proofs/sim/src/Tables.ts"
const activation = "packages/engine/src/activation/Activation.ts"

/** Faults of the engine up to the commit: of an event-sourced entity, of activations, of the owners of shards, of the statements that write rows. */
export const engineMutants: ReadonlyArray<Mutant> = [
  // One event-sourced entity.
  {
    name: "acknowledge before the commit",
    file: eventSourcedEntity,
    find: "const answer = Effect.flatMap(commit, (refused) => {",
    replace: "const answer = Effect.flatMap(Effect.succeed<Refused | null>(null), (refused) => {",
    caughtBy: "sim"
  },
  {
    name: "answer queries from the speculative state",
    file: eventSourcedEntity,
    find: "Effect.sync(() => ({ state: this.state, seq: this.committedSeq }))",
    replace: "Effect.sync(() => ({ state: this.speculative, seq: this.seq }))",
    caughtBy: "sim"
  },
  {
    name: "answer from memory without being sure of the shard",
    file: "packages/engine/src/eventsourced/Ownership.ts",
    find: "if (lease.isNew !== true && epochs.isSure(lease.shard, lease.epoch)) return answer",
    replace: "if (!lease.dead) return answer",
    caughtBy: "sim"
  },
  {
    name: "evolve twice",
    file: eventSourcedEntity,
    find: "const state = evolved(model, this.speculative, events, seq)",
    replace: "const state = evolved(model, this.speculative, [...events, ...events], seq)",
    caughtBy: "sim"
  },
  {
    name: "write a row without what was deferred before it",
    file: eventSourcedEntity,
    find: "[...(this.deferred?.encoded ?? []), ...encodeEvents(events)]",
    replace: "events.length > 0 ? encodeEvents(events) : (this.deferred?.encoded ?? [])",
    caughtBy: "sim"
  },
  {
    name: "acknowledge what is deferred before it is written",
    file: eventSourcedEntity,
    find: "return isWaiting ? this.whenCommitted",
    replace: "return !isWaiting ? this.whenCommitted",
    caughtBy: "sim"
  },
  {
    name: "write no timer",
    file: eventSourcedEntity,
    find: "dueAt: this.timer.toWrite(this.timerWanted(state), at),",
    replace: "dueAt: undefined,",
    caughtBy: "sim"
  },
  {
    name: "do not go on with a saga after a takeover",
    file: eventSourcedEntity,
    find: `lease.entityId)
    this.startDriving()`,
    replace: `lease.entityId)`,
    caughtBy: "sim"
  },
  {
    name: "write rows of any size",
    file: eventSourcedEntity,
    find: "if (!RowSize.fits(text, this.kind.bounds)) {",
    replace: 'if (text === "") {',
    caughtBy: "oversize"
  },
  {
    name: "count the characters of a row, not its bytes",
    file: "packages/shared/src/Bytes.ts",
    find: "text.length * 3 <= bytesMax || (text.length <= bytesMax && Buffer.byteLength(text) <= bytesMax)",
    replace: "text.length <= bytesMax",
    caughtBy: "oversize"
  },
  // A command that comes again.
  {
    name: "do not look for a repeat in the journal",
    file: eventSourcedEntity,
    find: "journal.find(model.type, this.id, commandId),",
    replace: "Effect.succeedNone,",
    caughtBy: "sim"
  },
  {
    name: "forget the command ids of the rows that are loaded",
    file: "packages/engine/src/eventsourced/EventSourced.ts",
    find: "remember(recent, row.commandId, bounds.recentMax)",
    replace: "",
    caughtBy: "sim"
  },
  {
    name: "drop the command ids of the snapshot",
    file: eventSourcedEntity,
    find: "commands: [...recent].slice(0, recent.size - (seq - committedSeq))",
    replace: "commands: []",
    caughtBy: "sim"
  },
  {
    name: "write what is not committed into the snapshot",
    file: eventSourcedEntity,
    find: "state: kind.encodeState(state)",
    replace: "state: kind.encodeState(this.speculative)",
    caughtBy: "sim"
  },
  // An entity that is taken for new, and not loaded.
  {
    name: "answer for an entity that is taken for new and has a history",
    file: eventSourcedEntity,
    find: "? this.whenCommitted(this.lastCommit, this.asOwner(answer))",
    replace: "? answer",
    caughtBy: "sim"
  },
  {
    name: "begin a second history of an entity that is taken for new",
    file: tables,
    find: "(history !== undefined && seq <= history.rows.length) ||",
    replace: "",
    caughtBy: "sim"
  },
  // Activations, and the owners of shards.
  {
    name: "go on with an entity whose handler died",
    file: activation,
    find: 'if (!call.isCut && this.self === self && this.mode === "working") this.end()',
    replace: "",
    caughtBy: "sim"
  },
  {
    name: "keep the entities of a shard that is given away",
    file: activation,
    find: `      this.leaveMemory()
      this.waiting = null`,
    replace: "      return Effect.void",
    caughtBy: "sim"
  },
  {
    name: "keep a shard that another runner has taken",
    file: "packages/engine/src/placement/FencedRunnerStorage.ts",
    find: "return shards.filter(isHeld)",
    replace: "return shards",
    caughtBy: "sim"
  },
  {
    name: "lose the timers of a shard that is taken over",
    file: "packages/engine/src/eventsourced/Timers.ts",
    find: "const shards = epochs.owned()",
    replace: "const shards = epochs.owned().filter((shard) => epochs.current(shard) === 1)",
    caughtBy: "sim"
  },
  // Statements that write rows.
  {
    name: "go on after a write that was refused",
    file: "packages/engine/src/journal/GroupCommit.ts",
    find: "entry.lease.dead = true\n          batch.refused.set(entry, refused)",
    replace: "batch.refused.set(entry, refused)",
    caughtBy: "sim"
  },
  {
    name: "write under an old epoch",
    file: tables,
    find: 'if (this.epochs.get(lease.shard)?.epoch !== lease.epoch) return { _tag: "Stale" }',
    replace: "",
    caughtBy: "sim"
  },
  {
    name: "write under an old epoch, in SQL",
    file: "packages/engine/src/journal/JournalTables.ts",
    find: "IF stale IS NOT NULL THEN",
    replace: "IF false THEN",
    caughtBy: "check"
  }
]
