import { AuditLog, AuditUnavailable } from "@halles/shared/audit/AuditLog"
import type { Act } from "@halles/shared/audit/AuditEntry"
import type { Denied } from "@halles/entities/routes/Edge"
import { Context, Effect, Option } from "effect"
import { HttpRouter, HttpServerRequest, type HttpServerResponse } from "effect/http"
import { Forbidden, StrongerSignInRequired, Unauthorized, Unavailable } from "@halles/shared/wire/EdgeErrors"
import type { Question, Rule } from "@halles/shared/wire/AccessRule"
import { Principal } from "@halles/shared/wire/Principal"
import { Current } from "./Current.ts"
import { subjectOf } from "./AccessSubject.ts"
import { isDenial, type Denial, verdict } from "./AccessVerdict.ts"

// How both processes hold a request to its rule: the edge (`AccessLive`) and that of operators (`OperatorAccessLive`).

export const refused = (refusal: Denial, principal: Principal): Denied => {
  // What could not be checked may be checked in a moment.
  if (principal.rejected === "unavailable") return new Unavailable()
  if (refusal.reason === "signIn") return new Unauthorized()
  if (refusal.reason === "strong") return new StrongerSignInRequired()
  return new Forbidden({ reason: refusal.reason, scopes: refusal.reason === "scope" ? refusal.scopes : [] })
}

/** Whether the current request may go on, from its path and its token; what is refused fails. */
export const decide = (rule: Rule | undefined) =>
  Effect.gen(function* () {
    const principal = yield* Principal
    const params = yield* HttpRouter.params
    if (rule === undefined) return yield* Effect.fail(refused({ reason: "policy" }, principal))
    const subject = subjectOf(rule, principal, params, yield* HttpServerRequest.HttpServerRequest)
    const answer = verdict(rule, principal, subject)
    if (isDenial(answer)) return yield* Effect.fail(refused(answer, principal))
    return { answer, params, principal, subject }
  })

export type Noted = Pick<Act, "action" | "outcome" | "subject"> & {
  readonly reason?: string
  readonly details?: Act["details"]
}

/** Writes an act of whoever sends the current request into the audit log. What cannot be written down does not happen. */
export const note = (act: Noted): Effect.Effect<void, Unavailable, AuditLog | HttpServerRequest.HttpServerRequest> =>
  Effect.gen(function* () {
    if (act.reason !== undefined) (yield* Current)?.questions.add("reason")
    const audit = yield* AuditLog
    const { clientId, subject } = yield* Principal
    const { remoteAddress } = yield* HttpServerRequest.HttpServerRequest
    const address = Option.match(remoteAddress, { onNone: () => ({}), onSome: (known) => ({ address: known }) })
    const details = { clientId, ...act.details }
    yield* Effect.catchDefect(audit.record({ actor: subject, ...act, ...address, details }), (defect) =>
      defect instanceof AuditUnavailable ? Effect.fail(new Unavailable()) : Effect.die(defect)
    )
  })

/** Why somebody was refused, for the audit log; nothing for other errors. */
const reasonOf = (error: unknown): string | undefined => {
  if (error instanceof Forbidden) return error.reason
  if (error instanceof StrongerSignInRequired) return "strong"
  return error instanceof Unauthorized ? "signIn" : undefined
}

/** What was refused is written down; `foreign` is a reason that one process has besides. */
export const denied = (
  error: unknown,
  { action, foreign, route }: { readonly action: string; readonly route: string; readonly foreign?: string }
) =>
  Effect.suspend(() => {
    const reason = foreign ?? reasonOf(error)
    return reason === undefined
      ? Effect.void
      : Effect.flatMap(Principal, ({ rejected }) =>
          note({
            action,
            subject: route,
            outcome: "denied",
            reason: reason === "signIn" ? (rejected ?? reason) : reason,
            details: { route }
          })
        )
  })

/** What succeeded without asking what only the body tells was done unseen: a defect of its handler. */
export const checkAsked = <E, R>(
  answered: Effect.Effect<HttpServerResponse.HttpServerResponse, E, R>,
  name: string,
  rule: Rule
) =>
  Effect.suspend(() => {
    const questions = new Set<Question>()
    const forgotten = () => rule.asks?.filter((question) => !questions.has(question)) ?? []
    return answered.pipe(
      Effect.tap(({ headers, status }) =>
        // What is repeated was asked about when it was done, for the same sender.
        status >= 400 || headers["idempotent-replayed"] !== undefined || forgotten().length === 0
          ? Effect.void
          : Effect.die(new Error(`${name} did not ask about ${forgotten().join()}`))
      ),
      Effect.provideService(Current, { rule, questions })
    )
  })

/** Notes what was asked, and gives the rule that it was asked under. */
export const noteQuestion = (question: Question, context: Context.Context<never>): Rule | null => {
  const current = Context.get(context, Current)
  current?.questions.add(question)
  return current?.rule ?? null
}
