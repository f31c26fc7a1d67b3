import type { UndeclaredError } from "@halles/engine/activation/Undeclared"
import type { CartId, CustomerId } from "@halles/shared/Ids"
import { Region } from "@halles/shared/Region"
import type { Forbidden, StrongerSignInRequired, Unauthorized, Unavailable } from "@halles/shared/wire/EdgeErrors"
import { Context, type Effect, Schema } from "effect"
import type { Entity } from "effect/cluster"
import type { HttpServerRequest, HttpServerResponse } from "effect/http"
import type { Rpc } from "effect/rpc"

/**
 * What the cluster says when it could not serve a call, beside what an entity refuses. Each may come after the command has run:
 * the receiver knows a repeated command id.
 */
export type ClusterFailure =
  | "EntityNotAssignedToRunner"
  | "RunnerUnavailable"
  | "RunnerNotRegistered"
  | "RegionUnavailable"
  | "AlreadyProcessingMessage"
  | "MailboxFull"
  | "PersistenceError"
  | "RpcClientError"
  | "Busy"
  /** Its region does not answer, or the region's database. */
  | "BreakerOpen"
  /** A list's database. */
  | "SqlError"

/** `E` without what the cluster may say: the refusals of the entity. */
export type Refused<E> = Exclude<E, { readonly _tag: ClusterFailure }>

/** Why the sender may not do what the body says. */
export type Denied = Unauthorized | StrongerSignInRequired | Forbidden | Unavailable

/** What only the body tells, and is asked before anything is done; what is undefined or false needs no leave. */
export interface Questions {
  /** In whose name something is done. */
  readonly customer?: CustomerId | undefined
  /** A cart that is dealt with besides. */
  readonly cart?: CartId | undefined
  /** Whether prices are named by the sender. */
  readonly agreedPrices?: boolean
  /** How much is moved. */
  readonly amount?: bigint
  /** Where something is done. */
  readonly region?: Region
}

/** How long an answer is taken for true; and then, how long it may still be given while a new one is made. */
export interface Freshness {
  readonly freshMs: number
  readonly staleMs: number
}

/** An answer that is the same for everybody. */
export interface SharedAnswer extends Freshness {
  /** What it is about, and all that it depends on. */
  readonly key: string
  /** Whose events tell when it is old, if any do. */
  readonly invalidatedBy: Region | null
}
/** The key of a shared answer about one entity. */
export const sharedKey = (type: string, id: string): string => `${type.toLowerCase()}:${id}`

export type Client<Rpcs extends Rpc.Any> = Effect.Success<Entity.Entity<string, Rpcs>["client"]>

/** What the routes of domains are carried out with. */
export class Edge extends Context.Service<
  Edge,
  {
    /** A client of entities, each call behind the breaker of its region. */
    readonly entity: <Type extends string, Rpcs extends Rpc.Any>(
      contract: Entity.Entity<Type, Rpcs>
    ) => Effect.Effect<Client<Rpcs>>
    /** Ends within the deadline, 3 s unless told otherwise; failures of the cluster become `Unavailable`. */
    readonly call: <A, E, R>(
      effect: Effect.Effect<A, E, R>,
      durationMs?: number
    ) => Effect.Effect<A, Refused<E> | Unavailable | UndeclaredError, R>
    readonly ask: (questions: Questions) => Effect.Effect<void, Denied>
    readonly shared: <E, R>(
      request: HttpServerRequest.HttpServerRequest,
      shared: SharedAnswer,
      make: Effect.Effect<HttpServerResponse.HttpServerResponse, E, R>
    ) => Effect.Effect<HttpServerResponse.HttpServerResponse, E, R>
  }
>()("@halles/entities/routes/Edge") {}

/** How long one call to an entity may take, unless it waits on purpose. */
export const deadlineMs = 3_000

/** The region that is meant where a reader names none. */
export const DefaultRegion = Context.Reference<Region>("@halles/entities/routes/DefaultRegion", {
  defaultValue: () => "eu"
})

/** The query of a route that need not name the region. */
export const regional = {
  region: Schema.optionalKey(
    Region.annotate({
      description: "Without it the region that the deployment names as its own, `eu` unless it says otherwise."
    })
  )
}

/** The issuer of `npm start`, which the committed document names. */
export const laptopIssuer = "http://localhost:4407"

/** Who issues the tokens that the edge takes. */
export const Issuer = Context.Reference<string>("@halles/entities/routes/Issuer", {
  defaultValue: () => laptopIssuer
})
