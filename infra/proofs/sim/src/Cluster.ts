import { handedOver } from "@halles/engine/placement/ShardEpochs"
import { Context, Effect, Exit, type Fiber, Hash } from "effect"
import { ShardId, Sharding } from "effect/cluster"
import { ExpectedAnswers } from "./ExpectedAnswers.ts"
import { makeClient, Network, type Traffic } from "./Network.ts"
import { Partners } from "./Partners.ts"
import { Runner } from "./Runner.ts"
import type { Weather } from "./Store.ts"
import type { Published } from "./Stream.ts"
import { type Entries, Tables } from "./Tables.ts"
import type { Process, World } from "./World.ts"

/** Few, so that each is disputed. */
const shardsMax = 3

export interface Plan {
  readonly runners: number
  readonly encodes: boolean
  readonly traffic: Traffic
  readonly weather: Weather
  readonly bounds: {
    readonly snapshotEvery: number
    readonly snapshotAtLeast: number
    readonly recentMax: number
    readonly snapshotEveryLength: number
    readonly rowBytesMax: number
  }
  /** Operations of a fiber between two yields. */
  readonly opsBeforeYield: number
}

const calm: Traffic & Weather = { dropped: 0, doubled: 0, late: 0, stray: 0, lost: 0, unanswered: 0, slow: 0 }

/** What happens when a message of a kind is sent, after some of them were let pass. */
export interface Ambush {
  readonly tag: string
  readonly passing: number
  readonly onHeldUp: () => void
  readonly strike: "hold up" | "crash caller" | "crash target" | "freeze caller" | "freeze target"
}

/** Runners, their shards, and what befalls them. */
export class Cluster {
  crashes = 0
  doubleOwners = 0
  freezes = 0
  readonly world: World
  readonly tables = new Tables()
  readonly published: Published = new Map()
  readonly answers = new ExpectedAnswers(this.tables)
  readonly forgotten: Array<string> = []
  readonly network: Network
  readonly partners: Partners
  readonly bounds: Plan["bounds"]
  /** From then on nothing is lost; `Infinity` before. */
  calmFrom = Infinity
  readonly #plan: Plan
  readonly #outside: Context.Context<never>
  #runners: Array<Runner> = []
  #ambush: Ambush | null = null
  /** When a message was held up or a runner frozen last: some of that comes in the calm. */
  delayedAt = 0
  /** Who should own a shard, and callers' idea of who does. */
  readonly #assigned = new Map<number, Runner>()
  readonly #refreshing = new Set<Runner>()

