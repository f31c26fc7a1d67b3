import type { Origin } from "@halles/shared/Command"
import { EntityParked } from "@halles/shared/Parking"
import { ActivationLost } from "@halles/shared/Residents/ActivationLost"
import * as Shard from "@halles/shared/Shard"
import { Context, Effect, Fiber, Option, Random, Result, Schedule, Schema, Scope, type Tracer } from "effect"
import { Clock } from "effect/Clock"
import { Entity } from "effect/cluster"
import { Busy, PreconditionFailed } from "./EntityErrors.ts"
import { Journal } from "./Journal.ts"
import type { Activation, Refused } from "./Journal/GroupCommit.ts"
import type { Stored } from "./JournalStore.ts"
import type { Model } from "./Model.ts"
import * as SagaTrace from "./EventSourced/SagaTrace.ts"
import { ShardEpochs } from "./ShardEpochs.ts"

/** One schema for each kind of event: each activation would compile its own. */
const lists = new WeakMap<object, Schema.Codec<ReadonlyArray<never>, ReadonlyArray<unknown>>>()
const listOf = <Event>(event: Schema.Codec<Event, unknown>) => {
  const list = lists.get(event) ?? Schema.Array(event as Schema.Codec<never, unknown>)
  lists.set(event, list)
  return list as Schema.Codec<ReadonlyArray<Event>, ReadonlyArray<unknown>>
}

/** How much of its history an activation keeps at hand. A simulation makes these small, so that it meets them in short histories. */
export const Bounds = Context.Reference("@halles/entities/EventSourced/Bounds", {
  defaultValue: () => ({
    /** Rows between two snapshots: the most that an activation has to read. */
    snapshotEvery: 200,
    /** Rows that are worth a snapshot when the entity is passivated. */
    snapshotAtLeast: 20,
    /** Command ids that an activation knows by heart (no fewer than `0003_archive.ts` counts on); older ones are found through the journal's unique index. */
    recentMax: 256
  })
})
/** What is still owed when its timer fires is looked at again after this. */
export const redriveMs = 5_000
/** Between two tries of what is owed. */
const retryMinMs = 100
const retryMaxMs = 10_000

/** For `toLayer`: handlers run at once, since a handler decides in one synchronous block and only then waits. */
export const options = {
  concurrency: "unbounded",
  defectRetryPolicy: Schedule.jittered(Schedule.spaced("200 millis"))
} as const

/** What the shell reads of a command. */
interface Commanded {
  readonly commandId: string
  readonly _tag: string
  readonly origin?: Origin
  /** Of a `Wake`. */
  readonly dueAt?: number
  /** The version that the sender has seen: on any other one the command is refused. */
  readonly expectedSeq?: number
}

/** What a command is refused with that names another version than the one it met. */
type WrongVersion<Command> = Command extends unknown
  ? "expectedSeq" extends keyof Command
    ? PreconditionFailed
    : never
  : never

export interface Handled<State, Event> {
  readonly state: State
  readonly seq: number
  /** What is in the journal under the command's id. */
  readonly events: ReadonlyArray<Event>
  /** The command had been handled before: nothing was written. */
  readonly repeated: boolean
}

/** Entities whose taken command ids a runner keeps over the rebuild that follows, so that a late repeat costs one rebuild and not one after the other. */
const takenMax = 10_000

/**
 * The shell of an event-sourced entity: decides on the speculative state at once, replies once that is committed,
 * answers queries from the committed state, answers a repeated command from what was journaled under its id, and, for
 * a process manager, keeps sending the one message that it owes until a command moves it on.
 */
