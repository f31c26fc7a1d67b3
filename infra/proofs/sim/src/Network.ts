import { Effect, Exit, Schema } from "effect"
import {
  ClusterError,
  type Entity,
  EntityAddress,
  type EntityId,
  EntityType,
  type ShardId,
  type Sharding
} from "effect/cluster"
import { Rpc } from "effect/rpc"
import type { ExpectedAnswers } from "./ExpectedAnswers.ts"
import type { Tables } from "./Tables.ts"
import type { Process, World } from "./World.ts"

/** How the network behaves: chances of one message. */
export interface Traffic {
  readonly dropped: number
  readonly doubled: number
  /** Takes 20 to 500 ms. */
  readonly late: number
  /** Takes up to 20 s: it arrives when nobody expects it any more. */
  readonly stray: number
}

/** A message as it reaches a runner. */
export interface Delivered {
  readonly entityType: string
  readonly entityId: string
  readonly shard: ShardId.ShardId
  readonly tag: string
  readonly payload: unknown
  readonly answer: (exit: Exit.Exit<unknown, unknown>) => void
  /** The runner does not own the shard (any more): the sender looks for the owner again. */
  readonly moved: () => void
}

export interface Receiver extends Process {
  readonly deliver: (message: Delivered) => void
}

/** Sends of one call, after which the caller is told that nobody was found. */
const sendsMax = 60

interface Wire {
  readonly encodePayload: (payload: unknown) => unknown
  readonly decodePayload: (encoded: unknown) => unknown
  readonly encodeExit: (exit: Exit.Exit<unknown, unknown>) => unknown
  readonly decodeExit: (encoded: unknown) => Exit.Exit<unknown, unknown>
}

/** Of each message kind, made once a process. */
const wires = new WeakMap<Rpc.AnyWithProps, Wire>()
const wireOf = (rpc: Rpc.AnyWithProps): Wire => {
  let wire = wires.get(rpc)
  if (wire === undefined) {
    const payload = Schema.toCodecJson(rpc.payloadSchema) as unknown as Schema.Codec<unknown, unknown>
    const exit = Schema.toCodecJson(Rpc.exitSchema(rpc)) as unknown as Schema.Codec<
      Exit.Exit<unknown, unknown>,
      unknown
    >
    wire = {
      encodePayload: Schema.encodeSync(payload),
      decodePayload: Schema.decodeSync(payload),
      encodeExit: Schema.encodeSync(exit),
      decodeExit: Schema.decodeSync(exit)
    }
    wires.set(rpc, wire)
  }
  return wire
}
const throughText = (encoded: unknown): unknown =>
  encoded === undefined ? undefined : JSON.parse(JSON.stringify(encoded))

interface Call {
  readonly number: number
  readonly caller: Process
  readonly address: EntityAddress.EntityAddress
  readonly rpc: Rpc.AnyWithProps
  /** As it is sent. */
  readonly payload: unknown
  readonly resume: (exit: Exit.Exit<unknown, unknown>) => void
  sends: number
  isOver: boolean
}

interface Options {
  readonly traffic: () => Traffic
  readonly ownerOf: (shard: number) => Receiver | undefined
  /** Whether messages are encoded and decoded by their schemas. */
  readonly encodes: boolean
  /** Told of each message that is sent; gives by how many milliseconds it is held up. */
  readonly onSend: (tag: string, caller: Process, target: Receiver) => number
  readonly tables: Tables
  readonly answers: ExpectedAnswers
}

/** Calls of entities between processes: delayed, out of order, doubled, dropped. */
export class Network {
  drops = 0
  duplicates = 0
  readonly #world: World
  readonly #options: Options
  #calls = 0

  constructor(world: World, options: Options) {
    this.#world = world
    this.#options = options
  }

  call(caller: Process, address: EntityAddress.EntityAddress, rpc: Rpc.AnyWithProps, payload: unknown) {
    return Effect.callback<unknown, unknown>((resume) => {
      this.#calls += 1
      const call: Call = {
        number: this.#calls,
        caller,
        address,
        rpc,
        payload: this.#options.encodes ? throughText(wireOf(rpc).encodePayload(payload)) : payload,
        resume,
        sends: 0,
        isOver: false
      }
      this.#send(call)
      return Effect.sync(() => {
        call.isOver = true
      })
    })
  }

