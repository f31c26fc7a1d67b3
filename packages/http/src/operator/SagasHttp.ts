import { NotFound } from "@halles/engine/eventsourced/EntityErrors"
import { readableStateOf } from "@halles/entities/inspector/Histories"
import { stepsOf } from "@halles/entities/inspector/Sagas"
import { Operate, Order } from "@halles/entities/order/Order"
import { RegionDatabases } from "@halles/entities/routes/Reads"
import * as EntityClient from "@halles/engine/activation/EntityClient"
import { CommandId, OrderId } from "@halles/shared/Ids"
import { regionOf } from "@halles/shared/Region"
import { Clock, Effect } from "effect"
import { HttpApiBuilder } from "effect/http-api"
import { randomUUID } from "node:crypto"
import * as Edge from "../EdgeLive.ts"
import { OperatorApi } from "./OperatorApi.ts"
import type * as Json from "./OperatorJson.ts"
import { NotPossible } from "./OperatorProblems.ts"
import { Principal } from "@halles/shared/wire/Principal"
import { changing } from "./Changes.ts"
import { EntityView } from "./views/EntityView.ts"
import { sagas, stuckAfterMs } from "./views/SagaList.ts"
import { sagaOf } from "./views/SagaView.ts"
import { unavailable } from "./OperatorFailures.ts"

const orderOf = (given: string): OrderId => OrderId.make(given.replace(/^[A-Za-z]+[/:]/, ""), { disableChecks: true })

const notOperable = (status: string, pendingStep: string | null, refused: ReadonlyArray<string>): string => {
  if (pendingStep !== null) return `The rest depends on the pending step ${pendingStep}: retry it, or compensate.`
  if (refused.length === 0) return `The order is ${status} and no step is pending.`
  return `The order is ${status}, and this cannot be done to what was refused: ${refused.join(", ")}.`
}

/** Sagas from their histories; what operators do to one is a command to its order, journaled like any other. */
export const SagasHttp = HttpApiBuilder.group(
  OperatorApi,
  "sagas",
  Effect.fnUntraced(function* (handlers) {
    const databases = yield* RegionDatabases
    const orders = yield* EntityClient.make(Order)
    const entities = yield* EntityView

    const operate = (
      act: Operate["act"],
      given: string,
      { reason, step }: typeof Json.ReasonedStep.Type,
      text: string
    ) =>
      Effect.gen(function* () {
        const { subject } = yield* Principal
        const id = orderOf(given)
        yield* Edge.call(
          orders(id).Operate(
            new Operate({
              commandId: CommandId.make(`operate:${randomUUID()}`),
              origin: { actor: `ops:${subject}`.slice(0, 100), correlationId: id },
              act,
              ...(step === undefined ? {} : { step }),
              note: reason
            })
          )
        )
        return { done: true, text: `${id}: ${text}` } as const
      }).pipe(
        Effect.catchTags({
          EntityParked: ({ entity }) =>
            Effect.fail(new NotPossible({ reason: `${entity} is parked. Resume it first.` })),
          TooLarge: ({ entity }) =>
            Effect.fail(new NotPossible({ reason: `What ${entity} would come to is larger than a row may be.` })),
          NotOperable: ({ pendingStep, refused, status }) =>
            Effect.fail(new NotPossible({ reason: notOperable(status, pendingStep, refused) })),
          TooLateToCancel: ({ status }) =>
            Effect.fail(new NotPossible({ reason: `The order is ${status}: what was done cannot be undone any more.` }))
        }),
        changing({ action: `ops.saga.${act}`, subject: given, reason })
      )

    return handlers.handleAll({
      listSagas: ({ query }) =>
        sagas(query).pipe(Effect.provideService(RegionDatabases, databases), Effect.mapError(unavailable)),
      getSaga: ({ params }) =>
        Effect.gen(function* () {
          const { refs, rows } = yield* stepsOf(params.id)
          if (refs.length === 0) return yield* new NotFound({ entity: "Saga", id: params.id })
          const now = yield* Clock.currentTimeMillis
          const states = yield* Effect.forEach(refs, (ref) =>
            Effect.map(readableStateOf(ref, "now"), ({ at, now }) => ({ ref, at, now }))
          )
          const memories = yield* Effect.forEach(
            states.filter(({ now }) => now.pendingStep !== null),
            ({ ref }) => Effect.map(entities.memory(ref), (memory) => [ref.type, memory?.tries ?? null] as const),
            { concurrency: "unbounded" }
          )
          const sql = databases.of(regionOf(refs[0]!.id))
          const timers = yield* sql<{ type: string; due: number }>`
            SELECT entity_type AS type, (extract(epoch FROM due_at) * 1000)::double precision AS due FROM timer
            WHERE (entity_type, entity_id) IN (
              SELECT * FROM unnest(${refs.map(({ type }) => type)}::text[], ${refs.map(({ id }) => id)}::text[]))`
          return sagaOf({
            id: params.id,
            rows,
            states,
            timers: new Map(timers.map(({ due, type }) => [type, Math.round(due)])),
            tries: new Map(memories),
            nowMs: now,
            stuckAfterMs
          })
        }).pipe(
          Effect.provideService(RegionDatabases, databases),
          Effect.catchTags({
            BadRef: () => Effect.fail(new NotFound({ entity: "Saga", id: params.id })),
            NoHistory: () => Effect.fail(new NotFound({ entity: "Saga", id: params.id }))
          }),
          Effect.mapError(unavailable)
        ),
      retrySaga: ({ params, payload }) =>
        operate("retry", params.id, payload, "its pending steps are sent again now, what was refused is sent anew."),
      compensateSaga: ({ params, payload }) =>
        operate("compensate", params.id, payload, "it is given up, and what was done is undone."),
      skipSagaStep: ({ params, payload }) => operate("skip", params.id, payload, "the step is let be.")
    })
  })
)
