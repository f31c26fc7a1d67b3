import { AccessRule, changes, type Rule, seller, shopper } from "@halles/shared/wire/AccessRule"
import { Context } from "effect"
import type { HttpApiEndpoint } from "effect/http-api"

/** The rule that stands beside an endpoint. Where there is none, every request is refused. */
export const ruleOf = ({ annotations }: { readonly annotations: Context.Context<never> }): Rule | undefined =>
  Context.getOrUndefined(annotations, AccessRule)

/** The endpoints of a process. */
export const endpointsOf = (api: { readonly groups: object }): ReadonlyArray<HttpApiEndpoint.Top> =>
  Object.values(api.groups as Record<string, { readonly endpoints: Record<string, HttpApiEndpoint.Top> }>).flatMap(
    ({ endpoints }) => Object.values(endpoints)
  )

/** A cart of somebody's: opened in a customer's name, or emptied into another one. */
export const inTheNameOf: Rule = {
  open: "holder",
  ...changes,
  scopes: ["carts:write"],
  roles: { ...shopper, merchandiser: "any" },
  region: "id"
}

/** Prices that were agreed on instead of the shop's, on the routes whose rule asks for it. */
export const agreedPrices: Rule = { ...changes, scopes: ["carts:write"], roles: seller }
