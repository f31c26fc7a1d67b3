import { type Query, Reads } from "@halles/entities/routes/Reads"
import * as Breaker from "@halles/shared/clients/Breaker"
import type { Region } from "@halles/shared/Region"
import { Context, Effect, Layer } from "effect"
import { SqlError } from "effect/sql"
import { Faults } from "./InjectedFaults.ts"

/** Whoever waits gives up at the edge's deadline, 3 s: by then a region that answers has answered. */
const answerMsMax = 2_500

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
