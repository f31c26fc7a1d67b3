import { EntityParked } from "../activation/Parking.ts"
import * as ActivationDirectory from "../activation/ActivationDirectory.ts"
import { ActivationLost } from "../activation/ActivationLost.ts"
import * as Shard from "@halles/shared/Shard"
import { Clock, Context, Effect, Layer, Result, Schema } from "effect"
import { commandIdOf } from "../activation/Call.ts"
import * as InHand from "../activation/InHand.ts"
import type { Entity, EntityAddress } from "effect/cluster"
import type { Rpc } from "effect/rpc"
import { codecsOf } from "./Codecs.ts"
import * as SagaTrace from "./SagaTrace.ts"
import {
  type Bounds as BoundsOf,
  type Commanded,
  type Handled,
  type Keyed,
  type Kind,
  remember,
  type Tagged
} from "./Kind.ts"
import * as Refusals from "./Refusals.ts"
import { done, replyOf, type Replies, type Reply } from "./Replies.ts"
import { EventSourcedEntity } from "./EventSourcedEntity.ts"
import { Journal } from "../journal/Journal.ts"
import type { WriterLease } from "../journal/GroupCommit.ts"
import type { Snapshot } from "../journal/JournalStore.ts"
import { evolved, type Model } from "./Model.ts"
import { ShardEpochs } from "../placement/ShardEpochs.ts"

/** A simulation makes these small, so that it meets them in short histories. */
export const Bounds = Context.Reference<BoundsOf>("@halles/engine/EventSourced/Bounds", {
  defaultValue: () => ({
    snapshotEvery: 200,
    snapshotEveryLength: 8 * 1024 ** 2,
    snapshotAtLeast: 20,
    recentMax: 256,
    rowBytesMax: 8 * 1024 ** 2
  })
})

/** The state of a snapshot, as a function; `null` when none can be used: the journal suffices. */
const stateIn = <State>(
  {
    decodeState,
    model
  }: { readonly decodeState: (state: unknown) => State; readonly model: { readonly version: number } },
  snapshot: Snapshot | null
): { readonly state: State; readonly seq: number; readonly commands: ReadonlyArray<string> } | null => {
  if (snapshot === null || snapshot.version !== model.version) return null
  try {
    const commands = snapshot.commands.filter((id) => typeof id === "string")
    return { state: decodeState(snapshot.state), seq: snapshot.seq, commands }
  } catch {
    return null
  }
}

/** Activates an entity: from its history, or, for a command that creates it, as one that has none. */
const activate = <
  Id extends string,
  State,
  Command extends Commanded,
  Event extends Tagged,
  Refusal,
  PendingStep extends Keyed
>(
  kind: Kind<Id, State, Command, Event, Refusal, PendingStep>
) =>
  Effect.fnUntraced(function* ({ entityId, shardId }: EntityAddress.EntityAddress, first?: string) {
    const { bounds, epochs, eventsOf, journal, model } = kind
    const name = `${model.type}/${entityId}`
    const shard = Shard.numberOf(shardId)
    const epoch = epochs.current(shard)
    if (epoch === undefined) return yield* Effect.die(new ActivationLost({ entity: name, reason: "shard not owned" }))
    yield* epochs.alone(shard)
    const lease: WriterLease = { entityType: model.type, entityId, shard, epoch, dead: false }

    const inHand = <A>(work: () => A): A => InHand.during(lease, "activation", work)
    if (creates(model, first) && !(yield* journal.isRefused(lease))) {
      lease.isNew = true
      const begin = { state: model.initial, seq: 0, snapshot: { seq: 0, lengthSince: 0 }, recent: new Set<string>() }
      return inHand(() => new EventSourcedEntity(kind, lease, begin))
    }
    const { isParked, more, snapshot, tail } = yield* journal.load(model.type, entityId)
    // `ActivationDirectory` makes it refuse every call.
    if (isParked) return yield* Effect.die(new EntityParked({ entity: name }))
    const usable = inHand(() => stateIn(kind, snapshot))
    if (snapshot !== null && usable === null) {
      yield* Effect.logWarning(`The snapshot of ${name} cannot be used, it is rebuilt from its history`)
    }
    let state = usable?.state ?? model.initial
    let seq = usable?.seq ?? 0
    const recent = new Set<string>(usable?.commands)
    const next = journal.history.bind(null, model.type, entityId)
    let page = snapshot !== null && usable === null ? yield* next(0) : tail
    const isLong = more || page !== tail
    while (page.length > 0) {
      for (const row of page) {
        state = inHand(() => evolved(model, state, eventsOf(row), row.seq))
        seq = row.seq
        remember(recent, row.commandId, bounds.recentMax)
      }
      page = isLong ? yield* next(seq) : []
    }
    // What took more than one reading is made short by the next commit.
    const lengthSince = isLong ? bounds.snapshotEveryLength : 0
    const begin = { state, seq, snapshot: { seq: usable?.seq ?? 0, lengthSince }, recent }
    return inHand(() => new EventSourcedEntity(kind, lease, begin))
  })

