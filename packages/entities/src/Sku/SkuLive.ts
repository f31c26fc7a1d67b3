import { SkuId } from "@halles/shared/Ids"
import * as Residents from "@halles/shared/Residents"
import { Effect } from "effect"
import { Entity } from "effect/cluster"
import { NotFound } from "../EntityErrors.ts"
import * as EventSourced from "../EventSourced.ts"
import * as Refusals from "../Refusals.ts"
import { Sku } from "../Sku.ts"
import * as SkuState from "./SkuState.ts"

const options = { ...EventSourced.options, maxIdleTime: "5 minutes", mailboxCapacity: 4_096 } as const

export const SkuLive = Sku.toLayer(
  Effect.gen(function* () {
    const id = SkuId.make((yield* Entity.CurrentAddress).entityId)
    const self = yield* EventSourced.make(SkuState)

    const shown = ({ seq, state }: { readonly state: SkuState.State; readonly seq: number }) =>
      SkuState.view(id, state, seq)
    const asked = (command: SkuState.Command) => Effect.map(self.handle(command), shown)
    const told = (command: SkuState.Command) => Effect.asVoid(self.handle(command))

    return Sku.of({
      Receive: ({ payload }) => asked(payload).pipe(Refusals.only(id, "StockBound", "PreconditionFailed", "Busy")),
      Adjust: ({ payload }) =>
        asked(payload).pipe(
          Refusals.only(id, "NotFound", "StockChanged", "StockPromised", "StockBound", "PreconditionFailed", "Busy")
        ),
      Hold: ({ payload }) =>
        self.handle(payload).pipe(
          Effect.map(({ events, state }) => SkuState.holdResult(state, events, payload.orderId)),
          Refusals.only(id, "Busy")
        ),
      Reserve: ({ payload }) =>
        self.handle(payload).pipe(
          Effect.map(({ events, state }) => SkuState.reserveResult(state, events, payload.orderId)),
          Refusals.only(id, "Busy")
        ),
      Release: ({ payload }) => told(payload).pipe(Refusals.only(id, "Busy")),
      Ship: ({ payload }) =>
        self.handle(payload).pipe(
          Effect.map(({ events, state }) => SkuState.shipResult(state, events, payload.orderId)),
          Refusals.only(id, "Busy")
        ),
      Restock: ({ payload }) => told(payload).pipe(Refusals.only(id, "StockBound", "Busy")),
      WriteOff: ({ payload }) => told(payload).pipe(Refusals.only(id, "Busy")),
      AllowBackOrder: ({ payload }) => asked(payload).pipe(Refusals.only(id, "PreconditionFailed", "Busy")),
      Wake: ({ payload }) => told(payload).pipe(Refusals.only(id, "Busy")),
      View: () =>
        Effect.flatMap(self.committed, (now) =>
          now.seq === 0 ? Effect.fail(new NotFound({ entity: SkuState.type, id })) : Effect.succeed(shown(now))
        )
    })
  }).pipe(Residents.residing(Sku, options)),
  options
)
