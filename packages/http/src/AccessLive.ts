import { Customer } from "@halles/entities/Customer"
import { AuditLog, AuditUnavailable } from "@halles/shared/AuditLog"
import type { Act } from "@halles/shared/AuditLog/Entry"
import { CustomerId } from "@halles/shared/Ids"
import { Effect, Layer, Option } from "effect"
import { HttpRouter, HttpServerRequest, type HttpServerResponse } from "effect/http"
import { Access, Current, refused } from "./Access.ts"
import { subjectOf } from "./Access/Subject.ts"
import { isRefusal, type Subject, verdict } from "./Access/Verdict.ts"
import * as Edge from "./Edge.ts"
import { Forbidden, StrongerSignInRequired, Unauthorized, Unavailable } from "./EdgeErrors.ts"
import { policy, type Question, type Rule } from "./Policy.ts"
import { Principal } from "./Principal.ts"
import * as Upstreams from "./Upstreams.ts"

/** What succeeded without asking what only the body tells was done unseen: a defect of its handler. */
const checkAsked = <E, R>(
  answered: Effect.Effect<HttpServerResponse.HttpServerResponse, E, R>,
  name: string,
  rule: Rule
) =>
  Effect.suspend(() => {
    const asked = new Set<Question>()
    const forgotten = () => rule.asks?.filter((question) => !asked.has(question)) ?? []
    return answered.pipe(
      Effect.tap(({ headers, status }) =>
        // What is repeated was asked about when it was done, for the same sender.
        status >= 400 || headers["idempotent-replayed"] !== undefined || forgotten().length === 0
          ? Effect.void
          : Effect.die(new Error(`${name} did not ask about ${forgotten().join()}`))
      ),
      Effect.provideService(Current, { rule, asked })
    )
  })

/** Whoever acts on what is not its own, where the rule says that it is to be known. */
const isAudited = ({ audited }: Rule, { kind }: Principal, { owner }: Subject): boolean =>
  audited === "always" || (audited === "byOthers" && owner !== "self" && kind !== "anonymous" && kind !== "customer")

/** Why somebody was refused, for the audit log; nothing for other errors. */
const reasonOf = (error: unknown): string | undefined => {
  if (error instanceof Forbidden) return error.reason
  if (error instanceof StrongerSignInRequired) return "strong"
  return error instanceof Unauthorized ? "signIn" : undefined
}

/** One decision a request, from its path, its token and `Policy.ts`; what is refused goes into the audit log. */
export const AccessLive = Layer.effect(
  Access,
  Effect.gen(function* () {
    const audit = yield* AuditLog
    const customer = yield* Upstreams.entity(Customer)

    const consented = (id: string, purpose: Rule["consent"]) =>
      Edge.call(customer(CustomerId.make(id)).View()).pipe(
        Effect.map(({ consents }) => consents.some((given) => given.purpose === purpose && given.granted)),
        Effect.catchTag("NotFound", () => Effect.succeed(false))
      )

    return (answered, { endpoint: { identifier: name, method, path } }) => {
      const rule = policy[name]
      const route = `${method} ${path}`

      const record = (act: Pick<Act, "action" | "outcome" | "subject"> & { readonly reason?: string }) =>
        Effect.gen(function* () {
          const { clientId, subject } = yield* Principal
          const { remoteAddress } = yield* HttpServerRequest.HttpServerRequest
          const address = Option.match(remoteAddress, { onNone: () => ({}), onSome: (known) => ({ address: known }) })
          yield* audit.record({ actor: subject, ...act, ...address, details: { clientId, route } })
        })
      const denied = (error: unknown) => {
        const reason = reasonOf(error)
        if (reason === undefined) return Effect.void
        return Effect.flatMap(Principal, ({ rejected }) =>
          record({
            action: "edge.denied",
            subject: route,
            outcome: "denied",
            reason: reason === "signIn" ? (rejected ?? reason) : reason
          })
        )
      }

      const judge = Effect.gen(function* () {
        const principal = yield* Principal
        if (rule === undefined) return yield* Effect.fail(refused({ reason: "policy" }, principal))
        const request = yield* HttpServerRequest.HttpServerRequest
        const params = yield* HttpRouter.params
        const subject = subjectOf(rule, principal, params, request)
        const answer = verdict(rule, principal, subject)
        if (isRefusal(answer)) return yield* Effect.fail(refused(answer, principal))
        if (answer === "ifConsented" && !(yield* consented(params["id"] ?? "", rule.consent))) {
          return yield* Effect.fail(refused({ reason: "consent" }, principal))
        }
        if (isAudited(rule, principal, subject)) {
          const about = Object.values(params).join(" ") || route
          // What cannot be written down does not happen.
          yield* Effect.catchDefect(record({ action: `edge.${name}`, subject: about, outcome: "allowed" }), (defect) =>
            defect instanceof AuditUnavailable ? Effect.fail(new Unavailable()) : Effect.die(defect)
          )
        }
      })

      const open = rule?.open === "everybody" || rule?.open === "signer"
      const handled = rule?.asks === undefined ? answered : checkAsked(answered, name, rule)
      if (open && handled === answered) return answered
      return Effect.tapError(open ? handled : Effect.andThen(judge, handled), denied)
    }
  })
)
