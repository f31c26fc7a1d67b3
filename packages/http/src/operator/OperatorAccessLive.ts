import { AuditLog } from "@halles/shared/audit/AuditLog"
import { Context, Effect, Layer } from "effect"
import { HttpServerRequest } from "effect/http"
import { checkAsked, decide, denied } from "../access/Held.ts"
import { OperatorAccess } from "./OperatorAccess.ts"
import { ForeignRequest } from "./OperatorProblems.ts"
import { ruleOf } from "../access/Policy.ts"

/** Whether the credential of the current request came by itself, as a browser's cookie does. */
export const ByCookie = Context.Reference<boolean>("@halles/http/OperatorAccessLive/ByCookie", {
  defaultValue: () => false
})
/** A form or an image of another page cannot send it. */
const ownHeader = "halles-operator"

/** One decision a request, as at the edge (`AccessLive`); what is refused goes into the audit log. */
export const OperatorAccessLive = Layer.effect(
  OperatorAccess,
  Effect.gen(function* () {
    const audit = yield* AuditLog
    return (answered, { endpoint }) => {
      const { identifier: name, method, path } = endpoint
      const rule = ruleOf(endpoint)
      const judge = Effect.gen(function* () {
        yield* decide(rule)
        if (method !== "GET" && (yield* ByCookie)) {
          const { headers } = yield* HttpServerRequest.HttpServerRequest
          const site = headers["sec-fetch-site"]
          if (headers[ownHeader] !== "1" || (site !== undefined && site !== "same-origin")) {
            return yield* new ForeignRequest()
          }
        }
      })
      const handled = rule?.asks === undefined ? answered : checkAsked(answered, name, rule)
      return Effect.tapError(Effect.andThen(judge, handled), (error) =>
        Effect.provideService(
          denied(error, {
            action: "ops.denied",
            route: `${method} ${path}`,
            ...(error instanceof ForeignRequest ? { foreign: "foreign" } : {})
          }),
          AuditLog,
          audit
        )
      )
    }
  })
)
