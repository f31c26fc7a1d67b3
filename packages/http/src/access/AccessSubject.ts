import { hasAccount, ownerOf } from "@halles/shared/security/Ownership"
import { Region } from "@halles/shared/Region"
import { Schema } from "effect"
import type { HttpServerRequest } from "effect/http"
import type { Rule } from "@halles/shared/wire/AccessRule"
import type { Principal } from "@halles/shared/wire/Principal"
import type { Subject } from "./AccessVerdict.ts"

export const ownerOfCustomer = (id: string, { customerId }: Principal): Subject["owner"] =>
  hasAccount(id) ? (id === customerId ? "self" : "other") : "holder"

export const ownerOfCart = (id: string, { customerId }: Principal): Subject["owner"] => {
  const isOwner = ownerOf(id)
  if (isOwner === null) return "holder"
  return customerId !== undefined && isOwner(customerId) ? "self" : "other"
}

const isRegion = Schema.is(Region)
const region = (name: string | undefined): Region | null => (isRegion(name) ? name : null)

/** `eu_x` is about `eu`, as are `Order/eu_x`, `Order:eu_x`, `eu_x:hold` and the runner `eu-1`. */
const regionIn = (id: string): string | undefined => /^(?:[A-Z][A-Za-z]*[/:])?([a-z]{2})[_-]/.exec(id)?.[1]

/** What a request is about, from its path. An id that cannot be one is of nobody; the handler's schema refuses it. */
export const subjectOf = (
  { region: where, thing }: Rule,
  principal: Principal,
  params: Readonly<Record<string, string | undefined>>,
  request: HttpServerRequest.HttpServerRequest
): Subject => {
  const id = params["id"] ?? ""
  const owner =
    thing === undefined
      ? "other"
      : "customer" in thing
        ? ownerOfCustomer(params[thing.customer] ?? "", principal)
        : ownerOfCart(params["cart" in thing ? thing.cart : thing.order] ?? "", principal)
  switch (where) {
    case "id":
      return { owner, region: region(regionIn(id)) }
    case "path":
      return { owner, region: region(params["region"]) }
    case "query":
      return { owner, region: region(new URL(request.url, "http://edge").searchParams.get("region") ?? undefined) }
    // The handler asks, once it has read the body.
    case "body":
      return { owner, region: principal.region ?? null }
    default:
      return { owner, region: null }
  }
}
