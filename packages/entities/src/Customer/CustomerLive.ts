import { CustomerId } from "@halles/shared/Ids"
import * as Residents from "@halles/shared/Residents"
import { Effect } from "effect"
import { Entity } from "effect/cluster"
import { Customer } from "../Customer.ts"
import { NotFound } from "../EntityErrors.ts"
import * as EventSourced from "../EventSourced.ts"
import * as Refusals from "../Refusals.ts"
import * as CustomerState from "./CustomerState.ts"

const options = { ...EventSourced.options, maxIdleTime: "5 minutes", mailboxCapacity: 256 } as const

export const CustomerLive = Customer.toLayer(
  Effect.gen(function* () {
    const id = CustomerId.make((yield* Entity.CurrentAddress).entityId)
    const self = yield* EventSourced.make(CustomerState)

    const shown = ({ seq, state }: { readonly state: CustomerState.State; readonly seq: number }) => {
      const customer = CustomerState.view(id, state, seq)
      return customer === null
        ? Effect.fail(new NotFound({ entity: CustomerState.type, id }))
        : Effect.succeed(customer)
    }
    const asked = (command: CustomerState.Command) => Effect.flatMap(self.handle(command), shown)
    const change = Refusals.only(id, "NotFound", "PreconditionFailed", "Busy")

    return Customer.of({
      Register: ({ payload }) => asked(payload).pipe(Refusals.only(id, "AlreadyExists", "Busy")),
      UpdateProfile: ({ payload }) => asked(payload).pipe(change),
      PutAddress: ({ payload }) =>
        asked(payload).pipe(Refusals.only(id, "NotFound", "TooManyAddresses", "PreconditionFailed", "Busy")),
      RemoveAddress: ({ payload }) => asked(payload).pipe(change),
      SetConsent: ({ payload }) => asked(payload).pipe(change),
      NoteOrder: ({ payload }) => Effect.asVoid(asked(payload)).pipe(change),
      MovePoints: ({ payload }) =>
        asked(payload).pipe(Refusals.only(id, "NotFound", "NotEnoughPoints", "PreconditionFailed", "Busy")),
      Wake: ({ payload }) => Effect.asVoid(self.handle(payload)).pipe(Refusals.only(id, "Busy")),
      View: () => Effect.flatMap(self.committed, shown)
    })
  }).pipe(Residents.residing(Customer, options)),
  options
)
