import { ActivationLost } from "../activation/ActivationLost.ts"
import type { Actor } from "../activation/Call.ts"
import * as InHand from "../activation/InHand.ts"
import { undeclaredOf } from "../activation/Undeclared.ts"
import { Deferred, Effect, Exit, Fiber, Option, Random, Result } from "effect"
import { Busy, PreconditionFailed } from "./EntityErrors.ts"
import type { WriterLease, Refused } from "../journal/GroupCommit.ts"
import {
  type Begin,
  type Commanded,
  type DeferredEvents,
  type Handled,
  type Keyed,
  type Kind,
  metaOf,
  remember,
  type Rejected,
  type Tagged,
  type WrongVersion
} from "./Kind.ts"
import { ArmedTimer } from "./ArmedTimer.ts"
import * as RowSize from "./RowSize.ts"
import * as SagaTrace from "./SagaTrace.ts"
import { Turns } from "./Turns.ts"

/** Events that are deferred are written after this if nothing else is. */
export const deferMs = 250
const nothingOpen = Effect.succeed<Refused | null>(null)

/**
 * An event-sourced entity: decides on the speculative state at once, replies once that is committed,
 * answers queries from the committed state, answers a repeated command from what was journaled under its id, and, for
 * a saga, sends its pending steps again and again until a command moves it on.
 *
 * An instance is one activation. A runner holds many, so what they share is in `Kind`, and what few of them need at a time is
 * made when it is needed.
 */
export class EventSourcedEntity<
  Id extends string,
  State,
  Command extends Commanded,
  Event extends Tagged,
  Refusal,
  PendingStep extends Keyed = never
