import { Customer } from "@halles/entities/Customer"
import { AuditLog } from "@halles/shared/AuditLog"
import { CustomerId } from "@halles/shared/Ids"
import { Effect, Layer, Option } from "effect"
import { HttpRouter, HttpServerRequest, type HttpServerResponse } from "effect/http"
import { Access, Current, type Refused, refused } from "./Access.ts"
import { subjectOf } from "./Access/Subject.ts"
import { isRefusal, verdict } from "./Access/Verdict.ts"
import * as Edge from "./Edge.ts"
import { Forbidden, Unauthorized } from "./EdgeErrors.ts"
import { policy, type Question, type Rule } from "./Policy.ts"
import { Principal } from "./Principal.ts"

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

/** One decision a request, from its path, its token and `Policy.ts`; what is refused goes into the audit log. */
export const AccessLive = Layer.effect(
  Access,
  Effect.gen(function* () {
    const audit = yield* AuditLog
    const customer = yield* Customer.client

    const consented = (id: string, purpose: Rule["consent"]) =>
      Edge.call(customer(CustomerId.make(id)).View()).pipe(
        Effect.map(({ consents }) => consents.some((given) => given.purpose === purpose && given.granted)),
        Effect.catchTag("NotFound", () => Effect.succeed(false))
      )

    const judge = (rule: Rule | undefined): Effect.Effect<void, Refused, HttpServerRequest.HttpServerRequest> =>
      Effect.gen(function* () {
        const principal = yield* Principal
        if (rule === undefined) return yield* Effect.fail(refused({ reason: "policy" }, principal))
        const request = yield* HttpServerRequest.HttpServerRequest
        const params = yield* HttpRouter.params
        const answer = verdict(rule, principal, subjectOf(rule, principal, params, request))
        if (answer === "allow") return
        if (isRefusal(answer)) return yield* Effect.fail(refused(answer, principal))
        if (yield* consented(params["id"] ?? "", rule.consent)) return
        return yield* Effect.fail(refused({ reason: "consent" }, principal))
      }) as never

    const recorded = (route: string) => (error: unknown) =>
      error instanceof Unauthorized || error instanceof Forbidden
        ? Effect.gen(function* () {
            const { clientId, rejected, subject } = yield* Principal
            const { remoteAddress } = yield* HttpServerRequest.HttpServerRequest
            yield* audit.record({
              actor: subject,
              action: "edge.denied",
              subject: route,
              outcome: "denied",
              reason: error._tag === "Forbidden" ? error.reason : (rejected ?? "signIn"),
              ...Option.match(remoteAddress, { onNone: () => ({}), onSome: (address) => ({ address }) }),
              details: { clientId }
            })
          })
        : Effect.void

    return (answered, { endpoint: { identifier: name, method, path } }) => {
      const rule = policy[name]
      const open = rule?.open === "everybody" || rule?.open === "signer"
      const handled = rule?.asks === undefined ? answered : checkAsked(answered, name, rule)
      if (open && handled === answered) return answered
      return Effect.tapError(open ? handled : Effect.andThen(judge(rule), handled), recorded(`${method} ${path}`))
    }
  })
)
