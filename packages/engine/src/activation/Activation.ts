import { Cause, Context, Effect, Exit, Fiber, Option, Random, Tracer } from "effect"
import type { EntityAddress } from "effect/cluster"
import type { Rpc } from "effect/rpc"
import type { Clock } from "effect/Clock"
import type { Figures, TypeFigures } from "./EntityCalls.ts"
import { CommandDeadly, EntityParked } from "./Parking.ts"
import * as Shard from "@halles/shared/Shard"
import { ActivationLost } from "./ActivationLost.ts"
import { type Actor, Call } from "./Call.ts"
import { Copies } from "./Copies.ts"
import * as InHand from "./InHand.ts"
import { JointCommit } from "../eventsourced/JointCommit.ts"
import { nameOf, type Supervision } from "./Supervision.ts"

/** A type of entities as a runner hosts it; all that its entities have in common is here, once. */
export interface Type {
  readonly name: string
  readonly requests: ReadonlyMap<string, Rpc.Any>
  /**
   * Dies when it cannot be done now; it is tried again then. `first` is the message that the entity came into memory for; without it
   * nothing may be taken for granted.
   */
  readonly activate: (address: EntityAddress.EntityAddress, first?: string) => Effect.Effect<Actor>
  /** What a message does; handlers of streams are run by `ActivationDirectory.stream`. */
  readonly handlers: Readonly<Record<string, (self: Actor, payload: unknown) => unknown>>
  readonly maxIdleMs: number
  /** Calls that an entity may have, begun or waiting; what is beyond hears `MailboxFull`. */
  readonly mailboxCapacity: number
  /** Messages that wait on purpose, as long as their caller says. */
  readonly patient: ReadonlySet<string>
  readonly figures: TypeFigures
  /** What handlers run with. */
  readonly services: Context.Context<never>
}

/** What all entities of a process share. */
export interface Host {
  readonly supervision: Supervision["Service"]
  readonly figures: Figures
  readonly clock: Clock
  /** Only where spans are exported. */
  readonly tracer: Tracer.Tracer | undefined
  /** For what an entity may take to finish, in milliseconds. */
  readonly finishMs: number
  readonly fork: <A, E>(effect: Effect.Effect<A, E>) => Fiber.Fiber<A, E>
  readonly removed: (activation: Activation) => void
}

/** Of an entity that died, or could not be made: about so long until it is made again. */
const rebuildMs = 200

/** Nothing but what the contract declares. */
const isDeclared = (exit: Exit.Exit<unknown, unknown>): boolean =>
  Exit.isSuccess(exit) || exit.cause.reasons.every(Cause.isFailReason)

/**
 * - `making`: its history is read, or will be in a moment; calls wait
 * - `working`: calls are begun at once
 * - `ending`: what was begun ends, calls wait; then it is made anew, or gone if it was passivated and nobody waits
 * - `parked`: calls are refused until an operator resumes it
 * - `gone`: calls are refused, since its shard has gone
 */
type Mode = "making" | "working" | "ending" | "parked" | "gone"

/**
 * An entity in the memory of this process, through all of its activations here. A handler that dies ends one: the entity is
 * made anew from what it keeps, and the call is begun again, as is each one that had no answer. Commands are known by
 * their ids and queries change nothing, so that a call may be begun any number of times.
 */
export class Activation implements InHand.Entity {
  readonly address: EntityAddress.EntityAddress
  readonly type: Type
  /** In Unix milliseconds: when it came into memory, and when it was called last. */
  readonly since: number
  private touched: number
  private readonly host: Host
  readonly shard: number
  private mode: Mode = "making"
  self: Actor | null = null
  /** It died lately: a command that succeeds forgives that. */
  private struck: boolean
  /** `null` when there are none: a runner holds many entities, and few of them work. */
  private begun: Set<Call> | null = null
  private copies: Copies | null = null
  private waiting: Array<Call> | null = null
  private making: Call | null = null

  constructor(type: Type, host: Host, address: EntityAddress.EntityAddress, first: string) {
    this.type = type
    this.host = host
    this.address = address
    this.shard = Shard.numberOf(address.shardId)
    this.struck = host.supervision.isStruck(address)
    this.since = host.clock.currentTimeMillisUnsafe()
    this.touched = this.since
    if (host.supervision.isParked(address)) this.mode = "parked"
    else this.make(this.struck ? undefined : first)
  }

  get entityType(): string {
    return this.address.entityType
  }

  get entityId(): string {
    return this.address.entityId
  }