const creates = (model: { readonly creates?: ReadonlyArray<string> }, first: string | undefined): boolean =>
  first !== undefined && model.creates?.includes(first) === true

/** A message of a contract whose handler is written by hand, since it asks others before it decides, or waits. */
export type Handler<Self, R extends Rpc.Any> = (
  self: Self,
  payload: Rpc.Payload<R>
) => Effect.Effect<Rpc.Success<R>, Tagged> | Rpc.ResultFrom<R, never>

/** A caller waits so long for an answer that another party has to give; then it hears `Pending`, and may ask again. */
const answerWithinMs = 2_000
const isPending = (answer: unknown): boolean =>
  typeof answer === "object" && answer !== null && "_tag" in answer && answer._tag === "Pending"

const isAnswered = (said: Result.Result<unknown, unknown>): boolean =>
  Result.isFailure(said) || !isPending(said.success)

interface Answering<Id, State, Event, Refused> {
  readonly id: Id
  handle(command: unknown): Effect.Effect<Handled<State, Event>, Refused>
  until(
    holds: (state: State) => boolean,
    timeoutMs: number
  ): Effect.Effect<{ readonly state: State; readonly seq: number }>
  readonly committed: Effect.Effect<{ readonly state: State; readonly seq: number }>
}

/** Handles a command, and answers what `reply` makes of it. */
export const answerCommand =
  <Message, Id, State, Event, A, E>(reply: Reply<Message, Id, State, Event, A, E>) =>
  <Refused>(self: Answering<Id, State, Event, Refused>, message: Message): Effect.Effect<A, E | Refused> =>
    Effect.flatMap(self.handle(message), (now) => {
      const said = (at: { readonly state: State }) => reply(self.id, { ...now, ...at }, message)
      const first = said(now)
      if (isAnswered(first)) return Effect.fromResult(first)
      return Effect.flatMap(
        self.until((state) => isAnswered(said({ state })), answerWithinMs),
        (later) => Effect.fromResult(said(later))
      )
    })

/** Answers a query from the committed state. */
const answerQuery =
  <Message, Id, State, Event, A, E>(reply: Reply<Message, Id, State, Event, A, E>) =>
  (self: Answering<Id, State, Event, unknown>, message: Message): Effect.Effect<A, E> =>
    Effect.flatMap(self.committed, (now) =>
      Effect.fromResult(reply(self.id, { ...now, events: [], repeated: false }, message))
    )

/**
 * Hosts the entities of a contract, each of which is what `model` says. A message is answered as `replies` has it; what must
 * ask others before it decides has a handler, and `TimerFired` is the same for all.
 */
export const layer = <
  Name extends string,
  Rpcs extends Rpc.Any,
  Id extends string,
  State,
  Command extends Commanded,
  Event extends Tagged,
  Refusal,
  Replied extends Rpcs["_tag"] = never,
  PendingStep extends Keyed = never,
  R = never
