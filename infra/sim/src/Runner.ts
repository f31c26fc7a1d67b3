import { Carrier } from "@halles/entities/Carrier"
import * as Entities from "@halles/entities/Entities"
import { Bounds } from "@halles/entities/EventSourced"
import * as FencedRunnerStorage from "@halles/entities/FencedRunnerStorage"
import { Journal } from "@halles/entities/Journal"
import { JournalStore } from "@halles/entities/JournalStore"
import { Outbox } from "@halles/entities/Outbox"
import { PaymentGateway } from "@halles/entities/PaymentGateway"
import { ShardEpochs } from "@halles/entities/ShardEpochs"
import * as Timers from "@halles/entities/Timers"
import { Cause, Context, Effect, Exit, Fiber, Layer, Scope } from "effect"
import { Clock } from "effect/Clock"
import {
  Entity,
  EntityAddress,
  type EntityId,
  EntityType,
  RunnerAddress,
  RunnerStorage,
  ShardId,
  Sharding
} from "effect/cluster"
import { Connection, make as makeStore } from "./Store.ts"
import * as Network from "./Network.ts"
import * as Stream from "./Stream.ts"
import type { Cluster } from "./Cluster.ts"
import type { Life } from "./World.ts"

/** Of an entity whose handler or whose making died. */
const rebuildAfterMs = 200

interface Registered {
  readonly build: Effect.Effect<Handlers, never, Scope.Scope | Entity.CurrentAddress>
  readonly context: Context.Context<never>
}
type Handlers = Readonly<Record<string, (request: { readonly payload: unknown }) => Effect.Effect<unknown, unknown>>>

/** One entity that lives on a runner: its handlers, once they are made, and the messages that it has not answered. */
interface Activation {
  readonly address: EntityAddress.EntityAddress
  readonly messages: Set<Network.Delivered>
  /** `null` while it is made, or made again. */
  handlers: Handlers | null
  scope: Scope.Closeable
  isClosed: boolean
}

/** One life of a runner: the shells, the journal, the timers and the fencing of the product, on a simulated world. */
export class Runner implements Life {
  readonly name: string
  readonly address: RunnerAddress.RunnerAddress
  alive = true
  frozenUntil = 0
  /** Shards that it believes to own. */
  readonly shards = new Set<number>()
  /** With fenced locks; `null` until the runner has started. */
  storage: RunnerStorage.RunnerStorage["Service"] | null = null
  readonly #cluster: Cluster
  readonly #connection: Connection
  readonly #context: Context.Context<never>
  readonly #registered = new Map<string, Registered>()
  readonly #activations = new Map<string, Activation>()