  call(call: Call): void {
    this.touched = this.host.clock.currentTimeMillisUnsafe()
    switch (this.mode) {
      case "parked":
        return call.answered(Exit.fail(new EntityParked({ entity: nameOf(this.address) })))
      case "gone":
        return call.answered("EntityNotAssignedToRunner")
      case "working":
        return this.isFull() ? call.answered("MailboxFull") : this.begin(call)
      default:
        if (this.isFull()) return call.answered("MailboxFull")
        this.wait(call)
    }
  }

  private isFull(): boolean {
    const { begun, copies, type, waiting } = this
    return (begun?.size ?? 0) + (copies?.size ?? 0) + (waiting?.length ?? 0) >= type.mailboxCapacity
  }

  private wait(call: Call): void {
    if (this.waiting === null) this.waiting = [call]
    else this.waiting.push(call)
  }

  private begin(call: Call): void {
    const { address, host, type } = this
    if (this.struck && host.supervision.isDeadly(address, call.payload)) {
      return call.answered(Exit.die(new CommandDeadly({ entity: nameOf(address) })))
    }
    // Its reader has gone.
    if (call.stream !== undefined && call.isCut) return
    if (this.copies?.hasToWait(call) === true) return
    const self = this.self!
    const { parent, payload, tag } = call
    host.figures.noteShard(this.shard)
    call.sinceMs = performance.now()
    call.isCut = false
    if (host.tracer !== undefined && parent?.sampled === true) call.span = this.beginSpan(host.tracer, tag, parent)
    const traced =
      parent === undefined ? type.services : Context.add(type.services, Tracer.ParentSpan, call.span ?? parent)
    const services = JointCommit.within(traced, call.joint)
    const work =
      call.stream === undefined
        ? Effect.suspend(() => type.handlers[tag]!(self, payload) as Effect.Effect<unknown, unknown>)
        : call.stream(self)
    const fiber = InHand.during(this, tag, () => Effect.runForkWith(services)(work))
    const exit = fiber.pollUnsafe()
    if (exit !== undefined) return this.ended(call, self, exit)
    call.fiber = fiber
    this.begun ??= new Set()
    this.begun.add(call)
    const copies = (this.copies ??= new Copies())
    copies.began(call)
    type.figures.underWay += 1
    fiber.addObserver((exit) => {
      type.figures.underWay -= 1
      this.begun!.delete(call)
      const behind = copies.ended(call)
      if (this.begun!.size === 0) this.begun = this.copies = null
      this.ended(call, self, exit)
      for (const copy of behind) this.call(copy)
    })
  }

  private beginSpan(tracer: Tracer.Tracer, tag: string, parent: Tracer.AnySpan): Tracer.Span {
    const { entityId, entityType } = this.address
    const span = tracer.span({
      name: `${entityType}.${tag}`,
      parent: Option.some(parent),
      annotations: Context.empty(),
      links: [],
      startTime: this.host.clock.currentTimeNanosUnsafe(),
      kind: "server",
      root: false,
      sampled: true
    })
    span.attribute("entity.type", entityType)
    span.attribute("entity.id", entityId)
    return span
  }

  private ended(call: Call, self: Actor, exit: Exit.Exit<unknown, unknown>): void {
    const { supervision } = this.host
    call.span?.end(this.host.clock.currentTimeNanosUnsafe(), exit)
    const isAnswer = isDeclared(exit)
    if (isAnswer || !call.isCut) this.type.figures.command(call.tag).note(performance.now() - call.sinceMs, exit)
    if (isAnswer) {
      if (this.struck && Exit.isSuccess(exit)) this.struck = !supervision.forgive(this.address, call.payload)
      return call.answered(exit)
    }
    if (Exit.isFailure(exit) && supervision.died(this.address, "command", exit.cause, call.payload)) this.struck = true
    // What a handler that died left behind is not to be gone on with.
    if (!call.isCut && this.self === self && this.mode === "working") this.end()
    if (supervision.isParked(this.address)) this.park()
    if (call.stream !== undefined) {
      return call.answered(Exit.die(new ActivationLost({ entity: nameOf(this.address), reason: this.mode })))
    }
    // Nothing was answered: it is asked again, here or by its caller.
    if (this.mode === "working") this.begin(call)
    else if (this.mode === "making" || this.mode === "ending") this.wait(call)
    else this.call(call)
  }

  private make(first?: string): void {
    const { address, host, type } = this
    this.mode = "making"
    const making = new Call("activation", undefined, undefined, () => {})
    making.sinceMs = performance.now()
    this.making = making
    const fiber = Effect.runForkWith(type.services)(Effect.suspend(() => type.activate(address, first)))
    const made = (exit: Exit.Exit<Actor>) => {
      this.making = null
      if (Exit.isSuccess(exit)) {
        if (this.mode === "making") this.work(exit.value)
        else host.fork(exit.value.close())
      } else if (this.mode === "making") this.failed(exit.cause)
    }
    const exit = fiber.pollUnsafe()
    if (exit !== undefined) return made(exit)
    making.fiber = fiber
    fiber.addObserver(made)
  }

