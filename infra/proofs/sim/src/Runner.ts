import { Carrier } from "@halles/entities/shipment/Carrier"
import * as Domains from "@halles/entities/Domains"
import { Bounds } from "@halles/engine/eventsourced/EventSourced"
import { JointCommit } from "@halles/engine/eventsourced/JointCommit"
import * as FencedRunnerStorage from "@halles/engine/placement/FencedRunnerStorage"
import { Journal } from "@halles/engine/journal/Journal"
import { JournalStore } from "@halles/engine/journal/JournalStore"
import { Outbox } from "@halles/engine/journal/Outbox"
import { PaymentGateway } from "@halles/entities/payment/PaymentGateway"
import {
  handedOver,
  type Instant,
  isWithinLease,
  leaseMs,
  left,
  ShardEpochs
} from "@halles/engine/placement/ShardEpochs"
import { Notice } from "@halles/shared/Notice"
import * as Timers from "@halles/engine/eventsourced/Timers"
import * as ActivationDirectory from "@halles/engine/activation/ActivationDirectory"
import type { Answer } from "@halles/engine/activation/Call"
import { RunnerPresence } from "@halles/engine/placement/RunnerPresence"
import { Supervision } from "@halles/engine/activation/Supervision"
import { Context, Effect, type Fiber, Layer, Scope } from "effect"
import { Clock } from "effect/Clock"
import { RunnerAddress, RunnerStorage, ShardId, Sharding } from "effect/cluster"
import { Connection, make as makeStore } from "./Store.ts"
import * as Network from "./Network.ts"
import * as Stream from "./Stream.ts"
import type { Cluster } from "./Cluster.ts"
import type { Process } from "./World.ts"

const isGivenBack = (owner: string) => owner === handedOver || owner === left

/** One process of a runner: the event-sourced entities, the journal, the timers and the fencing of the product, on a simulated world. */
export class Runner implements Process {
  readonly name: string
  readonly address: RunnerAddress.RunnerAddress
  alive = true
  frozenUntil = 0
  /** Shards that it believes to own. */
  readonly shards = new Set<number>()
  /** `null` until the runner has started. */
  storage: RunnerStorage.RunnerStorage["Service"] | null = null
  readonly #cluster: Cluster
  readonly #connection: Connection
  readonly #context: Context.Context<never>
  /** `null` until the runner has started. */
  #directory: ActivationDirectory.ActivationDirectory["Service"] | null = null

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
        Context.add(RunnerStorage.RunnerStorage, {} as RunnerStorage.RunnerStorage["Service"]),
        Context.add(RunnerPresence, this.#presence()),
        Context.add(Bounds, cluster.bounds),
        Context.add(Scope.Scope, Scope.makeUnsafe())
      ) as Context.Context<never>
    this.run(this.#start)
  }

  run<A, E>(effect: Effect.Effect<A, E, never>): Fiber.Fiber<A, E> {
    return Effect.runForkWith(this.#context)(effect)
  }

  /**
   * Entities are let go when the weather says so, not by the clock; and a call to a neighbour on the same runner goes over the
   * network like any other, so that it is delayed, doubled and lost like any other: but for the steps of joint commits, which never
   * leave a process, and wait a moment, as they do where the receiver is read first.
   */
  get #layerDirectory() {
    const { world } = this.#cluster
    return Layer.effect(
      ActivationDirectory.ActivationDirectory,
      Effect.map(ActivationDirectory.make({ finishMs: ActivationDirectory.finishMs }), (directory) => ({
        ...directory,
        rpc: (entityType: string, tag: string) =>
          JointCommit.current() === null ? undefined : directory.rpc(entityType, tag),
        call: (message: ActivationDirectory.Message, answered: (answer: Answer) => void) => {
          if ((message.joint ?? null) === null) return directory.call(message, answered)
          world.after(world.between(0, 3), this, () =>
            this.shards.has(message.shardId.id)
              ? directory.call(message, answered)
              : answered("EntityNotAssignedToRunner")
          )
        }
      }))
    ).pipe(Layer.provide(Supervision.layer))
  }

