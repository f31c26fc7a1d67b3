import { type Query, Reads } from "@halles/entities/Reads"
import * as Breaker from "@halles/shared/clients/Breaker"
import * as EntityClient from "@halles/engine/activation/EntityClient"
import { type Region, regionOf } from "@halles/shared/Region"
import { isStream } from "@halles/engine/activation/ActivationDirectory"
import { Context, Effect, Layer } from "effect"
import { ClusterError, type Entity } from "effect/cluster"
import type { Rpc } from "effect/rpc"
import { SqlError } from "effect/sql"
import { Faults } from "./InjectedFaults.ts"

/** Whoever waits gives up at the edge's deadline, 3 s: by then a region that answers has answered. */
const answerMsMax = 2_500

/**
 * Only what the region's runners could not do, or did not answer. A shard that moves refuses at once and is somewhere else a
 * moment later: that is no reason to stop asking for the other ones.
 */
const isFailure = (error: unknown): boolean =>
  typeof error === "object" && error !== null && "_tag" in error && error._tag === "PersistenceError"

const noConnection = (cause: Error) => new SqlError.SqlError({ reason: new SqlError.ConnectionError({ cause }) })

const isSqlError = (error: unknown): boolean => error instanceof SqlError.SqlError

const ofRegions = <A, E, R>(make: (region: Region) => Effect.Effect<A, E, R>) =>
  Effect.all({ eu: make("eu"), am: make("am"), ap: make("ap") })

/** What the edge asks in each region: while a region does not answer, its callers hear so at once, and one probe finds out when it does. */
export class Upstreams extends Context.Service<
  Upstreams,
  {
    readonly entities: Readonly<Record<Region, Breaker.Breaker>>
    readonly databases: Readonly<Record<Region, Breaker.Breaker>>
  }
>()("@halles/http/Upstreams") {
  static readonly layer = Layer.effect(
    Upstreams,
    Effect.all({
      entities: ofRegions((region) => Breaker.make(`entities:${region}`, { answerMsMax })),
      databases: ofRegions((region) => Breaker.make(`database:${region}`, { answerMsMax }))
    })
  )

  /** Lists of each region, behind its breaker. */
  static readonly reads: Layer.Layer<Reads, never, Reads | Upstreams | Faults> = Layer.effect(
    Reads,
    Effect.gen(function* () {
      const reads = yield* Reads
      const { databases } = yield* Upstreams
      const faults = yield* Faults
      return Reads.of({
        read: <A, E>(region: Region, query: Query<A, E>) =>
          // `Edge.call` knows `BreakerOpen` as it knows what else a list's database may say.
          databases[region].run(
            faults.around(`database:${region}`, reads.read(region, query), noConnection),
            isSqlError
          ) as Effect.Effect<A, E | SqlError.SqlError>
      })
    })
  )
}

const failed = (cause: Error) => new ClusterError.PersistenceError({ cause })

type Method = (this: object, payload?: unknown, options?: unknown) => Effect.Effect<unknown, unknown>

/**
 * A client of entities, each call behind the breaker of its region. `BreakerOpen` is not in its type: to `Edge.call` it is one of the
 * cluster's failures. Streams pass: they have no answer to wait for.
 */
export const entity = <Type extends string, Rpcs extends Rpc.Any>(wanted: Entity.Entity<Type, Rpcs>) =>
  Effect.gen(function* () {
    const client = yield* EntityClient.make(wanted)
    const { entities } = yield* Upstreams
    const faults = yield* Faults
    class Guarded {
      readonly id: string
      readonly near: Readonly<Record<string, Method>>
      constructor(id: string) {
        this.id = id
        this.near = client(id) as unknown as Readonly<Record<string, Method>>
      }
    }
    for (const [tag, rpc] of wanted.protocol.requests) {
      const pass = function (this: Guarded, payload?: unknown, options?: unknown) {
        return this.near[tag]!(payload, options)
      }
      const guard = function (this: Guarded, payload?: unknown, options?: unknown) {
        const region = regionOf(this.id)
        const call = this.near[tag]!(payload, options)
        return entities[region].run(faults.around(`entities:${region}`, call, failed), isFailure)
      }
      Object.defineProperty(Guarded.prototype, tag, { value: isStream(rpc) ? pass : guard })
    }
    return ((id: string) => new Guarded(id)) as unknown as typeof client
  })
