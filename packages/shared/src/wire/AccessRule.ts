import { Context } from "effect"
import type { Role, Scope } from "../security/Authority.ts"

/** What a role may do on a route: with everything, with what is its own, or with what its owner consented to. */
export type Grant = "any" | "own" | "consented"

/** Where a request names whose thing it is about. */
export type Thing = { readonly customer: string } | { readonly cart: string } | { readonly order: string }

/**
 * What is asked before a request is carried out, since only the body says so; `reason` is why somebody does what goes into the
 * audit log. A handler that does not ask is a defect.
 */
export type Question = "owner" | "agreedPrices" | "amount" | "region" | "reason"

/**
 * What staff does with what is not its own. To look, a password is enough; to change anything, or to see whom it is about, two
 * factors are asked for (RFC 9470): what is done with a stolen password is seen too late. Programs have no factors to show:
 * partners are held to what is their own, and our own tools have a secret that lies beside those of the databases.
 */
export type Deed = "looks" | "sees people" | "changes"

/** Who may call a route. */
export interface Rule {
  /**
   * Who needs no token. `everybody`: nothing here is anybody's. `holder`: whoever knows the id, as long as it is not an
   * account's (`Ownership.ts`). `signer`: whoever signs the body; the handler checks that.
   */
  readonly open?: "everybody" | "holder" | "signer"
  /** What the token was issued for; all of them are needed. */
  readonly scopes: ReadonlyArray<Scope>
  readonly roles: Readonly<Partial<Record<Role, Grant>>>
  /** The path parameter that names whose thing it is. */
  readonly thing?: Thing
  /**
   * What staff that is limited to a region is held to: the region of the id, or of the parameter; `none` where an answer is
   * about nobody. Without it such staff is refused, since the request may be about any region.
   */
  readonly region?: "id" | "path" | "query" | "body" | "none"
  /** What the owner must have granted to whoever has the grant `consented`. */
  readonly consent?: "marketing_email" | "marketing_sms" | "personalisation" | "analytics"
  /** The most that a role may move with one request, in minor units of any currency, or in points; a role that is absent has no limit. */
  readonly amountMax?: Readonly<Partial<Record<Role, bigint>>>
  readonly asks?: ReadonlyArray<Question>
  /** Of what is open to everybody, nothing. */
  readonly staff?: Deed
  /** Written into the audit log before it happens: always, or when it is not the owner who does it. */
  readonly audited?: "always" | "byOthers"
}

/** Annotation of an endpoint: its rule. Without one every request is refused (`Access.ts`), and a test fails. */
export class AccessRule extends Context.Service<AccessRule, Rule>()("@halles/shared/wire/AccessRule") {}

export const everybody: Rule = { open: "everybody", scopes: [], roles: {} }

export const looks = { staff: "looks" } as const
export const seesPeople = { staff: "sees people" } as const
export const changes = { staff: "changes" } as const

export const ofCart = { thing: { cart: "id" }, region: "id", open: "holder" } as const
export const ofOrder = { thing: { order: "id" }, region: "id", open: "holder" } as const
export const ofCustomer = { thing: { customer: "id" }, region: "id", open: "holder" } as const

export const shopper = { customer: "own", support: "any", admin: "any" } as const
export const seller = { merchandiser: "any", admin: "any" } as const
export const keeper = { warehouse: "any", admin: "any" } as const

/** What merchants say of goods, in the region that the query names. */
export const ofCatalogue = { region: "query", scopes: ["catalog:write"], roles: seller } as const