  private work(self: Actor): void {
    this.mode = "working"
    this.self = self
    this.type.figures.activations += 1
    this.resend()
  }

  private failed(cause: Cause.Cause<unknown>): void {
    const { address, host } = this
    const { supervision } = host
    if (Cause.squash(cause) instanceof EntityParked) supervision.noteParked(address)
    else supervision.died(address, "activation", cause)
    if (supervision.isParked(address)) return this.park()
    this.struck = supervision.isStruck(address)
    this.makeLater()
  }

  /** Who was not answered is asked again; in the order in which they came. */
  private resend(): void {
    const { waiting } = this
    this.waiting = null
    for (const call of waiting ?? []) this.call(call)
  }

  private makeLater(): void {
    this.mode = "ending"
    this.host.fork(
      Effect.gen({ self: this }, function* () {
        yield* Effect.sleep(rebuildMs * (yield* Random.nextBetween(0.8, 1.2)))
        if (this.mode === "ending") this.make()
      })
    )
  }

  /** This activation is over: what was begun may end, the entity is closed, and is made anew. */
  private end(): void {
    this.mode = "ending"
    const { self } = this
    this.host.fork(
      Effect.gen({ self: this }, function* () {
        yield* this.finish()
        if (this.mode !== "ending") return
        // It took the entity for new: now what it keeps is read.
        if (self?.lease?.isNew === true) this.make()
        else this.makeLater()
      })
    )
  }

  /** Calls under way may end within the time, then they are cut off. */
  private finish(): Effect.Effect<void> {
    return Effect.suspend(() => {
      const { host, self, type } = this
      this.self = null
      const fibers = [...(this.begun ?? [])].flatMap(({ fiber }) => (fiber === null ? [] : [fiber]))
      const ended = Fiber.awaitAll(fibers)
      const finished =
        fibers.length === 0 || host.finishMs === 0 ? Effect.void : Effect.timeoutOption(ended, host.finishMs)
      return Effect.andThen(
        finished,
        Effect.suspend(() => {
          for (const call of this.begun ?? []) call.cut()
          if (self === null) return Effect.void
          type.figures.passivations += 1
          return self.close()
        })
      )
    })
  }

  private leaveMemory(): void {
    this.mode = "gone"
    this.host.removed(this)
  }

  /** Nobody has called it for long: it leaves memory. Done when it is closed. */
  passivate(): Effect.Effect<void> {
    return Effect.suspend(() => {
      if (this.mode !== "working" || this.begun !== null) return Effect.void
      this.mode = "ending"
      return Effect.andThen(
        this.finish(),
        Effect.sync(() => {
          if (this.mode !== "ending") return
          if (this.waiting === null) this.leaveMemory()
          else this.make()
        })
      )
    })
  }

  isIdleSince(now: number): boolean {
    return this.mode === "working" && this.begun === null && now - this.touched >= this.type.maxIdleMs
  }

  /** Its shard goes elsewhere: who waits is to ask there, and who is not answered in time as well. */
  evict(): Effect.Effect<void> {
    return Effect.suspend(() => {
      const { waiting } = this
      this.leaveMemory()
      this.waiting = null
      this.making?.cut()
      for (const call of waiting ?? []) call.answered("EntityNotAssignedToRunner")
      return this.finish()
    })
  }

  /** From now on every call is refused. */
  park(): void {
    if (this.mode === "parked" || this.mode === "gone") return
    this.mode = "parked"
    this.host.fork(this.finish())
    this.resend()
  }

  /** The next call has the entity made anew. */
  resume(): void {
    if (this.mode === "parked") this.leaveMemory()
  }

  /** Calls that have no answer yet, the oldest first. */
  underWay(): ReadonlyArray<{ readonly command: string; readonly ms: number }> {
    const now = performance.now()
    return [...(this.begun ?? []), ...(this.waiting ?? [])].map(({ sinceMs, tag }) => ({
      command: tag,
      ms: sinceMs === 0 ? 0 : now - sinceMs
    }))
  }

  /** Calls that nobody can be waiting for any more if they are old; its being made is one. */
  *watched(): IterableIterator<Call> {
    if (this.making !== null) yield this.making
    for (const call of this.begun ?? []) {
      if (call.stream === undefined && !this.type.patient.has(call.tag)) yield call
    }
  }

  get isIdle(): boolean {
    return this.begun === null && this.making === null
  }
}
