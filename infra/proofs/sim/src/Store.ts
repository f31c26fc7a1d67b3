import { historyMax, JournalStore, StoreFailed } from "@halles/engine/journal/JournalStore"
import { WrittenTimers } from "@halles/engine/journal/WrittenTimers"
import { Effect, Option } from "effect"
import type { Entries, Tables } from "./Tables.ts"
import type { Process, Timer, World } from "./World.ts"

/** How the servers behave: chances of one operation. */
export interface Weather {
  /** Fails before it is done. */
  readonly lost: number
  /** Is done, and the answer is lost. */
  readonly unanswered: number
  /** Takes long. */
  readonly slow: number
}

/** A runner's connection to the region's database. What was sent is done, or not, whatever becomes of the runner. */
export class Connection {
  readonly #world: World
  readonly #process: Process
  readonly #weather: () => Weather
  readonly #underWay = new Set<Timer>()

  constructor(world: World, process: Process, weather: () => Weather) {
    this.#world = world
    this.#process = process
    this.#weather = weather
  }

  /** Sends a statement; `run` is its transaction. */
  ask<A>(what: string, run: () => A | StoreFailed): Effect.Effect<A, StoreFailed> {
    return Effect.callback((resume) => {
      const world = this.#world
      const { lost, slow, unanswered } = this.#weather()
      const fate = world.chance(lost) ? "lost" : world.chance(unanswered) ? "unanswered" : "done"
      const wait = () => (world.chance(slow) ? world.between(50, 3_000) : world.between(0.1, 3))
      const answer = (result: A | StoreFailed) =>
        world.after(wait(), this.#process, () =>
          resume(result instanceof StoreFailed ? Effect.fail(result) : Effect.succeed(result))
        )
      const sent = world.after(wait(), world.outside, () => {
        this.#underWay.delete(sent)
        if (fate === "lost") return void answer(new StoreFailed({ reason: "ConnectionError" }))
        const result = run()
        world.note("store", `${this.#process.name} ${what}${fate === "done" ? "" : " unanswered"}`)
        answer(fate === "done" ? result : new StoreFailed({ reason: "ConnectionError" }))
      })
      this.#underWay.add(sent)
    })
  }

  /** Of the statements under way some arrive all the same. */
  cut(): void {
    for (const timer of this.#underWay) if (this.#world.chance(0.5)) timer.cancelled = true
    this.#underWay.clear()
  }
}

/** The journal's tables as one runner reaches them. */
export const make = (
  world: World,
  tables: Tables,
  connection: Connection,
  onTaken: (entry: Entries[number]) => void
): JournalStore["Service"] => {
  const ask = connection.ask.bind(connection)
  const append = (owner: string, entries: Entries, published: ReadonlyArray<bigint>) =>
    ask("append", () => {
      const appended = tables.append(entries, published, world.now)
      for (const { lease, commandId, seq } of entries) {
        const name = `${lease.entityType}/${lease.entityId}`
        world.note("journal", `${owner} ${name} ${seq} ${commandId} epoch ${lease.epoch} ${appended._tag}`)
      }
      if (appended._tag === "CommandTaken") {
        for (const entry of entries) if (tables.isTaken(entry)) onTaken(entry)
      }
      return appended
    })
  const writtenTimers = new WrittenTimers()
  return JournalStore.of({
    writtenTimers,
    append: (owner, entries, published) => writtenTimers.noting(append(owner, entries, published), entries),
    load: (entityType, entityId) =>
      ask("load", () => {
        const snapshot = tables.snapshot(entityType, entityId)
        const tail = tables.history(entityType, entityId, snapshot?.seq ?? 0, historyMax)
        return { snapshot, tail, more: tail.length === historyMax, isParked: false }
      }),
    history: (entityType, entityId, afterSeq) =>
      ask("history", () => tables.history(entityType, entityId, afterSeq, historyMax)),
    find: (entityType, entityId, commandId) =>
      ask("find", () => Option.fromNullishOr(tables.find(entityType, entityId, commandId))),
    traceOf: () => Effect.succeed(null),
    putSnapshot: (entityType, entityId, snapshot) =>
      ask("putSnapshot", () => tables.putSnapshot(entityType, entityId, snapshot)),
    rearm: (entityType, entityId, firedAt, dueAt) =>
      writtenTimers.noting(
        ask("rearm", () => tables.rearm(entityType, entityId, firedAt, dueAt)),
        [{ dueAt: dueAt ?? 0 }]
      ),
    // Nobody supervises: in a simulation a death is a fault to be found.
    park: () => Effect.void,
    parked: () => Effect.succeed([]),
    dueTimers: (shards, now, limit, after) => ask("dueTimers", () => tables.dueTimers(shards, now, limit, after)),
    epochOf: (shard) => ask("epochOf", () => tables.epochs.get(shard) ?? null),
    alarm: (kind, detail) => ask("alarm", () => void tables.alarms.push(`${kind} ${JSON.stringify(detail)}`))
  })
}