> implements Actor {
  readonly id: Id
  private readonly kind: Kind<Id, State, Command, Event, Refusal, PendingStep>
  private readonly lease: WriterLease
  private readonly recent: Set<string>
  private state: State
  private committedSeq: number
  private speculative: State
  private seq: number
  private deferred: DeferredEvents<Command, Event> | null = null
  /** The committed state with the deferred events applied: the pending steps follow from it. */
  private driven: State
  private snapshot: Begin<State>["snapshot"]
  private readonly timer: ArmedTimer
  private lastCommit = nothingOpen
  private listeners: Set<() => void> | null = null
  /** Work that no call waits for: its pending steps, snapshots, the write of deferred events. */
  private fibers: Set<Fiber.Fiber<unknown, unknown>> | null = null
  private driving = false
  /** `null` until the first step is pending. */
  private turns: Turns | null = null
  private readonly trace: SagaTrace.SagaTrace | null

  constructor(
    kind: Kind<Id, State, Command, Event, Refusal, PendingStep>,
    lease: WriterLease,
    { recent, seq, snapshot, state }: Begin<State>
  ) {
    this.kind = kind
    this.lease = lease
    this.id = kind.idOf(lease.entityId)
    this.recent = recent
    this.state = state
    this.committedSeq = seq
    const resumed = kind.model.resumed?.(state) ?? []
    if (resumed.length > 0) this.deferred = { events: resumed, last: null, commit: Deferred.makeUnsafe() }
    this.speculative = this.driven = resumed.reduce(kind.model.evolve, state)
    this.seq = seq
    this.snapshot = snapshot
    this.timer = new ArmedTimer(this.timerWanted(state))
    this.trace =
      kind.perform === undefined ? null : new SagaTrace.SagaTrace(kind.tracing, kind.model.type, lease.entityId)
    this.startDriving()
  }

  private get name(): string {
    return `${this.kind.model.type}/${this.id}`
  }

  private lost(reason: string): Effect.Effect<never> {
    return Effect.die(new ActivationLost({ entity: this.name, reason }))
  }

  private takeSnapshot(): Effect.Effect<void> {
    const { committedSeq, kind, recent, seq, state } = this
    this.snapshot = { seq: committedSeq, lengthSince: 0 }
    return kind.journal.snapshot(this.lease, {
      seq: committedSeq,
      version: kind.model.version,
      state: kind.encodeState(state),
      commands: [...recent].slice(0, recent.size - (seq - committedSeq))
    })
  }

  /** It leaves memory: what it does by itself ends, and what it would have to read again next time is made short. */
  close(): Effect.Effect<void> {
    return Effect.suspend(() => {
      for (const fiber of this.fibers ?? []) fiber.interruptUnsafe()
      const isWorthIt = this.committedSeq - this.snapshot.seq >= this.kind.bounds.snapshotAtLeast
      return !this.lease.dead && isWorthIt ? this.takeSnapshot() : Effect.void
    })
  }

  private fork<A, E>(effect: Effect.Effect<A, E>): void {
    const fiber = this.kind.fork(effect)
    if (fiber.pollUnsafe() !== undefined) return
    const fibers = (this.fibers ??= new Set())
    fibers.add(fiber)
    fiber.addObserver(() => {
      fibers.delete(fiber)
      if (fibers.size === 0 && this.fibers === fibers) this.fibers = null
    })
  }

  /** After a refused write the speculative state is wrong: nobody may be answered from it. */
  private whenCommitted<A, X>(commit: Effect.Effect<Refused | null>, then: Effect.Effect<A, X>): Effect.Effect<A, X> {
    return Effect.flatMap(commit, (refused) => (refused === null ? then : this.lost(refused._tag)))
  }

  private repeat(commandId: string): Effect.Effect<Option.Option<Handled<State, Event>>> {
    const { eventsOf, journal, model } = this.kind
    return this.whenCommitted(
      this.lastCommit,
      Effect.flatMap(journal.find(model.type, this.id, commandId), (found) =>
        Option.isNone(found)
          ? Effect.succeedNone
          : Effect.map(this.committed, (now) => Option.some({ ...now, events: eventsOf(found.value), repeated: true }))
      )
    )
  }

  /**
   * What writes nothing does not meet the fence: an owner of before knows nothing of what was written since. Whoever is not
   * sure any more that it is the owner asks the database.
   */
  private asOwner<A, X>(answer: Effect.Effect<A, X>): Effect.Effect<A, X> {
    return Effect.suspend(() => {
      const { lease, kind } = this
      if (lease.dead) return this.lost("Dead")
      if (kind.epochs.isSure(lease.shard, lease.epoch)) return answer
      return Effect.flatMap(kind.journal.owns(lease), (owns) => {
        if (owns) return answer
        lease.dead = true
        return this.lost("Stale")
      })
    })
  }

  /**
   * Nor does it meet the unique index: a repeat older than memory is looked for in the journal, and so is one whose
   * other copy was accepted while this one waited.
   */
  private unlessRepeated<X>(command: Command, answer: Effect.Effect<Handled<State, Event>, X>) {
    const orFound = <Y>(otherwise: Effect.Effect<Handled<State, Event>, Y>) =>
      Effect.flatMap(this.repeat(command.commandId), (found) =>
        Option.isSome(found) ? Effect.succeed(found.value) : otherwise
      )
    /** Memory tells, unless more was accepted since `seen` than it holds. */
    const unlessAccepted = (seen: number): Effect.Effect<Handled<State, Event>, X> =>
      Effect.suspend(() => {
        if (this.recent.has(command.commandId)) return orFound(answer)
        return this.seq - seen <= this.recent.size ? answer : orFound(unlessAccepted(this.seq))
      })
    const confirmed = this.asOwner(command._tag === "TimerFired" ? answer : unlessAccepted(this.seq))
    return this.seq <= this.recent.size ? this.whenCommitted(this.lastCommit, confirmed) : orFound(confirmed)
  }

  private timerWanted(state: State): number | null {
    return this.kind.model.dueAt?.(state) ?? null
  }

  private accept(
    command: Command,
    isWaiting: boolean
  ): Effect.Effect<Handled<State, Event>, Rejected<Command, Refusal>> {
    const { clock, journal, model } = this.kind
    if (this.lease.dead) return this.lost("Dead")
    if (!journal.hasRoom()) return Effect.fail(new Busy())
    // In the same synchronous block as the decision, so that no other change slips in between.
    if (command.expectedSeq !== undefined && command.expectedSeq !== this.seq) {
      this.writeDeferred()
      const wrong = new PreconditionFailed({ seq: this.seq }) as WrongVersion<Command>
      return this.unlessRepeated(command, Effect.fail(wrong))
    }
    const at = clock.currentTimeMillisUnsafe()
    const decided = model.decide(this.speculative, command, at)
    // No reply may rest on deferred events, which a crash would lose: this one waits for their commit.
    if (Result.isFailure(decided) || decided.success.length === 0) this.writeDeferred()
    if (Result.isFailure(decided)) return this.unlessRepeated(command, Effect.fail(decided.failure))
    const events = decided.success
    if (events.length === 0) {
      const unchanged = { state: this.speculative, seq: this.seq, events, repeated: false }
      return this.unlessRepeated(command, Effect.succeed(unchanged))
    }
    const isDeferred = this.seq === this.committedSeq && model.isDeferred?.(this.speculative, events) === true
    return isDeferred ? this.defer(command, events, isWaiting) : this.write(command, events, at)
  }

  private defer(command: Command, events: ReadonlyArray<Event>, isWaiting: boolean) {
    const { commit, events: before, last } = this.deferred ?? { events: [], last: null, commit: Deferred.makeUnsafe() }
    this.speculative = this.driven = events.reduce(this.kind.model.evolve, this.speculative)
    this.deferred = { events: [...before, ...events], last: command, commit }
    const writing = Effect.sync(() => this.writeDeferred())
    if (last === null) this.fork(Effect.delay(writing, deferMs))
    this.trace?.accepted(SagaTrace.spanOf(Fiber.getCurrent()))
    this.startDriving()
    const handled = Effect.succeed({ state: this.speculative, seq: this.seq, events, repeated: false })
    return isWaiting ? this.whenCommitted(Effect.flatten(Deferred.await(commit)), handled) : handled
  }

  private writeDeferred(): void {
    const last = this.deferred?.last ?? null
    if (last !== null && !this.lease.dead) this.write(last, [], this.kind.clock.currentTimeMillisUnsafe())
  }

  /** Puts a row in line for the journal: the deferred events, then these. */
  private write(
    command: Command,
    events: ReadonlyArray<Event>,
    at: number
  ): Effect.Effect<Handled<State, Event>, Rejected<Command, Refusal>> {
    const { encodeEvents, journal, model, tracing } = this.kind
    const text = JSON.stringify(encodeEvents([...(this.deferred?.events ?? []), ...events]))
    const oversize = RowSize.refusal(text, this.kind.bounds, this.name, command._tag)
    if (oversize !== null) return this.unlessRepeated(command, oversize)
    const state = events.reduce(model.evolve, this.speculative)
    const seq = this.seq + 1
    this.speculative = state
    this.seq = seq
    remember(this.recent, command.commandId, this.kind.bounds.recentMax)
    const span = SagaTrace.spanOf(Fiber.getCurrent())
    this.trace?.accepted(span)
    const commit = journal.appendUnsafe({
      lease: this.lease,
      seq,
      commandId: command.commandId,
      events: text,
      meta: JSON.stringify(metaOf(model.version, command.origin, span)),
      at,
      dueAt: this.timer.toWrite(this.timerWanted(state), at),
      onCommit: () => {
        SagaTrace.committed(tracing, span, at)
        InHand.during(this.lease, "next", () => this.onCommit(state, seq, text.length))
      }
    })
    const answer = Effect.flatMap(commit, (refused) => {
      if (refused === null) return Effect.succeed({ state, seq, events, repeated: false })
      if (refused._tag === "CommandTaken") journal.taken.note(this.name, command.commandId)
      return this.lost(refused._tag)
    })
    this.lastCommit = commit
    if (this.deferred !== null) Deferred.doneUnsafe(this.deferred.commit, Exit.succeed(commit))
    this.deferred = null
    return answer
  }

  private onCommit(state: State, seq: number, length: number): void {
    this.state = this.driven = state
    this.committedSeq = seq
    // What waits for nothing keeps nothing in memory.
    if (seq === this.seq) this.lastCommit = nothingOpen
    const { snapshotEvery, snapshotEveryLength } = this.kind.bounds
    const { snapshot } = this
    snapshot.lengthSince += length
    if (seq - snapshot.seq >= snapshotEvery || snapshot.lengthSince >= snapshotEveryLength)
      this.fork(this.takeSnapshot())
    this.startDriving()
    const { listeners } = this
    if (listeners === null) return
    // A copy: a listener runs at once, and may register again for the next commit.
    for (const listener of Array.from(listeners)) listener()
  }

  /** With `isWaiting` the reply waits for the commit of the events; without it only of those that are not deferred. */
  handle(command: Command, isWaiting = true): Effect.Effect<Handled<State, Event>, Rejected<Command, Refusal>> {
    return Effect.suspend(() => {
      const { commandId, dueAt: firedAt } = command
      const accepted = () => InHand.during(this.lease, command._tag, () => this.accept(command, isWaiting))
      const known = this.recent.has(commandId) || this.kind.journal.taken.has(this.name, commandId)
      const handled = known
        ? Effect.flatMap(this.repeat(commandId), (found) =>
            Option.isSome(found) ? Effect.succeed(found.value) : accepted()
          )
        : accepted()
      if (command._tag !== "TimerFired" || firedAt === undefined) return handled
      return Effect.onExit(handled, (exit) => this.rearm(firedAt, exit))
    })
  }

  /** A timer that was not heard fires again; what is too large to be done waits as well. */
  private rearm(firedAt: number, exit: Exit.Exit<Handled<State, Event>, unknown>): Effect.Effect<void> {
    if (Exit.isFailure(exit) && undeclaredOf(exit) !== "TooLarge") return Effect.void
    const hasMoved = Exit.isSuccess(exit) && exit.value.events.length > 0 && !exit.value.repeated
    const { clock, journal, model } = this.kind
    const next = this.timer.afterFiring(this.timerWanted(this.state), clock.currentTimeMillisUnsafe(), hasMoved)
    return journal.rearm(model.type, this.id, firedAt, next)
  }

  /** Waits until something later than `seen` is committed. */
  changedSince(seen: number): Effect.Effect<void> {
    return Effect.callback<void>((resume) => {
      if (this.committedSeq > seen) return resume(Effect.void)
      const listeners = (this.listeners ??= new Set())
      const forget = () => {
        listeners.delete(listener)
        if (listeners.size === 0 && this.listeners === listeners) this.listeners = null
      }
      const listener = () => {
        forget()
        resume(Effect.void)
      }
      listeners.add(listener)
      return Effect.sync(forget)
    })
  }

  /** The steps that the model names: the one of `next` first, then those of `others`. */
  private pendingSteps(): ReadonlyArray<PendingStep> {
    const { driven, kind } = this
    return InHand.during(this.lease, "next", () => {
      const first = kind.model.next?.(driven) ?? null
      return first === null ? [] : [first, ...(kind.model.others?.(driven) ?? [])]
    })
  }

  private startDriving(): void {
    const { perform } = this.kind
    if (this.driving || perform === undefined || this.pendingSteps().length === 0) return
    this.driving = true
    this.fork(
      Effect.ensuring(
        this.drive(perform),
        Effect.sync(() => (this.driving = false))
      )
    )
  }

  /** Sends one message at a time. A step that failed waits for its next turn; steps that were tried less go before it. */
  private drive(perform: NonNullable<typeof this.kind.perform>): Effect.Effect<void> {
    return Effect.gen({ self: this }, function* () {
      const { clock } = this.kind
      const turns = (this.turns = new Turns())
      while (!this.lease.dead) {
        const seen = this.committedSeq
        const all = this.pendingSteps()
        turns.keep(all)
        const step = turns.first(all)
        if (step === null) {
          this.driving = false
          return
        }
        const waitMs = turns.dueAt(step) - clock.currentTimeMillisUnsafe()
        if (waitMs > 0) yield* Effect.raceFirst(Effect.sleep(waitMs), this.changedSince(seen))
        else {
          const asked = InHand.during(this.lease, "next", () => perform(step, this.driven, this.id))
          const done = Effect.flatMap(asked, (command) => this.handle(command, false))
          const exit = yield* Effect.exit(this.trace!.traced(step.key, done))
          if (!this.pendingSteps().some(({ key }) => key === step.key)) continue
          if (Exit.isFailure(exit)) yield* Effect.logDebug(`${this.name} could not do ${step.key} yet`, exit.cause)
          turns.failed(step, exit, clock.currentTimeMillisUnsafe(), yield* Random.nextBetween(0.75, 1.25))
        }
        if (this.committedSeq > seen) turns.hurry()
      }
    })
  }

  /** Of the first pending step. */
  get tries(): NonNullable<Actor["tries"]> | null {
    const first = this.kind.model.next?.(this.driven) ?? null
    return first === null ? null : (this.turns?.triesOf(first) ?? null)
  }

  get committed(): Effect.Effect<{ readonly state: State; readonly seq: number }> {
    return this.asOwner(Effect.sync(() => ({ state: this.state, seq: this.committedSeq })))
  }

  /** The committed state as soon as it fulfils the condition, or the one of then after `timeoutMs`. */
  until(holds: (state: State) => boolean, timeoutMs: number) {
    const wait: Effect.Effect<void> = Effect.suspend(() =>
      holds(this.state) ? Effect.void : Effect.andThen(this.changedSince(this.committedSeq), wait)
    )
    return Effect.andThen(Effect.timeoutOption(wait, timeoutMs), this.committed)
  }
}
