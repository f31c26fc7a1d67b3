import { Schema } from "effect"

/** What an account may be; a token says which ones, and the policy of the edge what each may do. */
export const Role = Schema.Literals([
  "customer",
  "support",
  "merchandiser",
  "warehouse",
  "ops-read",
  "ops-write",
  "admin",
  "partner"
])
export type Role = typeof Role.Type

/** How well somebody proved who they are: `acr` of a token (OpenID Connect). */
export const oneFactor = "urn:halles:acr:1"
export const twoFactors = "urn:halles:acr:2"

/** What a client was allowed to do in somebody's name. A token that names others loses them at the edge. */
export const Scope = Schema.Literals([
  "catalog:read",
  "catalog:write",
  "carts:write",
  "orders:read",
  "orders:write",
  "customers:read",
  "customers:write",
  "stock:read",
  "stock:write",
  "payments:write",
  "webhooks:manage",
  "keys:manage",
  "audit:read",
  "ops:read",
  "ops:write"
])
export type Scope = typeof Scope.Type
