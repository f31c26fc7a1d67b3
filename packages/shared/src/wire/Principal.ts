import type { Role, Scope } from "../security/Authority.ts"
import { CustomerId } from "../Ids.ts"
import { Region } from "../Region.ts"
import { Context, Schema } from "effect"

export const RateClass = Schema.Literals(["standard", "bulk"])
export type RateClass = typeof RateClass.Type

/** Who sends the current request, as far as its credential proves it. */
export interface Principal {
  /** `service`: one of our own tools with a token of this deployment. */
  readonly kind: "anonymous" | "customer" | "staff" | "partner" | "service"
  /** The account, the partner or the tool; of nobody in particular, `anonymous`. */
  readonly subject: string
  /** What a person who is signed in at a page of ours is called there; shown to nobody else, and never decided by. */
  readonly called?: { readonly name: string; readonly email: string }
  /** The OAuth client, or the id of the partner's key. */
  readonly clientId: string
  readonly roles: ReadonlySet<Role>
  readonly scopes: ReadonlySet<Scope>
  readonly customerId?: CustomerId
  /** Signed in with two factors. */
  readonly strong?: true
  /** Staff that is limited to one region. */
  readonly region?: Region
  /** Of a partner's key: which rate limits hold for it. */
  readonly rateClass?: RateClass
  /** A credential was sent that proves nothing, or, `unavailable`, that cannot be checked at the moment. */
  readonly rejected?: "malformed" | "expired" | "revoked" | "unknown" | "unavailable"
}

/** How a partner is called as the subject of its keys, and of its OAuth clients. */
export const partnerSubject = (partner: string): string => `partner:${partner}`

export const anonymous: Principal = {
  kind: "anonymous",
  subject: "anonymous",
  clientId: "anonymous",
  roles: new Set(),
  scopes: new Set()
}

/** Of the current request. Where nobody has looked at a credential it is anonymous, who may do least. */
export const Principal = Context.Reference<Principal>("@halles/http/Principal", { defaultValue: () => anonymous })
