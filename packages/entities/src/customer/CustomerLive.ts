import { CustomerId } from "@halles/shared/Ids"
import { Effect } from "effect"
import { Customer } from "./Customer.ts"
import { NotFound } from "@halles/engine/eventsourced/EntityErrors"
import * as EventSourced from "@halles/engine/eventsourced/EventSourced"
import type { ShellOf } from "@halles/engine/eventsourced/EventSourcedEntity"
import * as Refusals from "@halles/engine/eventsourced/Refusals"
import * as CustomerState from "./CustomerState.ts"

type Self = ShellOf<CustomerId, typeof CustomerState>

const shown = (self: Self, { seq, state }: { readonly state: CustomerState.State; readonly seq: number }) => {
  const customer = CustomerState.view(self.id, state, seq)
  return customer === null
    ? Effect.fail(new NotFound({ entity: CustomerState.type, id: self.id }))
    : Effect.succeed(customer)
}
const asked = (self: Self, command: CustomerState.Command) =>
  Effect.flatMap(self.handle(command), (now) => shown(self, now))
const change = ({ id }: Self) => Refusals.only(id, "NotFound", "PreconditionFailed", "Busy")

export const CustomerLive = EventSourced.layer(Customer, CustomerState, {
  id: CustomerId,
  maxIdleTime: "5 minutes",
  mailboxCapacity: 256,
  handlers: {
    Register: (self, payload) => asked(self, payload).pipe(Refusals.only(self.id, "AlreadyExists", "Busy")),
    ChangeCustomer: (self, payload) =>
      asked(self, payload).pipe(Refusals.only(self.id, "NotFound", "TooManyAddresses", "PreconditionFailed", "Busy")),
    Forget: (self, payload) => asked(self, payload).pipe(change(self)),
    NoteOrder: (self, payload) => Effect.asVoid(asked(self, payload)).pipe(change(self)),
    MovePoints: (self, payload) =>
      asked(self, payload).pipe(Refusals.only(self.id, "NotFound", "NotEnoughPoints", "PreconditionFailed", "Busy")),
    Wake: (self, payload) => Effect.asVoid(self.handle(payload)).pipe(Refusals.only(self.id, "Busy")),
    View: (self) => Effect.flatMap(self.committed, (now) => shown(self, now))
  }
})
