import * as Refusal from "@halles/shared/wire/Refusal"
import { EntityParked } from "@halles/engine/activation/Parking"
import { Forbidden, StrongerSignInRequired, Unauthorized, Unavailable } from "@halles/shared/wire/EdgeErrors"
import { TooLarge } from "@halles/engine/activation/Undeclared"
import type { CartId, CustomerId } from "@halles/shared/Ids"
import { type Region, regionOf } from "@halles/shared/Region"
import type { Denied, Questions } from "@halles/entities/routes/Edge"
import { Context, Effect } from "effect"
import { HttpApiMiddleware } from "effect/http-api"
import { ownerOfCart, ownerOfCustomer } from "./AccessSubject.ts"
import { noteQuestion, refused } from "./Held.ts"
import { amountMax, isDenial, type Denial, type Subject, verdict } from "./AccessVerdict.ts"
import { agreedPrices, inTheNameOf } from "./Policy.ts"
import type { Question, Rule } from "@halles/shared/wire/AccessRule"
import { partnerSubject, Principal } from "@halles/shared/wire/Principal"

/** Holds every request to the rule of its endpoint before its handler runs, and before its body is read. */
export class Access extends HttpApiMiddleware.Service<Access>()("@halles/http/Access", {
  // A parked customer's own consents cannot be read.
  error: [
    Refusal.of(Unauthorized),
    Refusal.of(StrongerSignInRequired),
    Refusal.of(Forbidden),
    Refusal.of(Unavailable),
    Refusal.of(EntityParked),
    Refusal.of(TooLarge)
  ]
}) {}

const asking = (
  question: Question,
  answer: (principal: Principal, rule: Rule | null) => Denial | null
): Effect.Effect<void, Denied> =>
  Effect.withFiber(({ context }) => {
    const principal = Context.get(context, Principal)
    const refusal = answer(principal, noteQuestion(question, context))
    return refusal === null ? Effect.void : Effect.fail(refused(refusal, principal))
  })

const held = (rule: Rule, principal: Principal, subject: Subject): Denial | null => {
  const answer = verdict(rule, principal, subject)
  return isDenial(answer) ? answer : null
}

/** Whether the sender may act in the name of a customer, if the body names one. */
const ownsCustomer = (id: CustomerId | undefined): Effect.Effect<void, Denied> =>
  asking("owner", (principal) =>
    id === undefined
      ? null
      : held(inTheNameOf, principal, { owner: ownerOfCustomer(id, principal), region: regionOf(id) })
  )

/** Whether the sender may do as it likes with a cart that the body names. */
const ownsCart = (id: CartId): Effect.Effect<void, Denied> =>
  asking("owner", (principal) =>
    held(inTheNameOf, principal, { owner: ownerOfCart(id, principal), region: regionOf(id) })
  )

/** Whether the sender may deal with what is a partner's. Staff may with every partner's, a partner with its own. */
export const ownsPartner = (partner: string | undefined): Effect.Effect<void, Denied> =>
  asking("owner", ({ kind, subject }) =>
    kind !== "partner" || (partner !== undefined && subject === partnerSubject(partner)) ? null : { reason: "owner" }
  )

/** Whether the sender may name prices, if the request does. */
const mayAgreePrices = (wanted: boolean): Effect.Effect<void, Denied> =>
  asking("agreedPrices", (principal) =>
    wanted ? held(agreedPrices, principal, { owner: "other", region: principal.region ?? null }) : null
  )

/** Whether the sender may move as much. */
const mayMove = (amount: bigint): Effect.Effect<void, Denied> =>
  asking("amount", (principal, rule) => {
    const max = rule === null ? 0n : amountMax(rule, principal)
    return max === null || amount <= max ? null : { reason: "amount" }
  })

/** Whether the sender may act in a region that the body names. */
const inRegion = (where: Region): Effect.Effect<void, Denied> =>
  asking("region", (principal) =>
    principal.region === undefined || principal.region === where ? null : { reason: "region" }
  )

/** What a route asks, once its body is read. */
export const ask = (what: Questions): Effect.Effect<void, Denied> => {
  const { agreedPrices, amount, cart, customer, region } = what
  if (agreedPrices !== undefined) return mayAgreePrices(agreedPrices)
  if (amount !== undefined) return mayMove(amount)
  if (cart !== undefined) return ownsCart(cart)
  if (region !== undefined) return inRegion(region)
  return ownsCustomer(customer)
}
