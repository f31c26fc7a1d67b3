import type { Actor } from "../activation/Call.ts"
import * as InHand from "../activation/InHand.ts"
import { Notice } from "@halles/shared/Notice"
import { undeclaredOf } from "../activation/Undeclared.ts"
import { Deferred, Effect, Exit, Fiber, Option, Result } from "effect"
import { Busy, PreconditionFailed } from "./EntityErrors.ts"
import type { WriterLease, Refused } from "../journal/GroupCommit.ts"
import {
  type Begin,
  type Commanded,
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
import * as DeferredEvents from "./DeferredEvents.ts"
import { Driver } from "./Driver.ts"
import { JointCommit, type JointStep } from "./JointCommit.ts"
import { evolved } from "./Model.ts"
import * as Ownership from "./Ownership.ts"
import * as RowSize from "./RowSize.ts"
import * as SagaTrace from "./SagaTrace.ts"

const nothingOpen = Effect.succeed<Refused | null>(null)

/**
 * An event-sourced entity: decides on the speculative state at once, replies once that is committed, answers queries from the
 * committed state and a repeated command from what was journaled under its id, and sends a saga's pending steps until they are done.
 * An instance is one activation. A runner holds many: they share what is in `Kind`, and what few of them need is made when needed.
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
  readonly lease: WriterLease
  private readonly recent: Set<string>
  private state: State
  committedSeq: number
  private speculative: State
  private seq: number
  private deferred: DeferredEvents.DeferredEvents<Command> | null = null
  /** The committed state with the deferred events applied: the pending steps follow from it. */
  private driven: State
  private snapshot: Begin<State>["snapshot"]
  private readonly timer: ArmedTimer
  private lastCommit = nothingOpen
  private commits: Notice | null = null
  /** Until it is over, nothing but what belongs to it is decided. */
  private joint: JointCommit | null = null
  /** Work that no call waits for: its pending steps, snapshots, the write of deferred events. */
  private fibers: Set<Fiber.Fiber<unknown, unknown>> | null = null
  /** `null` until the first step is pending. */
  private driver: Driver<PendingStep> | null = null
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
    if (resumed.length > 0) this.deferred = { ...DeferredEvents.none(), encoded: kind.encodeEvents(resumed) }
    this.speculative = this.driven = evolved(kind.model, state, resumed, seq + 1)
    this.seq = seq
    this.snapshot = snapshot
    this.timer = new ArmedTimer(this.timerWanted(state))
    this.trace =
      kind.perform === undefined ? null : new SagaTrace.SagaTrace(kind.tracing, kind.model.type, lease.entityId)
    this.startDriving()
  }

  get name(): string {
    return `${this.kind.model.type}/${this.id}`
  }

  private lost(reason: string): Effect.Effect<never> {
    return Ownership.lost(this.lease, reason)
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

  /** Whether there is a history of an entity that is taken for new shows when its first row is committed. */
  private asOwner<A, X>(answer: Effect.Effect<A, X>): Effect.Effect<A, X> {
    return Effect.suspend(() =>
      this.lease.isNew === true && this.seq > 0
        ? this.whenCommitted(this.lastCommit, this.asOwner(answer))
        : Ownership.asOwner(this.kind, this.lease, answer)
    )
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
    const joint = JointCommit.current()
    if (this.joint !== null && this.joint !== joint && !this.joint.isOver)
      return Effect.andThen(this.joint.over, () => this.accept(command, isWaiting))
    if (this.lease.dead) return this.lost("Dead")
    if (!journal.hasRoom() || (joint !== null && this.deferred !== null)) return Effect.fail(new Busy())
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
    if (joint !== null) return this.join(joint, command, events, at)
    const isFirst = this.seq === this.committedSeq && this.lease.isNew !== true
    if (isFirst && model.isDeferred?.(this.speculative, events)) return this.defer(command, events, at, isWaiting)
    const step = this.jointStep(events, at)
    return step === null ? this.write(command, events, at) : this.writeJointly(command, events, at, step)
  }

  /** The row waits for the sender's, and the answer does not wait for either. */
  private join(joint: JointCommit, command: Command, events: ReadonlyArray<Event>, at: number) {
    this.joint = joint
    const written = this.write(command, events, at, (entry) => joint.join(entry))
    const handled = { state: this.speculative, seq: this.seq, events, repeated: false }
    return this.lastCommit === joint.commit ? Effect.succeed(handled) : written
  }

  /** Writes the events and what their joint steps come to in one row, with the receivers'. The steps go first, in its trace. */
  private writeJointly(command: Command, events: ReadonlyArray<Event>, at: number, step: JointStep<Event>) {
    const joint = (this.joint = new JointCommit())
    this.trace?.accepted(SagaTrace.spanOf(Fiber.getCurrent()))
    const written = Effect.flatMap(
      joint.collect(events, step, (all) => this.jointStep(all, at)),
      (all) => {
        if (this.lease.dead) return this.lost("Dead")
        const answer = this.write(command, all, at, (entry) => joint.write(this.kind.journal, entry))
        joint.release()
        return answer
      }
    )
    return Effect.ensuring(written, joint.released)
  }

  /** The step that the events make pending, if the row of its receiver can go with theirs. */
  private jointStep(events: ReadonlyArray<Event>, at: number): JointStep<Event> | null {
    const { model, perform } = this.kind
    const { decide, isJoint, next } = model
    if (isJoint === undefined || next === undefined) return null
    const state = evolved(model, this.speculative, events, this.seq + 1)
    const step = next(state)
    if (step === null || !isJoint(step) || next(this.speculative)?.key === step.key) return null
    const decided = (answer: Command) => InHand.during(this.lease, step.key, () => decide(state, answer, at))
    const asked = this.trace!.traced(step.key, perform!(step, state, this.id))
    return Effect.map(asked, (answer) => Result.getOrElse(decided(answer), () => []))
  }

  private defer(command: Command, events: ReadonlyArray<Event>, at: number, isWaiting: boolean) {
    const { commit, encoded, last } = this.deferred ?? DeferredEvents.none()
    const all = [...encoded, ...this.kind.encodeEvents(events)]
    // Looked at now, since nobody may be there to hear a refusal when they are written.
    if (!RowSize.fits(JSON.stringify(all), this.kind.bounds)) return this.write(command, events, at)
    this.speculative = this.driven = evolved(this.kind.model, this.speculative, events, this.seq + 1)
    this.deferred = { encoded: all, last: command, commit }
    const writing = Effect.sync(() => this.writeDeferred())
    if (last === null) this.fork(Effect.delay(writing, DeferredEvents.deferMs))
    this.trace?.accepted(SagaTrace.spanOf(Fiber.getCurrent()))
    this.startDriving()
    const handled = Effect.succeed({ state: this.speculative, seq: this.seq, events, repeated: false })
    return isWaiting ? this.whenCommitted(Effect.flatten(Deferred.await(commit)), handled) : handled
  }

  private writeDeferred(): void {
    const last = this.deferred?.last ?? null
    if (last === null || this.lease.dead) return
    // Somebody has to hear of a refusal, so that a command whose row is there already is not taken up again for ever.
    this.fork(Effect.exit(this.write(last, [], this.kind.clock.currentTimeMillisUnsafe())))
  }

  /** Puts a row in line for the journal: the deferred events, then these. */
  private write(
    command: Command,
    events: ReadonlyArray<Event>,
    at: number,
    append = this.kind.journal.appendUnsafe
  ): Effect.Effect<Handled<State, Event>, Rejected<Command, Refusal>> {
    const { encodeEvents, journal, model, tracing } = this.kind
    const text = JSON.stringify([...(this.deferred?.encoded ?? []), ...encodeEvents(events)])
    if (!RowSize.fits(text, this.kind.bounds)) {
      if (!this.deferred?.last) return this.unlessRepeated(command, RowSize.refusal(this.name, command._tag))
      // They fit by themselves, and these may do so too.
      this.writeDeferred()
      return this.write(command, events, at, append)
    }
    const seq = this.seq + 1
    const state = evolved(model, this.speculative, events, seq)
    this.speculative = state
    this.seq = seq
    remember(this.recent, command.commandId, this.kind.bounds.recentMax)
    const span = SagaTrace.spanOf(Fiber.getCurrent())
    this.trace?.accepted(span)
    const commit = append({
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
    if (this.joint?.isOver === true) this.joint = null
    // What waits for nothing keeps nothing in memory.
    if (seq === this.seq) this.lastCommit = nothingOpen
    const { kind, snapshot } = this
    snapshot.lengthSince += length
    if (seq - snapshot.seq >= kind.bounds.snapshotEvery || snapshot.lengthSince >= kind.bounds.snapshotEveryLength)
      this.fork(this.takeSnapshot())
    this.startDriving()
    this.commits?.give()
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
      const since = this.kind.clock.currentTimeMillisUnsafe()
      return Effect.onExit(handled, (exit) => this.rearm(firedAt, since, exit))
    })
  }

  /** A timer that was not heard fires again; what is too large to be done waits as well. */
  private rearm(firedAt: number, since: number, exit: Exit.Exit<Handled<State, Event>, unknown>): Effect.Effect<void> {
    if (Exit.isFailure(exit) && undeclaredOf(exit) !== "TooLarge") return Effect.void
    const hasMoved = Exit.isSuccess(exit) && exit.value.events.length > 0 && !exit.value.repeated
    const { clock, journal, model } = this.kind
    const wanted = this.timerWanted(this.state)
    const next = this.timer.afterFiring(wanted, since, clock.currentTimeMillisUnsafe(), hasMoved)
    return journal.rearm(model.type, this.id, firedAt, next)
  }

  /** Waits until something later than `seen` is committed. */
  changedSince(seen: number): Effect.Effect<void> {
    return Effect.suspend(() => (this.committedSeq > seen ? Effect.void : (this.commits ??= new Notice()).next()))
  }

  /** The steps that the model names: the one of `next` first, then those of `others`. */
  pendingSteps(): ReadonlyArray<PendingStep> {
    return InHand.during(this.lease, "next", () => {
      const first = this.kind.model.next?.(this.driven) ?? null
      return first === null ? [] : [first, ...(this.kind.model.others?.(this.driven) ?? [])]
    })
  }

  private startDriving(): void {
    if (this.kind.perform === undefined || this.driver?.isDriving === true || this.pendingSteps().length === 0) return
    this.driver ??= new Driver(this, this.kind.clock)
    this.fork(this.driver.begin())
  }

  send(step: PendingStep): Effect.Effect<unknown, unknown> {
    const asked = InHand.during(this.lease, "next", () => this.kind.perform!(step, this.driven, this.id))
    const taken = Effect.flatMap(asked, (command) => this.handle(command, false))
    return this.trace!.traced(step.key, taken)
  }

  get tries(): NonNullable<Actor["tries"]> | null {
    return this.driver?.triesOfFirst() ?? null
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