>(
  entity: Entity.Entity<Name, Rpcs>,
  model: Model<State, Command, Event, Refusal, PendingStep> & {
    readonly replies?: Replies<Rpcs, Replied, Id, State, Event>
  },
  hosted: ActivationDirectory.Options & {
    readonly id: { readonly make: (id: string) => Id }
    /** Of a saga: sends a pending step and makes a command of the answer. The entity tries again until that command moves it on. */
    readonly perform?: (pendingStep: PendingStep, state: State, id: Id) => Effect.Effect<Command, unknown, R>
  } & HandlersFor<EventSourcedEntity<Id, State, Command, Event, Refusal, PendingStep>, Rpcs, Replied>
) =>
  Layer.unwrap(
    Effect.gen(function* () {
      const { handlers = {}, id, maxIdleTime, mailboxCapacity, patient = [], perform } = hosted
      const services = yield* Effect.context<R>()
      const { decodeEvents, encodeEvents } = codecsOf(model)
      const kind: Kind<Id, State, Command, Event, Refusal, PendingStep> = {
        model,
        idOf: (text) => id.make(text),
        perform:
          perform === undefined
            ? undefined
            : (pendingStep, state, id) => Effect.provideContext(perform(pendingStep, state, id), services),
        journal: yield* Journal,
        epochs: yield* ShardEpochs,
        clock: yield* Clock.Clock,
        tracing: yield* SagaTrace.tracing,
        bounds: yield* Bounds,
        fork: Effect.runForkWith(services),
        eventsOf: ({ events }) => decodeEvents(events),
        encodeEvents,
        encodeState: Schema.encodeSync(model.State),
        decodeState: Schema.decodeUnknownSync(model.State)
      }
      return ActivationDirectory.layer(entity, {
        maxIdleTime,
        mailboxCapacity,
        patient,
        activate: activate(kind),
        handlers: allHandlers(
          entity.protocol.requests,
          model.replies ?? {},
          handlers
        ) as unknown as ActivationDirectory.Handlers<
          EventSourcedEntity<Id, State, Command, Event, Refusal, PendingStep>,
          Rpcs
        >
      })
    })
  )

/** What has no reply needs a handler, and anything may have one. */
type HandlersFor<Self, Rpcs extends Rpc.Any, Replied extends string> = [
  Exclude<Rpcs["_tag"], Replied | "TimerFired">
] extends [never]
  ? { readonly handlers?: SomeHandlers<Self, Rpcs> }
  : {
      readonly handlers: SomeHandlers<Self, Rpcs> & {
        readonly [Tag in Exclude<Rpcs["_tag"], Replied | "TimerFired">]: Handler<Self, Rpc.ExtractTag<Rpcs, Tag>>
      }
    }
type SomeHandlers<Self, Rpcs extends Rpc.Any> = {
  readonly [Tag in Rpcs["_tag"]]?: Handler<Self, Rpc.ExtractTag<Rpcs, Tag>>
}

type AnySelf = Answering<string, unknown, Tagged, Tagged>
type AnyHandler = (self: AnySelf, payload: unknown) => unknown

/** A handler for each message of the contract, which refuses as the contract declares. */
const allHandlers = (requests: ReadonlyMap<string, Rpc.Any>, replies: object, handlers: object) => {
  const given = handlers as Readonly<Record<string, AnyHandler | undefined>>
  const all = [...requests].map(([tag, rpc]) => {
    const refusing = Refusals.declared(rpc)
    const reply = replyOf(replies, tag) ?? done
    const handle: AnyHandler =
      given[tag] ??
      ((self, payload) =>
        commandIdOf(payload) === undefined ? answerQuery(reply)(self, payload) : answerCommand(reply)(self, payload))
    const handler: AnyHandler = (self, payload) => {
      const answered = handle(self, payload)
      return Effect.isEffect(answered) ? refusing(self.id, answered as Effect.Effect<unknown, Tagged>) : answered
    }
    return [tag, handler] as const
  })
  return Object.fromEntries(all)
}
