import { domainMutants } from "./DomainMutants.ts"
import { jointMutants } from "./JointMutants.ts"
import type { Mutant } from "./Mutant.ts"
import { streamMutants } from "./StreamMutants.ts"

const entity = "packages/engine/src/eventsourced/EventSourcedEntity.ts"
const host = "packages/engine/src/activation/Activation.ts"
const commit = "packages/engine/src/journal/GroupCommit.ts"

export const mutants: ReadonlyArray<Mutant> = [
  {
    name: "acknowledge before the commit",
    file: entity,
    find: "const answer = Effect.flatMap(commit, (refused) => {",
    replace: "const answer = Effect.flatMap(Effect.succeed<Refused | null>(null), (refused) => {",
    caughtBy: "sim"
  },
  {
    name: "answer queries from the speculative state",
    file: entity,
    find: "Effect.sync(() => ({ state: this.state, seq: this.committedSeq }))",
    replace: "Effect.sync(() => ({ state: this.speculative, seq: this.seq }))",
    caughtBy: "sim"
  },
  {
    name: "answer from memory without being sure of the shard",
    file: entity,
    find: "if (lease.isNew !== true && kind.epochs.isSure(lease.shard, lease.epoch)) return answer",
    replace: "if (!lease.dead) return answer",
    caughtBy: "sim"
  },
  {
    name: "answer for an entity that is taken for new and has a history",
    file: entity,
    find: "if (lease.isNew === true && this.seq > 0) return this.whenCommitted(this.lastCommit, this.asOwner(answer))",
    replace: "if (lease.isNew === true) return answer",
    caughtBy: "sim"
  },
  {
    name: "begin a second history of an entity that is taken for new",
    file: "infra/proofs/sim/src/Tables.ts",
    find: "(history !== undefined && seq <= history.rows.length) ||",
    replace: "",
    caughtBy: "sim"
  },
  {
    name: "evolve twice",
    file: entity,
    find: "const state = events.reduce(model.evolve, this.speculative)",
    replace: "const state = [...events, ...events].reduce(model.evolve, this.speculative)",
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
    name: "do not look for a repeat in the journal",
    file: entity,
    find: "journal.find(model.type, this.id, commandId),",
    replace: "Effect.succeedNone,",
    caughtBy: "sim"
  },
  {
    name: "drop the command ids of the snapshot",
    file: entity,
    find: "commands: [...recent].slice(0, recent.size - (seq - committedSeq))",
    replace: "commands: []",
    caughtBy: "sim"
  },
  {
    name: "write what is not committed into the snapshot",
    file: entity,
    find: "state: kind.encodeState(state)",
    replace: "state: kind.encodeState(this.speculative)",
    caughtBy: "sim"
  },
  {
    name: "write no timer",
    file: entity,
    find: "dueAt: this.timer.toWrite(this.timerWanted(state), at),",
    replace: "dueAt: undefined,",
    caughtBy: "sim"
  },
  {
    name: "write a row without what was deferred before it",
    file: entity,
    find: "[...(this.deferred?.encoded ?? []), ...encodeEvents(events)]",
    replace: "events.length > 0 ? encodeEvents(events) : (this.deferred?.encoded ?? [])",
    caughtBy: "sim"
  },
  {
    name: "acknowledge what is deferred before it is written",
    file: entity,
    find: "return isWaiting ? this.whenCommitted",
    replace: "return !isWaiting ? this.whenCommitted",
    caughtBy: "sim"
  },
  {
    name: "do not go on with a saga after a takeover",
    file: entity,
    find: `lease.entityId)
    this.startDriving()`,
    replace: `lease.entityId)`,
    caughtBy: "sim"
  },
  {
    name: "go on with an entity whose handler died",
    file: host,
    find: 'if (!call.isCut && this.self === self && this.mode === "working") this.end()',
    replace: "",
    caughtBy: "sim"
  },
  {
    name: "keep the entities of a shard that is given away",
    file: host,
    find: `      this.leaveMemory()
      this.waiting = null`,
    replace: "      return Effect.void",
    caughtBy: "sim"
  },
  {
    name: "lose the timers of a shard that is taken over",
    file: "packages/engine/src/eventsourced/Timers.ts",
    find: "const shards = epochs.owned()",
    replace: "const shards = epochs.owned().filter((shard) => epochs.current(shard) === 1)",
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
    name: "publish before the commit",
    file: commit,
    find: "const published = options.published.take()",
    replace: `const published = options.published.take()
      options.onCommitted({ batch: 0n, entries: entries.map((entry) => ({ ...entry, position: 0n })) })`,
    caughtBy: "sim"
  },
  {
    name: "go on after a write that was refused",
    file: commit,
    find: "entry.lease.dead = true\n          batch.refused.set(entry, refused)",
    replace: "batch.refused.set(entry, refused)",
    caughtBy: "sim"
  },
  {
    name: "forget the markers that a batch was to take along",
    file: commit,
    find: "return options.store.append(options.runner, entries, published).pipe(",
    replace:
      "options.published.struckOff(published)\n      return options.store.append(options.runner, entries, []).pipe(",
    caughtBy: "sim"
  },
  {
    name: "write under an old epoch",
    file: "infra/proofs/sim/src/Tables.ts",
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
  },
  {
    name: "write rows of any size",
    file: entity,
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
  {
    name: "bound no bytes of a cart",
    file: "packages/entities/src/cart/CartBounds.ts",
    find: '["bytes", bytesMax,',
    replace: '["bytes", Infinity,',
    caughtBy: "oversize"
  },
  ...domainMutants,
  ...jointMutants,
  ...streamMutants
]
