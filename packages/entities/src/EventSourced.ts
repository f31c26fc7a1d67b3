import { EntityParked } from "@halles/shared/Parking"
import * as Residents from "@halles/shared/Residents"
import { ActivationLost } from "@halles/shared/Residents/ActivationLost"
import * as Shard from "@halles/shared/Shard"
import { Clock, Context, Effect, Layer, Schema } from "effect"
import type { Entity, EntityAddress } from "effect/cluster"
import type { Rpc } from "effect/rpc"
import { codecsOf } from "./EventSourced/Codecs.ts"
import * as InHand from "./EventSourced/InHand.ts"
import * as SagaTrace from "./EventSourced/SagaTrace.ts"
import { type Bounds as BoundsOf, type Commanded, type Kind, remember, type Tagged } from "./EventSourced/Kind.ts"
import { Shell } from "./EventSourced/Shell.ts"
import { Journal } from "./Journal.ts"
import type { Activation } from "./Journal/GroupCommit.ts"
import type { Stored } from "./JournalStore.ts"
import type { Model } from "./Model.ts"
import { ShardEpochs } from "./ShardEpochs.ts"

/** A simulation makes these small, so that it meets them in short histories. */
export const Bounds = Context.Reference<BoundsOf>("@halles/entities/EventSourced/Bounds", {
  defaultValue: () => ({ snapshotEvery: 200, snapshotAtLeast: 20, recentMax: 256, rowBytesMax: 8 * 1024 ** 2 })
})

const wholeHistory = Effect.fnUntraced(function* (journal: Journal["Service"], entityType: string, entityId: string) {
  const rows: Array<Stored> = []
  while (true) {
    const page: ReadonlyArray<Stored> = yield* journal.history(entityType, entityId, rows.at(-1)?.seq ?? 0)
    if (page.length === 0) return rows
    rows.push(...page)
  }
})

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
    const { bounds, decodeState, epochs, eventsOf, journal, model } = kind
    const name = `${model.type}/${entityId}`
    const shard = Shard.numberOf(shardId)
    const epoch = epochs.current(shard)
    if (epoch === undefined) return yield* Effect.die(new ActivationLost({ entity: name, reason: "shard not owned" }))
    yield* epochs.alone(shard)
    const activation: Activation = { entityType: model.type, entityId, shard, epoch, dead: false }

    const { isParked, snapshot, tail } = yield* journal.load(model.type, entityId)
    // `Residents` makes it refuse every call.
    if (isParked) return yield* Effect.die(new EntityParked({ entity: name }))
    const usable = snapshot !== null && snapshot.version === model.version ? snapshot : null
    const rows = usable === null && snapshot !== null ? yield* wholeHistory(journal, model.type, entityId) : tail
    InHand.take(activation, "activation")
    let state: State = usable === null ? model.initial : decodeState(usable.state)
    const recent = new Set<string>(usable?.commands)
    for (const row of rows) {
      state = eventsOf(row).reduce(model.evolve, state)
      remember(recent, row.commandId, bounds.recentMax)
    }
    const seq = rows.at(-1)?.seq ?? usable?.seq ?? 0
    return new Shell(kind, activation, { state, seq, snapshotSeq: usable?.seq ?? 0, recent })
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