  constructor(cluster: Cluster, name: string) {
    this.name = name
    this.#cluster = cluster
    this.address = RunnerAddress.make(name, 1)
    const { published, tables, weather, world } = cluster
    this.#connection = new Connection(world, this, weather)
    this.#context = world
      .context(this, cluster.opsBeforeYield())
      .pipe(
        Context.add(JournalStore, makeStore(world, tables, this.#connection, cluster.onTaken)),
        Context.add(Outbox, Stream.make(world, this, tables, published, this.#connection)),
        Context.add(ShardEpochs, this.#epochs()),
        Context.add(PaymentGateway, cluster.partners.gatewayOf(this)),
        Context.add(Carrier, cluster.partners.carrierOf(this)),
        Context.add(Sharding.Sharding, this.#sharding()),
        Context.add(RunnerStorage.RunnerStorage, cluster.locksOf(this)),
        Context.add(Bounds, cluster.bounds),
        Context.add(Scope.Scope, Scope.makeUnsafe())
      ) as Context.Context<never>
    this.run(this.#start)
  }

  run<A, E>(effect: Effect.Effect<A, E, never>): Fiber.Fiber<A, E> {
    return Effect.runForkWith(this.#context)(effect)
  }

  get #start() {
    const { world } = this.#cluster
    const started = Effect.gen({ self: this }, function* () {
      const services = yield* Layer.build(Entities.layer.pipe(Layer.provideMerge(Journal.layer)))
      const wake = yield* Entities.makeWake
      yield* Timers.run(wake).pipe(Effect.provideService(Clock, world.clock(this, true)), Effect.forkScoped)
      this.storage = yield* FencedRunnerStorage.make("eu")
      return services
    })
    return started as Effect.Effect<unknown, never, never>
  }

  /** All of it is gone at once. */
  kill(): void {
    this.alive = false
    this.#connection.cut()
  }

  #epochs(): ShardEpochs["Service"] {
    const epochs = new Map<number, number>()
    return ShardEpochs.of({
      owner: this.name,
      raise: (shards) =>
        this.#connection
          .ask("raise", () => this.#cluster.raise(this, shards))
          .pipe(
            Effect.orDie,
            Effect.map((raised) => {
              for (const [shard, epoch] of raised) epochs.set(shard, epoch)
              // Nobody says here that a shard was handed over: the outbox is swept each time.
              return true
            })
          ),
      handOver: () => Effect.void,
      drop: (shards) => {
        for (const shard of shards) epochs.delete(shard)
        this.#cluster.refreshSoon(this)
      },
      current: (shard) => epochs.get(shard),
      owned: () => [...epochs.keys()]
    })
  }

  #sharding(): Sharding.Sharding["Service"] {
    const { network, shardOf } = this.#cluster
    const registerEntity = (entity: { readonly type: string }, build: unknown) =>
      Effect.contextWith((context: Context.Context<never>) => {
        this.#registered.set(entity.type, { build: build as Registered["build"], context })
        return Effect.void
      })
    return Sharding.Sharding.of({
      ...({} as Sharding.Sharding["Service"]),
      getShardId: (entityId) => shardOf(entityId),
      hasShardId: ({ id }) => this.shards.has(id),
      makeClient: Network.makeClient(network, this, shardOf),
      registerEntity: registerEntity as Sharding.Sharding["Service"]["registerEntity"]
    })
  }

  deliver(message: Network.Delivered): void {
    if (!this.shards.has(message.shard.id)) return message.moved()
    const key = `${message.entityType}/${message.entityId}`
    let activation = this.#activations.get(key)
    if (activation === undefined) {
      activation = {
        address: EntityAddress.make({
          entityType: EntityType.make(message.entityType),
          entityId: message.entityId as EntityId.EntityId,
          shardId: ShardId.make("eu", message.shard.id)
        }),
        messages: new Set(),
        handlers: null,
        scope: Scope.makeUnsafe(),
        isClosed: false
      }
      this.#activations.set(key, activation)
      this.#build(activation)
    }
    activation.messages.add(message)
    if (activation.handlers !== null) this.#handle(activation, message)
  }

  #build(activation: Activation): void {
    if (activation.isClosed) return
    const { address } = activation
    const { build, context } = this.#registered.get(address.entityType)!
    const scope = Scope.makeUnsafe()
    activation.scope = scope
    const own = context.pipe(Context.add(Entity.CurrentAddress, address), Context.add(Scope.Scope, scope))
    Effect.runForkWith(own)(build).addObserver((exit) => {
      if (activation.isClosed) return
      if (Exit.isFailure(exit)) return this.#rebuild(activation)
      activation.handlers = exit.value
      for (const message of activation.messages) this.#handle(activation, message)
    })
  }

  #handle(activation: Activation, message: Network.Delivered): void {
    const { world } = this.#cluster
    const { handlers, scope } = activation
    world.soon(this, () => {
      if (activation.handlers !== handlers || activation.isClosed) return
      const { context } = this.#registered.get(activation.address.entityType)!
      const fiber = Effect.runForkWith(context)(handlers![message.tag]!({ payload: message.payload }))
      Fiber.runIn(fiber, scope)
      fiber.addObserver((exit) => {
        if (activation.handlers !== handlers || activation.isClosed) return
        if (Exit.isFailure(exit) && !Cause.hasFails(exit.cause)) {
          world.note("died", `${this.name} ${message.entityType}/${message.entityId}`, () =>
            String(exit.cause).slice(0, 200)
          )
          return this.#rebuild(activation)
        }
        activation.messages.delete(message)
        message.answer(exit)
      })
    })
  }

  /** As Effect's entity manager does: what was not answered is handled again by new handlers. */
  #rebuild(activation: Activation): void {
    const { world } = this.#cluster
    activation.handlers = null
    this.run(Scope.close(activation.scope, Exit.void))
    world.after(rebuildAfterMs * world.between(0.8, 1.2), this, () => this.#build(activation))
  }

  /** The shard is another's: its entities leave, and who waits for an answer asks the new owner. */
  lose(shard: number): Effect.Effect<void> {
    this.shards.delete(shard)
    const leaving = [...this.#activations.values()].filter(({ address }) => address.shardId.id === shard)
    return Effect.forEach(leaving, (activation) => this.#close(activation), { discard: true })
  }

  #close(activation: Activation): Effect.Effect<void> {
    const { entityId, entityType } = activation.address
    activation.isClosed = true
    this.#activations.delete(`${entityType}/${entityId}`)
    for (const message of activation.messages) message.moved()
    return Scope.close(activation.scope, Exit.void)
  }

  /** Publishes what others left behind. */
  sweep(): void {
    const outbox = Context.get(this.#context as Context.Context<Outbox>, Outbox)
    if (this.alive) this.run(Effect.ignore(outbox.sweep({ olderThanMs: 3_000 })))
  }

  /** Sends one idle entity to sleep. */
  passivate(): void {
    const idle = [...this.#activations.values()].filter(
      ({ handlers, messages }) => handlers !== null && messages.size === 0
    )
    if (idle.length > 0) this.run(this.#close(this.#cluster.world.pick(idle)))
  }
}
