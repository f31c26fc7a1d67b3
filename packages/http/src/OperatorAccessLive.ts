import { AuditLog, AuditUnavailable } from "@halles/shared/AuditLog"
import type { Act } from "@halles/shared/AuditLog/Entry"
import { Context, Effect, Layer, Option } from "effect"
import { HttpRouter, HttpServerRequest } from "effect/http"
import { Forbidden, Unauthorized, Unavailable } from "./EdgeErrors.ts"
import { OperatorAccess } from "./OperatorAccess.ts"
import { operatorPolicy, type OperatorRule, unmasking } from "./OperatorPolicy.ts"
import { ForeignRequest } from "./OperatorProblems.ts"
import { Principal } from "./Principal.ts"

/** Whether the credential of the current request came by itself, as a browser's cookie does. */
export const ByCookie = Context.Reference<boolean>("@halles/http/OperatorAccessLive/ByCookie", {
  defaultValue: () => false
})
/** A form or an image of another page cannot send it. */
const ownHeader = "halles-operator"

type Refused = Unauthorized | Forbidden

/** Why a principal is refused; null when it is let in. `region` is what the request is about. */
export const refusal = (
  rule: OperatorRule | undefined,
  principal: Principal,
  region: string | undefined
): Refused | null => {
  if (principal.kind === "anonymous") return new Unauthorized()
  if (rule === undefined) return new Forbidden({ reason: "policy", scopes: [] })
  const lacks = rule.ways.map(({ roles, scopes }): Refused | null => {
    if (!roles.some((role) => principal.roles.has(role))) return new Forbidden({ reason: "role", scopes: [] })
    const missing = scopes.filter((scope) => !principal.scopes.has(scope))
    return missing.length > 0 ? new Forbidden({ reason: "scope", scopes: missing }) : null
  })
  if (!lacks.includes(null)) return lacks[0] ?? new Forbidden({ reason: "policy", scopes: [] })
  if (principal.region === undefined || rule.region === "none") return null
  return principal.region === region ? null : new Forbidden({ reason: "region", scopes: [] })
}

/** `Order/eu_x`, `eu_x`, `eu_x:hold` and `eu-1` are about `eu`. */
const regionOf = (rule: OperatorRule, params: Readonly<Record<string, string | undefined>>): string | undefined =>
  rule.region === "path" ? params["region"] : /^(?:[A-Z][A-Za-z]*[/:])?([a-z]{2})[_-]/.exec(params["id"] ?? "")?.[1]

/** Whether whoever asks may see personal data of what the request is about. */
export const mayUnmask = Effect.gen(function* () {
  const principal = yield* Principal
  const params = yield* HttpRouter.params
  return refusal(unmasking, principal, regionOf(unmasking, params))
})

export type Noted = Pick<Act, "action" | "outcome" | "subject"> & {
  readonly reason?: string
  readonly details?: Act["details"]
}

/** Writes an act of whoever sends the current request. What cannot be written down does not happen. */
export const note = (act: Noted) =>
  Effect.gen(function* () {
    const audit = yield* AuditLog
    const { clientId, subject } = yield* Principal
    const { remoteAddress } = yield* HttpServerRequest.HttpServerRequest
    const address = Option.match(remoteAddress, { onNone: () => ({}), onSome: (known) => ({ address: known }) })
    const details = { clientId, ...act.details }
    yield* Effect.catchDefect(audit.record({ actor: subject, ...act, ...address, details }), (defect) =>
      defect instanceof AuditUnavailable ? Effect.fail(new Unavailable()) : Effect.die(defect)
    )
  })

/** One decision a request; what is refused goes into the audit log. */
export const OperatorAccessLive = Layer.effect(
  OperatorAccess,
  Effect.gen(function* () {
    const audit = yield* AuditLog
    return (answered, { endpoint: { identifier: name, method, path } }) => {
      const rule = operatorPolicy[name]
      const judge = Effect.gen(function* () {
        const principal = yield* Principal
        const params = yield* HttpRouter.params
        const refused = refusal(rule, principal, rule === undefined ? undefined : regionOf(rule, params))
        if (refused !== null) {
          // What could not be checked may be checked in a moment.
          return yield* principal.rejected === "unavailable" ? new Unavailable() : refused
        }
        if (method !== "GET" && (yield* ByCookie)) {
          const { headers } = yield* HttpServerRequest.HttpServerRequest
          const site = headers["sec-fetch-site"]
          if (headers[ownHeader] !== "1" || (site !== undefined && site !== "same-origin")) {
            return yield* new ForeignRequest()
          }
        }
      })
      const denied = (error: unknown) => {
        if (!(error instanceof Unauthorized || error instanceof Forbidden || error instanceof ForeignRequest)) {
          return Effect.void
        }
        return Effect.flatMap(Principal, ({ rejected }) =>
          Effect.provideService(
            note({
              action: "ops.denied",
              subject: `${method} ${path}`,
              outcome: "denied",
              reason: error._tag === "Forbidden" ? error.reason : (rejected ?? error._tag)
            }),
            AuditLog,
            audit
          )
        )
      }
      return Effect.tapError(Effect.andThen(judge, answered), denied)
    }
  })
)