  #delay(): number {
    const world = this.#world
    const { late, stray } = this.#options.traffic()
    if (world.chance(stray)) return world.between(500, 20_000)
    return world.chance(late) ? world.between(20, 500) : world.between(0.1, 2)
  }

  #note(what: string, { address, caller, number, rpc }: Call, detail: string, more?: () => string) {
    const { entityId, entityType } = address
    this.#world.note(what, `#${number} ${caller.name} > ${entityType}/${entityId} ${rpc._tag} ${detail}`, more)
  }

  #send(call: Call): void {
    if (call.isOver) return
    const world = this.#world
    call.sends += 1
    const target = this.#options.ownerOf(call.address.shardId.id)
    if (call.sends > sendsMax) {
      call.isOver = true
      return call.resume(Exit.fail(new ClusterError.EntityNotAssignedToRunner({ address: call.address })))
    }
    if (target === undefined || !target.alive) {
      // Nobody listens: mostly that is told at once.
      if (world.chance(0.8)) this.#sendAgain(call)
      return
    }
    const heldUpMs = this.#options.onSend(call.rpc._tag, call.caller, target)
    const { doubled, dropped } = this.#options.traffic()
    const copies = world.chance(doubled) ? 2 : 1
    if (copies === 2) this.duplicates += 1
    for (let copy = 0; copy < copies; copy += 1) {
      if (world.chance(dropped)) {
        this.drops += 1
        this.#note("dropped", call, "message")
        continue
      }
      world.after(heldUpMs + this.#delay(), target, () => this.#arrive(call, target))
    }
  }

  #sendAgain(call: Call): void {
    this.#world.after(this.#world.between(20, 100), call.caller, () => this.#send(call))
  }

  #arrive(call: Call, target: Receiver): void {
    this.#note("arrived", call, `at ${target.name}`)
    const { address, rpc } = call
    const { entityId, entityType, shardId: shard } = address
    const payload = this.#options.encodes ? wireOf(rpc).decodePayload(call.payload) : call.payload
    const tables = this.#options.tables
    const seq = tables.seqOf(entityType, entityId)
    const at = Math.floor(this.#world.now)
    const answeredSeq = this.#options.answers.answeredSeqOf(entityType, entityId)
    target.deliver({
      entityType,
      entityId,
      shard,
      tag: rpc._tag,
      payload,
      answer: (exit) => {
        const seqs = [seq, tables.seqOf(entityType, entityId)] as const
        const times = [at, Math.floor(this.#world.now)] as const
        this.#options.answers.add({ entityType, entityId, tag: rpc._tag, payload, exit, seqs, times, answeredSeq })
        this.#answer(call, exit)
      },
      moved: () => this.#world.after(this.#delay(), call.caller, () => this.#sendAgain(call))
    })
  }

  #answer(call: Call, exit: Exit.Exit<unknown, unknown>): void {
    const world = this.#world
    this.#note("answered", call, exit._tag, () => summary(exit))
    if (call.isOver) return
    const { doubled, dropped } = this.#options.traffic()
    if (world.chance(dropped)) {
      this.drops += 1
      return this.#note("dropped", call, "answer")
    }
    if (world.chance(doubled)) this.duplicates += 1
    const { rpc } = call
    const sent = this.#options.encodes ? throughText(wireOf(rpc).encodeExit(exit)) : exit
    world.after(this.#delay(), call.caller, () => {
      if (call.isOver) return
      call.isOver = true
      call.resume(this.#options.encodes ? wireOf(rpc).decodeExit(sent) : exit)
    })
  }
}

const summary = (exit: Exit.Exit<unknown, unknown>): string =>
  (Exit.isSuccess(exit) ? JSON.stringify(exit.value ?? null) : String(exit.cause)).slice(0, 160)

type AnyEntity = Entity.Entity<string, Rpc.Any>

/** One entity as one process reaches it. */
interface Reached {
  readonly id: string
  readonly call: (id: string, rpc: Rpc.AnyWithProps, payload: unknown) => Effect.Effect<unknown, unknown>
}

const methods = new WeakMap<object, object>()
/** Of a contract, made once a process. */
const methodsOf = (entity: AnyEntity): object => {
  const known = methods.get(entity)
  if (known !== undefined) return known
  const made: Record<string, (this: Reached, payload?: unknown) => Effect.Effect<unknown, unknown>> = {}
  for (const [tag, rpc] of entity.protocol.requests as ReadonlyMap<string, unknown>) {
    made[tag] = function (payload) {
      return this.call(this.id, rpc as Rpc.AnyWithProps, payload)
    }
  }
  methods.set(entity, made)
  return made
}

/** `Sharding.makeClient` for one process: what entities of it, its timers or a client outside call others by. */
export const makeClient =
  (
    network: Network,
    caller: Process,
    shardOf: (entityId: string) => ShardId.ShardId
  ): Sharding.Sharding["Service"]["makeClient"] =>
  (wanted) => {
    const entity = wanted as unknown as AnyEntity
    const entityType = EntityType.make(entity.type)
    const call: Reached["call"] = (id, rpc, payload) =>
      network.call(
        caller,
        EntityAddress.make({ entityType, entityId: id as EntityId.EntityId, shardId: shardOf(id) }),
        rpc,
        payload
      )
    return Effect.succeed((id: string) =>
      Object.assign(Object.create(methodsOf(entity)), { id, call } satisfies Reached)
    ) as never
  }
