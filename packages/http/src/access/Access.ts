import type { CartId, CustomerId } from "@halles/shared/Ids"
import { type Region, regionOf } from "@halles/shared/Region"
import { Context, Effect } from "effect"
import { HttpApiMiddleware } from "effect/http-api"
import { ownerOfCart, ownerOfCustomer } from "./AccessSubject.ts"
import { asked, type Refused, refused } from "./Held.ts"
import { amountMax, isRefusal, type Refusal, type Subject, verdict } from "./Verdict.ts"
import { agreedPrices, inTheNameOf, type Question, type Rule } from "./Policy.ts"
import { partnerSubject, Principal } from "./Principal.ts"
import * as Problems from "../problems/Problems.ts"

/** Holds every request to `Policy.ts` before its handler runs, and before its body is read. */
export class Access extends HttpApiMiddleware.Service<Access>()("@halles/http/Access", {
  // A parked customer's own consents cannot be read.
  error: [
    Problems.unauthorized,
    Problems.strongerSignInRequired,
    Problems.forbidden,
    Problems.unavailable,
    Problems.entityParked,
    Problems.tooLarge
  ]
}) {}

const asking = (
  question: Question,
  answer: (principal: Principal, rule: Rule | null) => Refusal | null
): Effect.Effect<void, Refused> =>
  Effect.withFiber(({ context }) => {
    const principal = Context.get(context, Principal)
    const refusal = answer(principal, asked(question, context))
    return refusal === null ? Effect.void : Effect.fail(refused(refusal, principal))
  })

const held = (rule: Rule, principal: Principal, subject: Subject): Refusal | null => {
  const answer = verdict(rule, principal, subject)
  return isRefusal(answer) ? answer : null
}

/** Whether the sender may act in the name of a customer, if the body names one. */
export const ownsCustomer = (id: CustomerId | undefined): Effect.Effect<void, Refused> =>
  asking("owner", (principal) =>
    id === undefined
      ? null
      : held(inTheNameOf, principal, { owner: ownerOfCustomer(id, principal), region: regionOf(id) })
  )

/** Whether the sender may do as it likes with a cart that the body names. */
export const ownsCart = (id: CartId): Effect.Effect<void, Refused> =>
  asking("owner", (principal) =>
    held(inTheNameOf, principal, { owner: ownerOfCart(id, principal), region: regionOf(id) })
  )

/** Whether the sender may deal with what is a partner's. Staff may with every partner's, a partner with its own. */
export const ownsPartner = (partner: string | undefined): Effect.Effect<void, Refused> =>
  asking("owner", ({ kind, subject }) =>
    kind !== "partner" || (partner !== undefined && subject === partnerSubject(partner)) ? null : { reason: "owner" }
  )

/** Whether the sender may name prices, if the request does. */
export const mayAgreePrices = (wanted: boolean): Effect.Effect<void, Refused> =>
  asking("agreedPrices", (principal) =>
    wanted ? held(agreedPrices, principal, { owner: "other", region: principal.region ?? null }) : null
  )

/** Whether the sender may move as much; an amount that is not named is all there is. */
export const mayMove = (amount: bigint | undefined): Effect.Effect<void, Refused> =>
  asking("amount", (principal, rule) => {
    const max = rule === null ? 0n : amountMax(rule, principal)
    return max === null || (amount !== undefined && amount <= max) ? null : { reason: "amount" }
  })

/** Whether the sender may act in a region that the body names. */
export const inRegion = (where: Region): Effect.Effect<void, Refused> =>
  asking("region", (principal) =>
    principal.region === undefined || principal.region === where ? null : { reason: "region" }
  )
