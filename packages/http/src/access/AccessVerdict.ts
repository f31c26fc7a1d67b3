import type { Region } from "@halles/shared/Region"
import type { Rule } from "@halles/shared/wire/AccessRule"
import type { Role, Scope } from "@halles/shared/security/Authority"
import type { Principal } from "@halles/shared/wire/Principal"

/** Why a request is refused; `signIn` is 401, since with a token it might be allowed. */
export type Denial =
  | { readonly reason: "signIn" }
  | { readonly reason: "scope"; readonly scopes: ReadonlyArray<Scope> }
  | { readonly reason: "role" | "owner" | "region" | "consent" | "amount" | "policy" | "strong" }

/** What the request is about, as far as its path tells. */
export interface Subject {
  /** `holder`: of whoever knows the id. */
  readonly owner: "holder" | "self" | "other"
  /** The region that is spoken of; null when it may be any. */
  readonly region: Region | null
}

/** Allowed; refused; or allowed if the owner consented. */
export type Verdict = "allow" | "ifConsented" | Denial

export const isDenial = (verdict: Verdict): verdict is Denial => typeof verdict === "object"

/** Whether someone may call a route about something: all there is to decide before a handler runs. */
export const verdict = (rule: Rule | undefined, principal: Principal, subject: Subject): Verdict => {
  if (rule === undefined) return { reason: "policy" }
  if (rule.open === "everybody" || rule.open === "signer") return "allow"
  // A token never takes away what its bearer could do without one.
  if (rule.open === "holder" && subject.owner === "holder") return "allow"
  if (principal.kind === "anonymous") return { reason: "signIn" }
  const missing = rule.scopes.filter((scope) => !principal.scopes.has(scope))
  if (missing.length > 0) return { reason: "scope", scopes: missing }
  const grants = Object.entries(rule.roles).filter(([role]) => principal.roles.has(role as Role))
  if (grants.length === 0) return { reason: "role" }
  if (subject.owner === "self" && grants.some(([, grant]) => grant === "own")) return "allow"
  const wide = grants.filter(([, grant]) => grant !== "own")
  if (wide.length === 0) return { reason: "owner" }
  if (principal.region !== undefined && rule.region !== "none" && principal.region !== subject.region) {
    return { reason: "region" }
  }
  // Asked for last, so that nobody fetches a second factor for what would be refused all the same.
  if (rule.staff !== "looks" && principal.kind === "staff" && principal.strong !== true) return { reason: "strong" }
  return wide.some(([, grant]) => grant === "any") ? "allow" : "ifConsented"
}

/** The most that someone may move on a route; null without a limit. The widest of several roles counts. */
export const amountMax = (rule: Rule, principal: Principal): bigint | null => {
  let widest = 0n
  for (const role of principal.roles) {
    if (rule.roles[role] === undefined) continue
    const limit = rule.amountMax?.[role]
    if (limit === undefined) return null
    if (limit > widest) widest = limit
  }
  return widest
}
