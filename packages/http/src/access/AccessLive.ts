import { Customer } from "@halles/entities/customer/Customer"
import { AuditLog } from "@halles/shared/audit/AuditLog"
import { CustomerId } from "@halles/shared/Ids"
import { Effect, Layer } from "effect"
import { Access } from "./Access.ts"
import { checkAsked, decide, denied, note, refused } from "./Held.ts"
import type { Subject } from "./AccessVerdict.ts"
import * as Edge from "../EdgeLive.ts"
import type { Rule } from "@halles/shared/wire/AccessRule"
import { ruleOf } from "./Policy.ts"
import type { Principal } from "@halles/shared/wire/Principal"

/** Whoever acts on what is not its own, where the rule says that it is to be known. */
const isAudited = ({ audited }: Rule, { kind }: Principal, { owner }: Subject): boolean =>
  audited === "always" || (audited === "byOthers" && owner !== "self" && kind !== "anonymous" && kind !== "customer")

/** One decision a request, from its path, its token and its endpoint's rule; what is refused goes into the audit log. */
export const AccessLive = Layer.effect(
  Access,
  Effect.gen(function* () {
    const audit = yield* AuditLog
    const customer = yield* Edge.entity(Customer)

    const consented = (id: string, purpose: Rule["consent"]) =>
      Edge.call(customer(CustomerId.make(id)).View()).pipe(
        Effect.map(({ consents }) => consents.some((given) => given.purpose === purpose && given.granted)),
        Effect.catchTag("NotFound", () => Effect.succeed(false))
      )

    return (answered, { endpoint }) => {
      const { identifier: name, method, path } = endpoint
      const rule = ruleOf(endpoint)
      const route = `${method} ${path}`

      const judge = Effect.gen(function* () {
        const { answer, params, principal, subject } = yield* decide(rule)
        if (answer === "ifConsented" && !(yield* consented(params["id"] ?? "", rule?.consent))) {
          return yield* Effect.fail(refused({ reason: "consent" }, principal))
        }
        if (rule === undefined || !isAudited(rule, principal, subject)) return
        const about = Object.values(params).join(" ") || route
        yield* note({ action: `edge.${name}`, subject: about, outcome: "allowed", details: { route } })
      })

      const open = rule?.open === "everybody" || rule?.open === "signer"
      const handled = rule?.asks === undefined ? answered : checkAsked(answered, name, rule)
      if (open && handled === answered) return answered
      return Effect.tapError(
        open ? handled : Effect.andThen(Effect.provideService(judge, AuditLog, audit), handled),
        (error) => Effect.provideService(denied(error, { action: "edge.denied", route }), AuditLog, audit)
      )
    }
  })
)
