import type { Scope } from "@halles/shared/security/Authority"

/** What an access token may allow at the edge, and what a person who is asked for consent reads. */
export const apiScopes: Readonly<Record<string, string>> = {
  "catalog:read": "See the catalogue",
  "catalog:write": "Change the catalogue",
  "carts:write": "See and fill your carts",
  "orders:read": "See your orders",
  "orders:write": "Place, cancel and return orders",
  "customers:read": "See your profile and addresses",
  "customers:write": "Change your profile and addresses",
  "stock:read": "See stock levels",
  "stock:write": "Change stock levels",
  "payments:write": "Capture and refund payments",
  "webhooks:manage": "Manage webhooks",
  "keys:manage": "Manage API keys",
  "audit:read": "Read the audit log",
  "ops:read": "See how the system runs",
  "ops:write": "Operate the system"
} satisfies Record<Scope, string>

/** What an ID token tells, by scope. */
export const identityScopes: Readonly<Record<string, string>> = {
  openid: "Know who you are",
  profile: "See your name",
  email: "See your e-mail address",
  offline_access: "Stay connected when you are away"
}