  constructor(world: World, plan: Plan) {
    this.world = world
    this.#plan = plan
    this.bounds = plan.bounds
    world.nextFind = () => this.tables.nextDue()
    this.network = new Network(world, {
      traffic: () => (this.isCalm ? calm : plan.traffic),
      ownerOf: (shard) => this.#assigned.get(shard),
      encodes: plan.encodes,
      onSend: (tag, caller, target) => this.#sprung(tag, caller, target),
      tables: this.tables,
      answers: this.answers
    })
    const sharding = Sharding.Sharding.of({
      ...({} as Sharding.Sharding["Service"]),
      makeClient: makeClient(this.network, world.outside, this.shardOf)
    })
    this.#outside = world
      .context(world.outside, plan.opsBeforeYield)
      .pipe(Context.add(Sharding.Sharding, sharding)) as Context.Context<never>
    this.partners = new Partners(world, this)
    for (let index = 1; index <= plan.runners; index += 1) this.#runners.push(new Runner(this, `eu-${index}`))
    for (let shard = 1; shard <= shardsMax; shard += 1) this.#assigned.set(shard, world.pick(this.#runners))
    for (const [runner, shards] of Map.groupBy(this.#assigned.keys(), (shard) => this.#assigned.get(shard)!)) {
      this.#acquire(runner, shards)
    }
  }

  /** An activation remembers the newest command ids: one within these costs no rebuild. */
  readonly onTaken = ({ lease, commandId, seq }: Entries[number]): void => {
    const { entityId, entityType } = lease
    if (seq <= this.bounds.recentMax) {
      this.forgotten.push(`${entityType}/${entityId} ${commandId}: was forgotten, though it is one of the newest`)
    }
  }

  get isCalm(): boolean {
    return this.world.now >= this.calmFrom
  }
  /** No more faults: all that is left of them comes to rest. */
  calm(): void {
    this.world.note("calm", "")
    this.calmFrom = this.world.now
    this.sweepLater()
  }

  readonly weather = (): Weather => (this.isCalm ? calm : this.#plan.weather)
  readonly shardOf = (entityId: string): ShardId.ShardId =>
    ShardId.make("eu", (Math.abs(Hash.string(entityId)) % shardsMax) + 1)
  readonly opsBeforeYield = (): number => this.#plan.opsBeforeYield

  /** Runs what is no runner: it reaches the entities as the edge does. */
  outside<A, E>(effect: Effect.Effect<A, E, Sharding.Sharding>): Fiber.Fiber<A, E> {
    return Effect.runForkWith(this.#outside as Context.Context<Sharding.Sharding>)(effect)
  }

  get runners(): ReadonlyArray<Runner> {
    return this.#runners
  }

  #assign(shard: number, except?: Runner): void {
    const others = this.#runners.filter((runner) => runner !== except)
    const runner = this.world.pick(others.length === 0 ? this.#runners : others)
    this.#assigned.set(shard, runner)
    this.#acquire(runner, [shard])
  }

  /** Until it has the shards, or somebody else should. */
  #acquire(runner: Runner, shards: ReadonlyArray<number>): void {
    const { world } = this
    const again = (left: ReadonlyArray<number>) =>
      void world.after(world.between(5, 200), runner, () => this.#acquire(runner, left))
    const mine = shards.filter((shard) => this.#assigned.get(shard) === runner)
    // One that lost a shard and was given it again has to notice the loss first.
    const lost = mine.filter(
      (shard) => runner.shards.has(shard) && this.tables.epochs.get(shard)?.owner !== runner.name
    )
    if (lost.length > 0) {
      this.refreshSoon(runner)
      again(lost)
    }
    const wanted = mine.filter((shard) => !runner.shards.has(shard))
    if (wanted.length === 0) return
    if (runner.storage === null) return again(wanted)
    const ids = wanted.map((shard) => ShardId.make("eu", shard))
    runner.run(runner.storage.acquire(runner.address, ids)).addObserver((exit) => {
      const acquired = Exit.isSuccess(exit) ? exit.value.map(({ id }) => id) : []
      for (const shard of acquired) {
        if (this.#assigned.get(shard) !== runner) this.#giveUp(runner, shard)
        else {
          world.note("acquired", `${runner.name} shard ${shard}`)
          runner.shards.add(shard)
        }
      }
      const left = wanted.filter((shard) => !acquired.includes(shard))
      if (left.length > 0) again(left)
    })
  }

  /** A runner takes the shards over, whoever else believes to own them. */
  raise(
    runner: Runner,
    shards: ReadonlyArray<number>
  ): { readonly abandoned: boolean; readonly raised: ReadonlyMap<number, number> } {
    const isDouble = (other: Runner) => other !== runner && shards.some((shard) => other.shards.has(shard))
    if (this.#runners.some(isDouble)) this.doubleOwners += 1
    this.world.note("raised", `${runner.name} ${shards.join(" ")}`)
    const abandoned = shards.some((shard) => {
      const owner = this.tables.epochs.get(shard)?.owner
      return owner !== undefined && owner !== handedOver && owner !== runner.name
    })
    return { abandoned, raised: this.tables.raise(shards, runner.name) }
  }

  /** What a runner's regular look at its shards would find, some time later. */
  refreshSoon(runner: Runner): void {
    if (this.#refreshing.has(runner)) return
    this.#refreshing.add(runner)
    this.world.after(this.world.between(20, this.isCalm ? 200 : 3_000), runner, () => {
      this.#refreshing.delete(runner)
      this.#refresh(runner)
    })
  }

  #refresh(runner: Runner): void {
    if (runner.storage === null) return
    const checked = [...runner.shards]
    const shards = checked.map((shard) => ShardId.make("eu", shard))
    runner.run(runner.look(shards)).addObserver((exit) => {
      if (!Exit.isSuccess(exit)) return this.refreshSoon(runner)
      const held = new Set(exit.value.map(({ id }) => id))
      for (const shard of checked) {
        if (!held.has(shard)) {
          runner.run(runner.lose(shard))
          this.#acquire(runner, [shard])
        } else if (this.#assigned.get(shard) !== runner) this.#giveUp(runner, shard)
      }
    })
  }

  /** A shard is taken from its owner, who does not know it: both go on. */
  steal(shard: number): void {
    const owner = this.#assigned.get(shard)!
    if (this.#runners.length < 2) return
    this.world.note("steal", `shard ${shard} from ${owner.name}`)
    this.#assign(shard, owner)
    this.refreshSoon(owner)
  }

  /** A graceful hand-over. */
  move(shard: number): void {
    const owner = this.#assigned.get(shard)!
    if (this.#runners.length < 2 || owner.storage === null) return
    this.world.note("move", `shard ${shard} from ${owner.name}`)
    this.#giveUp(owner, shard)
    this.#assign(shard, owner)
  }

  #giveUp(runner: Runner, shard: number): void {
    const { address, storage } = runner
    if (storage !== null)
      runner.run(Effect.andThen(runner.lose(shard), storage.release(address, ShardId.make("eu", shard))))
  }

  /** Waits for one message to be sent, to strike just then. */
  lieInWait(ambush: Ambush): void {
    this.#ambush = ambush
  }

  #sprung(tag: string, caller: Process, target: Process): number {
    const ambush = this.#ambush
    if (ambush === null || ambush.tag !== tag) return 0
    this.#ambush = ambush.passing === 0 ? null : { ...ambush, passing: ambush.passing - 1 }
    if (ambush.passing > 0) return 0
    const { world } = this
    world.note("ambush", `${ambush.strike} at ${tag}`)
    if (ambush.strike === "hold up") {
      this.delayedAt = world.now
      world.soon(world.outside, ambush.onHeldUp)
      return world.between(4_000, 12_000)
    }
    const victim = this.#runners.find((runner) => runner === (ambush.strike.endsWith("caller") ? caller : target))
    // After what is under way in this tick: a runner is not killed in the middle of a statement of its own.
    if (victim !== undefined) {
      const act = ambush.strike.startsWith("crash") ? () => this.crash(victim) : () => this.freeze(victim)
      world.after(world.between(0, 8), world.outside, act)
    }
    return 0
  }

  crash(runner: Runner): void {
    if (!runner.alive) return
    const { world } = this
    this.crashes += 1
    world.note("crash", runner.name)
    runner.kill()
    world.after(world.between(100, 3_000), world.outside, () => {
      this.#runners = this.#runners.filter((one) => one !== runner)
      this.#runners.push(new Runner(this, runner.name))
      for (const [shard, assigned] of this.#assigned) if (assigned === runner) this.#assign(shard)
    })
    this.sweepLater()
  }

  /** Stopped as by SIGSTOP; meanwhile its shards may go to others. */
  freeze(runner: Runner): void {
    const { world } = this
    this.freezes += 1
    const ms = world.between(100, 8_000)
    world.note("freeze", `${runner.name} for ${Math.round(ms)} ms`)
    runner.frozenUntil = world.now + ms
    this.delayedAt = world.now
    for (const [shard, assigned] of this.#assigned) {
      if (assigned === runner && world.chance(0.7))
        world.after(world.between(0, ms), world.outside, () => this.steal(shard))
    }
  }

  /** What `Outbox.ts` does every two seconds; here when there is a reason to. */
  sweepLater(): void {
    this.world.after(7_000, this.world.outside, () => {
      for (const runner of this.#runners) runner.sweep()
    })
  }

  randomShard(): number {
    return this.world.draw(shardsMax) + 1
  }
}
