import { type ClusterFailure, deadlineMs, Edge, type Refused } from "@halles/entities/routes/Edge"
import * as EntityClient from "@halles/engine/activation/EntityClient"
import type { UndeclaredError } from "@halles/engine/activation/Undeclared"
import { Unavailable } from "@halles/shared/wire/EdgeErrors"
import { regionOf } from "@halles/shared/Region"
import { Cause, Effect, Exit, Layer } from "effect"
import { ClusterError, type Entity } from "effect/cluster"
import type { Rpc } from "effect/rpc"
import * as Access from "./access/Access.ts"
import * as Deadlines from "./admission/Deadlines.ts"
import * as RetryBudget from "./admission/RetryBudget.ts"
import { Faults } from "./admission/InjectedFaults.ts"
import { Upstreams } from "./admission/Upstreams.ts"
import { ResponseCache } from "./cache/ResponseCache.ts"

/** Whether trying again at once may help. */
const clusterFailures = {
  EntityNotAssignedToRunner: "try_again",
  RunnerUnavailable: "try_again",
  RunnerNotRegistered: "try_again",
  RegionUnavailable: "give_up",
  AlreadyProcessingMessage: "give_up",
  MailboxFull: "give_up",
  PersistenceError: "give_up",
  RpcClientError: "give_up",
  Busy: "give_up",
  BreakerOpen: "give_up",
  SqlError: "give_up"
} satisfies Record<ClusterFailure, "try_again" | "give_up">

const failureOf = (error: unknown): "try_again" | "give_up" | undefined =>
  typeof error === "object" && error !== null && "_tag" in error
    ? (clusterFailures as Readonly<Record<string, "try_again" | "give_up">>)[String(error._tag)]
    : undefined

const failed = (cause: Error) => new ClusterError.PersistenceError({ cause })
/**
 * Only what the region's runners could not do, or did not answer. A shard that moves refuses at once and is somewhere else a
 * moment later: that is no reason to stop asking for the other ones.
 */
const isFailure = (error: unknown): boolean =>
  typeof error === "object" && error !== null && "_tag" in error && error._tag === "PersistenceError"

/**
 * A client of entities, each call behind the breaker of its region. `BreakerOpen` is not in its type: to `call` it is one of the
 * cluster's failures.
 */
export const entity = <Type extends string, Rpcs extends Rpc.Any>(contract: Entity.Entity<Type, Rpcs>) =>
  Effect.gen(function* () {
    const { entities } = yield* Upstreams
    const faults = yield* Faults
    return yield* EntityClient.make(contract, (id, call) => {
      const region = regionOf(id)
      return entities[region].run(faults.around(`entities:${region}`, call, failed), isFailure)
    })
  })

/** Of all calls of this process: when most of them fail, trying again would only add to it. */
const retries = RetryBudget.make()

/** Two more attempts, 50 ms apart: a shard that has just moved is found again, and the caller's deadline stands. */
const attemptsMax = 2
const againMs = 50
/** `Effect.retry` makes a schedule for every call, failed or not, which cost as much as the deadline. */
const retried = <A, E, R>(effect: Effect.Effect<A, E, R>, left = attemptsMax): Effect.Effect<A, E, R> =>
  Effect.catchIf(
    effect,
    (error) => left > 0 && failureOf(error) === "try_again" && retries.take(),
    () => Effect.delay(retried(effect, left - 1), againMs)
  )

/**
 * The cluster's failures become `Unavailable`; what the entity refused passes, and so does what no contract names: that it is
 * parked, and that what it would come to is too large.
 */
export const unavailable = <E>(error: E): Refused<E> | Unavailable | UndeclaredError =>
  failureOf(error) === undefined ? (error as Refused<E>) : new Unavailable()

/**
 * Every call from the edge to an entity goes through here: it ends within the deadline, and failures of the cluster become
 * `Unavailable`. The command may still have run; its sender repeats it with the same id.
 */
export const call: Edge["Service"]["call"] = (effect, durationMs = deadlineMs) =>
  Effect.suspend(() => {
    retries.earn()
    return retried(effect).pipe(
      // A runner that gives up a shard interrupts what it has not begun. An interrupt of the caller itself passes by here.
      Effect.catchCauseIf(Cause.hasInterruptsOnly, () => Effect.fail(new Unavailable())),
      (answer) => Deadlines.within(answer, durationMs, () => Exit.fail(new Unavailable())),
      Effect.mapError(unavailable)
    )
  })

/** What the routes of domains are carried out with, in this process. */
export const EdgeLive = Layer.effect(
  Edge,
  Effect.gen(function* () {
    const cache = yield* ResponseCache
    const context = yield* Effect.context<Effect.Services<ReturnType<typeof entity>>>()
    return Edge.of({
      entity: (contract) => Effect.provideContext(entity(contract), context),
      call,
      ask: Access.ask,
      shared: cache.through
    })
  })
)
