import { SkuId } from "@halles/shared/Ids"
import { Effect } from "effect"
import { CommandReused, NotFound } from "@halles/engine/eventsourced/EntityErrors"
import * as EventSourced from "@halles/engine/eventsourced/EventSourced"
import type { ShellOf } from "@halles/engine/eventsourced/EventSourcedEntity"
import * as Refusals from "@halles/engine/eventsourced/Refusals"
import { type Receive, Sku } from "./Sku.ts"
import * as SkuState from "./SkuState.ts"

type Self = ShellOf<SkuId, typeof SkuState>

const shown = (self: Self, { seq, state }: { readonly state: SkuState.State; readonly seq: number }) =>
  SkuState.view(self.id, state, seq)
const asked = (self: Self, command: SkuState.Command) => Effect.map(self.handle(command), (now) => shown(self, now))
const told = (self: Self, command: SkuState.Command) => Effect.asVoid(self.handle(command))

/** Whoever repeats a receipt with another count learns that the first one stands. */
const receive = Effect.fnUntraced(function* (self: Self, command: Receive) {
  const now = yield* self.handle(command)
  const first = now.events.find((event) => event._tag === "Received")
  if (first !== undefined && (first.quantity !== command.quantity || first.warehouse !== command.warehouse))
    return yield* new CommandReused({ commandId: command.commandId })
  return shown(self, now)
})

export const SkuLive = EventSourced.layer(Sku, SkuState, {
  id: SkuId,
  maxIdleTime: "5 minutes",
  mailboxCapacity: 4_096,
  handlers: {
    Receive: (self, payload) =>
      receive(self, payload).pipe(Refusals.only(self.id, "StockBound", "CommandReused", "PreconditionFailed", "Busy")),
    Adjust: (self, payload) =>
      asked(self, payload).pipe(
        Refusals.only(self.id, "NotFound", "StockChanged", "StockPromised", "StockBound", "PreconditionFailed", "Busy")
      ),
    Hold: (self, payload) =>
      self.handle(payload).pipe(
        Effect.map(({ events, state }) => SkuState.holdResult(state, events, payload.orderId)),
        Refusals.only(self.id, "Busy")
      ),
    Reserve: (self, payload) =>
      self.handle(payload).pipe(
        Effect.map(({ events, state }) => SkuState.reserveResult(state, events, payload.orderId)),
        Refusals.only(self.id, "Busy")
      ),
    Release: (self, payload) => told(self, payload).pipe(Refusals.only(self.id, "Busy")),
    Ship: (self, payload) =>
      self.handle(payload).pipe(
        Effect.map(({ events, state }) => SkuState.shipResult(state, events, payload.orderId)),
        Refusals.only(self.id, "Busy")
      ),
    Restock: (self, payload) => told(self, payload).pipe(Refusals.only(self.id, "StockBound", "Busy")),
    WriteOff: (self, payload) => told(self, payload).pipe(Refusals.only(self.id, "Busy")),
    AllowBackOrder: (self, payload) => asked(self, payload).pipe(Refusals.only(self.id, "PreconditionFailed", "Busy")),
    Wake: (self, payload) => told(self, payload).pipe(Refusals.only(self.id, "Busy")),
    View: (self) =>
      Effect.flatMap(self.committed, (now) =>
        now.seq === 0
          ? Effect.fail(new NotFound({ entity: SkuState.type, id: self.id }))
          : Effect.succeed(shown(self, now))
      )
  }
})