  get #start() {
    const { world } = this.#cluster
    const started = Effect.gen({ self: this }, function* () {
      const services = yield* Layer.build(Domains.layer.pipe(Layer.provideMerge([Journal.layer, this.#layerDirectory])))
      this.#directory = Context.get(services, ActivationDirectory.ActivationDirectory)
      const fire = yield* Domains.makeTimers("eu")
      yield* Timers.run(fire).pipe(Effect.provideService(Clock, world.clock(this, true)), Effect.forkScoped)
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
    const found = new Map<number, Instant>()
    const aloneFrom = new Map<number, number>()
    const { world } = this.#cluster
    const now = () => ({ monotonic: world.now, wall: world.now })
    const taken = new Notice()
    return ShardEpochs.of({
      owner: this.name,
      // Here nothing confirms epochs now and then: a runner that is not sure of one asks the database.
      askedAt: () => world.now,
      unsure: new Notice(),
      raised: taken,
      raise: (shards) =>
        this.#connection
          .ask("raise", () => this.#cluster.raise(this, shards))
          .pipe(
            Effect.orDie,
            Effect.map(({ abandoned, raised }) => {
              for (const [shard, epoch] of raised) {
                epochs.set(shard, epoch)
                aloneFrom.set(shard, abandoned ? world.now + leaseMs : 0)
              }
              taken.give()
              return abandoned
            })
          ),
      owners: (shards) =>
        this.#connection
          .ask("owners", () => this.#cluster.tables.epochs)
          .pipe(
            Effect.orDie,
            Effect.map((known) => {
              return new Map(
                shards.flatMap((shard) => {
                  const owner = known.get(shard)?.owner
                  return owner === undefined ? [] : [[shard, isGivenBack(owner) ? null : owner] as const]
                })
              )
            })
          ),
      alone: (shard) =>
        Effect.suspend(() => {
          const waitMs = (aloneFrom.get(shard) ?? 0) - world.now
          return waitMs > 0 ? Effect.sleep(waitMs) : Effect.void
        }),
      handOver: (shards, isSettled) =>
        this.#connection
          .ask("hand over", () => {
            for (const shard of shards) {
              const epoch = epochs.get(shard)
              if (epoch !== undefined) this.#cluster.tables.handOver(shard, epoch, isSettled ? handedOver : left)
            }
          })
          .pipe(Effect.orDie),
      drop: (shards) => {
        for (const shard of shards) epochs.delete(shard)
        this.#cluster.refreshSoon(this)
      },
      current: (shard) => epochs.get(shard),
      owned: () => [...epochs.keys()],
      confirm: Effect.suspend(() => {
        const checked = new Map(epochs)
        return this.#connection
          .ask("confirm", () => new Map(this.#cluster.tables.epochs))
          .pipe(
            Effect.orDie,
            Effect.map((known) => {
              for (const [shard, epoch] of checked) {
                if (known.get(shard)?.epoch !== epoch && epochs.get(shard) === epoch) epochs.delete(shard)
              }
            })
          )
      }),
      found: (shard, since) => void found.set(shard, since),
      now,
      isSure: (shard, epoch) => epochs.get(shard) === epoch && isWithinLease(found.get(shard), now())
    })
  }

  /** Others are not heard now and then, though they are there. */
  #presence(): RunnerPresence["Service"] {
    return RunnerPresence.of({
      alive: Effect.succeed([]),
      isAlive: () => Effect.succeed(true),
      silentMs: () => Effect.sync(() => (this.#cluster.world.chance(0.3) ? Infinity : 0))
    })
  }

  #sharding(): Sharding.Sharding["Service"] {
    const { network, shardOf } = this.#cluster
    return Sharding.Sharding.of({
      ...({} as Sharding.Sharding["Service"]),
      getShardId: (entityId) => shardOf(entityId),
      hasShardId: ({ id }) => this.shards.has(id),
      makeClient: Network.makeClient(network, this, shardOf),
      // Calls reach entities without the forwarders that a real runner registers.
      registerEntity: () => Effect.void
    })
  }

  deliver({ answer, entityId, entityType, moved, payload, shard, tag }: Network.Delivered): void {
    const directory = this.#directory
    if (directory === null || !this.shards.has(shard.id)) return moved()
    const { world } = this.#cluster
    world.soon(this, () => {
      if (!this.shards.has(shard.id)) return moved()
      const message = { entityType, entityId, shardId: shard, tag, payload, parent: undefined }
      directory.call(message, (answered) => (typeof answered === "string" ? moved() : answer(answered)))
    })
  }

  /** Which of its shards it still has. */
  look(shards: ReadonlyArray<ShardId.ShardId>) {
    const { confirm } = Context.get(this.#context as Context.Context<ShardEpochs>, ShardEpochs)
    return Effect.andThen(Effect.orDie(confirm), this.storage!.refresh(this.address, shards))
  }

  /** The shard is another's: its entities leave, and who waits for an answer asks the new owner. */
  lose(shard: number): Effect.Effect<void> {
    this.shards.delete(shard)
    return this.#directory?.evict(ShardId.make("eu", shard)) ?? Effect.void
  }

  /** Publishes what others left behind. */
  sweep(): void {
    const outbox = Context.get(this.#context as Context.Context<Outbox>, Outbox)
    if (this.alive) this.run(Effect.ignore(outbox.sweep({ olderThanMs: 3_000 })))
  }

  #idle() {
    return [...(this.#directory?.all() ?? [])].filter((activation) => activation.isIdleSince(Infinity))
  }

  /** Sends one idle entity to sleep. */
  passivate(): void {
    const idle = this.#idle()
    if (idle.length > 0) this.run(this.#cluster.world.pick(idle).passivate())
  }

  /** Sends most idle entities to sleep. */
  passivateMost(): void {
    for (const activation of this.#idle()) if (this.#cluster.world.chance(0.8)) this.run(activation.passivate())
  }
}
