import { EntityParked } from "../activation/Parking.ts"
import * as Residents from "../activation/ActivationDirectory.ts"
import { ActivationLost } from "../activation/ActivationLost.ts"
import * as Shard from "@halles/shared/Shard"
import { Clock, Context, Effect, Layer, Schema } from "effect"
import type { Entity, EntityAddress } from "effect/cluster"
import type { Rpc } from "effect/rpc"
import { codecsOf } from "./Codecs.ts"
import * as InHand from "./InHand.ts"
import * as SagaTrace from "./SagaTrace.ts"
import { type Bounds as BoundsOf, type Commanded, type Kind, remember, type Tagged } from "./Kind.ts"
import { Shell } from "./EventSourcedEntity.ts"
import { Journal } from "../journal/Journal.ts"
import type { Activation } from "../journal/GroupCommit.ts"
import type { Snapshot } from "../journal/JournalStore.ts"
import type { Model } from "./Model.ts"
import { ShardEpochs } from "../placement/ShardEpochs.ts"

/** A simulation makes these small, so that it meets them in short histories. */
export const Bounds = Context.Reference<BoundsOf>("@halles/entities/EventSourced/Bounds", {
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

/** Reads what an entity has been, and begins a life of it. */
const activate = <
  Id extends string,
  State,
  Command extends Commanded,
  Event extends Tagged,
  Refusal,
  Owed extends { readonly key: string }
>(
  kind: Kind<Id, State, Command, Event, Refusal, Owed>
) =>
  Effect.fnUntraced(function* ({ entityId, shardId }: EntityAddress.EntityAddress) {
    const { bounds, epochs, eventsOf, journal, model } = kind
    const name = `${model.type}/${entityId}`
    const shard = Shard.numberOf(shardId)
    const epoch = epochs.current(shard)
    if (epoch === undefined) return yield* Effect.die(new ActivationLost({ entity: name, reason: "shard not owned" }))
    yield* epochs.alone(shard)
    const activation: Activation = { entityType: model.type, entityId, shard, epoch, dead: false }

    const { isParked, more, snapshot, tail } = yield* journal.load(model.type, entityId)
    // `Residents` makes it refuse every call.
    if (isParked) return yield* Effect.die(new EntityParked({ entity: name }))
    InHand.take(activation, "activation")
    const usable = stateIn(kind, snapshot)
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
      InHand.take(activation, "activation")
      for (const row of page) {
        state = eventsOf(row).reduce(model.evolve, state)
        seq = row.seq
        remember(recent, row.commandId, bounds.recentMax)
      }
      page = isLong ? yield* next(seq) : []
    }
    // What took more than one reading is made short by the next commit.
    const lengthSince = isLong ? bounds.snapshotEveryLength : 0
    return new Shell(kind, activation, { state, seq, snapshot: { seq: usable?.seq ?? 0, lengthSince }, recent })
  })

/** Hosts the entities of a contract, each of which is what `model` says, in a shell. */
export const layer = <
  Name extends string,
  Rpcs extends Rpc.Any,
  Id extends string,
  State,
  Command extends Commanded,
  Event extends Tagged,
  Refusal,
  Owed extends { readonly key: string } = never,
  R = never
>(
  entity: Entity.Entity<Name, Rpcs>,
  model: Model<State, Command, Event, Refusal, Owed>,
  hosted: Residents.Options & {
    readonly id: { readonly make: (id: string) => Id }
    /** Of a process manager: does what is owed, and says as a command what came of it. It is tried until that moves the state on. */
    readonly perform?: (owed: Owed, state: State, id: Id) => Effect.Effect<Command, unknown, R>
    readonly handlers: Residents.Handlers<Shell<Id, State, Command, Event, Refusal, Owed>, Rpcs>
  }
) =>
  Layer.unwrap(
    Effect.gen(function* () {
      const { handlers, id, perform, ...options } = hosted
      const services = yield* Effect.context<R>()
      const { decodeEvents, encodeEvents } = codecsOf(model)
      const kind: Kind<Id, State, Command, Event, Refusal, Owed> = {
        model,
        idOf: (text) => id.make(text),
        perform:
          perform === undefined
            ? undefined
            : (owed, state, id) => Effect.provideContext(perform(owed, state, id), services),
        journal: yield* Journal,
        epochs: yield* ShardEpochs,
        clock: yield* Clock.Clock,
        tracing: yield* SagaTrace.tracing,
        bounds: yield* Bounds,
        fork: Effect.runForkWith(services),
        eventsOf: ({ events, version }) =>
          decodeEvents(
            version === model.version ? events : events.map((event) => model.upcast?.(version, event) ?? event)
          ),
        encodeEvents,
        encodeState: Schema.encodeSync(model.State),
        decodeState: Schema.decodeUnknownSync(model.State)
      }
      return Residents.layer(entity, { ...options, activate: activate(kind), handlers })
    })
  )