export const make = Effect.fnUntraced(function* <
  State,
  Command extends Commanded,
  Event extends { readonly _tag: string },
  Refusal,
  Owed extends { readonly key: string } = never,
  E = never,
  R = never
>(
  model: Model<State, Command, Event, Refusal, Owed>,
  saga?: { readonly perform: (owed: Owed, state: State) => Effect.Effect<Command, E, R> }
) {
  const journal = yield* Journal
  const epochs = yield* ShardEpochs
  const address = yield* Entity.CurrentAddress
  const scope = yield* Effect.scope
  const clock = yield* Clock
  const { recentMax, snapshotAtLeast, snapshotEvery } = yield* Bounds
  const services = yield* Effect.context<R>()
  const trace = yield* SagaTrace.make(journal, model.type, address.entityId)
  const id: string = address.entityId
  const name = `${model.type}/${id}`
  const shard = Shard.numberOf(address.shardId)
  const epoch = epochs.current(shard)
  if (epoch === undefined) return yield* Effect.die(new ActivationLost({ entity: name, reason: "shard not owned" }))
  const activation: Activation = { entityType: model.type, entityId: id, shard, epoch, dead: false }

  const list = listOf(model.Event)
  const decodeEvents = Schema.decodeUnknownSync(list)
  const encodeEvents = Schema.encodeSync(list)
  const eventsOf = ({ events, version }: Stored): ReadonlyArray<Event> =>
    decodeEvents(version === model.version ? events : events.map((event) => model.upcast?.(version, event) ?? event))

  const { isParked, snapshot, tail } = yield* journal.load(model.type, id)
  // `residing` makes it refuse every call.
  if (isParked) return yield* Effect.die(new EntityParked({ entity: name }))
  const usable = snapshot !== null && snapshot.version === model.version ? snapshot : null
  const rows = usable === null && snapshot !== null ? yield* wholeHistory(journal, model.type, id) : tail
  let committed: State = usable === null ? model.initial : Schema.decodeUnknownSync(model.State)(usable.state)
  const recent = new Set<string>(usable?.commands)
  const remember = (commandId: string) => {
    recent.add(commandId)
    if (recent.size > recentMax) recent.delete(recent.values().next().value!)
  }
  for (const row of rows) {
    committed = eventsOf(row).reduce(model.evolve, committed)
    remember(row.commandId)
  }
  let committedSeq = rows.at(-1)?.seq ?? usable?.seq ?? 0
  let speculative = committed
  let seq = committedSeq
  let snapshotSeq = usable?.seq ?? 0
  let lastCommit: Effect.Effect<Refused | null> = Effect.succeed(null)
  const listeners = new Set<() => void>()

  const takeSnapshot = Effect.suspend(() => {
    snapshotSeq = committedSeq
    return journal.snapshot(activation, {
      seq: committedSeq,
      version: model.version,
      state: Schema.encodeSync(model.State)(committed),
      commands: [...recent].slice(0, recent.size - (seq - committedSeq))
    })
  })
  yield* Scope.addFinalizer(
    scope,
    Effect.suspend(() =>
      !activation.dead && committedSeq - snapshotSeq >= snapshotAtLeast ? takeSnapshot : Effect.void
    )
  )
  const fork = <A, X>(effect: Effect.Effect<A, X, R>) => Fiber.runIn(Effect.runForkWith(services)(effect), scope)

  /** After a refused write the speculative state is wrong: nobody may be answered from it. */
  const whenCommitted = <A, X>(commit: Effect.Effect<Refused | null>, then: Effect.Effect<A, X>): Effect.Effect<A, X> =>
    Effect.flatMap(commit, (refused) =>
      refused === null ? then : Effect.die(new ActivationLost({ entity: name, reason: refused._tag }))
    )

  const noteTaken = (commandId: string) => {
    if (journal.taken.size >= takenMax) journal.taken.clear()
    const taken = journal.taken.get(name) ?? new Set()
    if (taken.size >= recentMax) taken.clear()
    journal.taken.set(name, taken.add(commandId))
  }

  const repeat = (commandId: string): Effect.Effect<Option.Option<Handled<State, Event>>> =>
    whenCommitted(
      lastCommit,
      Effect.map(
        journal.find(model.type, id, commandId),
        Option.map((row) => ({ state: committed, seq: committedSeq, events: eventsOf(row), repeated: true }))
      )
    )

  /** What writes nothing does not meet the fence: an owner of before knows nothing of what was written since. */
  const asOwner = <A, X>(answer: Effect.Effect<A, X>): Effect.Effect<A, X> =>
    Effect.flatMap(journal.owns(activation), (owns) => {
      if (owns) return answer
      activation.dead = true
      return Effect.die(new ActivationLost({ entity: name, reason: "Stale" }))
    })

  /**
   * Nor does it meet the unique index: a repeat older than memory is looked for in the journal, and so is one whose
   * other copy was accepted while this one waited.
   */
  const unlessRepeated = <X>(command: Command, answer: Effect.Effect<Handled<State, Event>, X>) => {
    const orFound = <Y>(otherwise: Effect.Effect<Handled<State, Event>, Y>) =>
      Effect.flatMap(repeat(command.commandId), (found) =>
        Option.isSome(found) ? Effect.succeed(found.value) : otherwise
      )
    /** Memory tells, unless more was accepted since `seen` than it holds. */
    const unlessAccepted = (seen: number): Effect.Effect<Handled<State, Event>, X> =>
      Effect.suspend(() => {
        if (recent.has(command.commandId)) return orFound(answer)
        return seq - seen <= recent.size ? answer : orFound(unlessAccepted(seq))
      })
    const confirmed = asOwner(command._tag === "Wake" ? answer : unlessAccepted(seq))
    return seq <= recent.size ? whenCommitted(lastCommit, confirmed) : orFound(confirmed)
  }

  /**
   * The timer that is stored is never later than this, and never later than what the state wants. A timer that comes too
   * early finds nothing due and is set anew, which is rarer than states that want it a little later each time.
   */
  let armed = model.dueAt?.(committed) ?? null
  /** What to write of the timer together with the events that led to a state: as in `GroupCommit.Entry`. */
  const timerFor = (state: State, now: number): number | undefined => {
    const wanted = model.dueAt?.(state) ?? null
    const stays = wanted === null ? armed === null : armed !== null && armed > now && armed <= wanted
    if (stays) return undefined
    armed = wanted
    return wanted ?? 0
  }

  type Rejected = Refusal | WrongVersion<Command> | Busy

  const accept = (command: Command): Effect.Effect<Handled<State, Event>, Rejected> =>
    Effect.suspend((): Effect.Effect<Handled<State, Event>, Rejected> => {
      if (activation.dead) return Effect.die(new ActivationLost({ entity: name, reason: "Dead" }))
      if (!journal.hasRoom()) return Effect.fail(new Busy())
      // In the same synchronous block as the decision, so that no other change slips in between.
      if (command.expectedSeq !== undefined && command.expectedSeq !== seq) {
        return unlessRepeated(command, Effect.fail(new PreconditionFailed({ seq }) as WrongVersion<Command>))
      }
      const at = clock.currentTimeMillisUnsafe()
      const decided = model.decide(speculative, command, at)
      if (Result.isFailure(decided)) return unlessRepeated(command, Effect.fail(decided.failure))
      const events = decided.success
      if (events.length === 0) {
        return unlessRepeated(command, Effect.succeed({ state: speculative, seq, events, repeated: false }))
      }
      const state = events.reduce(model.evolve, speculative)
      speculative = state
      seq += 1
      const written = seq
      remember(command.commandId)
      const span = trace.of(Fiber.getCurrent())
      const commit = journal.appendUnsafe({
        activation,
        seq: written,
        commandId: command.commandId,
        events: JSON.stringify(encodeEvents(events)),
        meta: JSON.stringify(metaOf(model.version, command.origin, span)),
        at,
        dueAt: timerFor(state, at),
        onCommit: () => {
          committed = state
          committedSeq = written
          trace.committed(span, at)
          if (written - snapshotSeq >= snapshotEvery) fork(takeSnapshot)
          startDriving()
          // A copy: who is told goes on at once, and may listen again for the next commit.
          for (const listener of Array.from(listeners)) listener()
        }
      })
      lastCommit = Effect.tap(commit, (refused) =>
        Effect.sync(() => {
          if (refused?._tag === "CommandTaken") noteTaken(command.commandId)
        })
      )
      return whenCommitted(
        lastCommit,
        Effect.sync(() => ({ state, seq: written, events, repeated: false }))
      )
    })

  const handle = (command: Command): Effect.Effect<Handled<State, Event>, Rejected> =>
    Effect.suspend(() => {
      const known = recent.has(command.commandId) || journal.taken.get(name)?.has(command.commandId) === true
      const handled = known
        ? Effect.flatMap(repeat(command.commandId), (found) =>
            Option.isSome(found) ? Effect.succeed(found.value) : accept(command)
          )
        : accept(command)
      const { dueAt: firedAt } = command
      return command._tag === "Wake" && firedAt !== undefined ? Effect.tap(handled, () => rearm(firedAt)) : handled
    })

  /** The timer that fired would fire again at once: it is set to what is wanted now, or a little later if that is past. */
  const rearm = (firedAt: number) =>
    Effect.suspend(() => {
      const wanted = model.dueAt?.(committed) ?? null
      const now = clock.currentTimeMillisUnsafe()
      const next = wanted === null || wanted > now ? wanted : now + redriveMs
      if (next !== null && armed !== null && armed < next) armed = next
      return journal.rearm(model.type, id, firedAt, next)
    })

  /** Waits until something later than `seen` is committed. */
  const changedSince = (seen: number) =>
    Effect.callback<void>((resume) => {
      if (committedSeq > seen) return resume(Effect.void)
      const listener = () => {
        listeners.delete(listener)
        resume(Effect.void)
      }
      listeners.add(listener)
      return Effect.sync(() => listeners.delete(listener))
    })

  let driving = false
  const startDriving = () => {
    if (driving || saga === undefined || model.next === undefined || model.next(committed) === null) return
    driving = true
    fork(
      Effect.ensuring(
        drive(saga.perform, model.next),
        Effect.sync(() => (driving = false))
      )
    )
  }
  const drive = Effect.fnUntraced(function* (
    perform: (owed: Owed, state: State) => Effect.Effect<Command, E, R>,
    next: (state: State) => Owed | null
  ) {
    let key = ""
    let delayMs = retryMinMs
    while (!activation.dead) {
      const seen = committedSeq
      const owed = next(committed)
      if (owed === null) {
        driving = false
        return
      }
      if (owed.key !== key) {
        key = owed.key
        delayMs = retryMinMs
      }
      const moved = yield* trace.traced(owed.key, Effect.flatMap(perform(owed, committed), handle)).pipe(
        Effect.map(() => next(committed)?.key !== key),
        Effect.catchCause((cause) =>
          Effect.as(Effect.logDebug(`${name} could not do ${key} yet, trying again in ${delayMs} ms`, cause), false)
        )
      )
      if (moved) continue
      const jitter = yield* Random.nextBetween(0.75, 1.25)
      yield* Effect.raceFirst(Effect.sleep(delayMs * jitter), changedSince(seen))
      delayMs = Math.min(delayMs * 2, retryMaxMs)
    }
  })
  startDriving()

  /** A fenced activation may be behind the owner of now: it answers nothing. */
  const current = Effect.suspend(() =>
    activation.dead
      ? Effect.die(new ActivationLost({ entity: name, reason: "Dead" }))
      : Effect.succeed({ state: committed, seq: committedSeq })
  )

  const until = (holds: (state: State) => boolean, timeoutMs: number) => {
    const wait: Effect.Effect<void> = Effect.suspend(() =>
      holds(committed) ? Effect.void : Effect.andThen(changedSince(committedSeq), wait)
    )
    return Effect.andThen(Effect.timeoutOption(wait, timeoutMs), current)
  }

  return {
    id,
    handle,
    /** The committed state as soon as it fulfils the condition, or the one of then after `timeoutMs`. */
    until,
    changedSince,
    committed: current,
    history: (afterSeq: number) =>
      Effect.map(journal.history(model.type, id, afterSeq), (rows) =>
        rows.map((row) => ({ ...row, events: eventsOf(row) }))
      )
  }
})

const wholeHistory = Effect.fnUntraced(function* (journal: Journal["Service"], entityType: string, entityId: string) {
  const rows: Array<Stored> = []
  while (true) {
    const page: ReadonlyArray<Stored> = yield* journal.history(entityType, entityId, rows.at(-1)?.seq ?? 0)
    if (page.length === 0) return rows
    rows.push(...page)
  }
})

/** What stands beside the events: schema version, who asked, what it belongs to, the trace it is part of. */
const metaOf = (version: number, origin: Origin | undefined, span: Tracer.AnySpan | undefined) => ({
  v: version,
  ...origin,
  ...(span === undefined ? {} : { traceId: span.traceId, spanId: span.spanId }),
  ...(span?.sampled === true ? { sampled: true } : {})
})
