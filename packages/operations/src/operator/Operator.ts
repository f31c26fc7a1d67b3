import { OperatorApi } from "@halles/http/operator/OperatorApi"
import { Config, Console, Effect, Redacted, Schema } from "effect"
import { Flag, Prompt } from "effect/cli"
import { HttpClient, HttpClientError, HttpClientRequest } from "effect/http"
import { HttpApiClient } from "effect/http-api"
import { NotSignedIn, token } from "./Tokens.ts"

/** The operator process did not do it, and why; `exitCode` is the program's. */
export class NotDone extends Schema.TaggedError<NotDone>()("NotDone", {
  reason: Schema.String,
  exitCode: Schema.Literals([1, 2, 4, 5, 6])
}) {
  override get message() {
    return this.reason
  }
}

/** Nobody agreed to a change. */
export class NotConfirmed extends Schema.TaggedError<NotConfirmed>()("NotConfirmed", {}) {
  override readonly message = "nothing was changed: nobody said yes. Without a terminal, say --yes"
}

const deadline = "20 seconds"
export const OperatorUrl = Config.NonEmptyString("HALLES_OPS_URL")

/** Every route of the operator process as a method, in the name of whoever is signed in. */
export const operator = Effect.gen(function* () {
  const baseUrl = yield* OperatorUrl
  const bearer = yield* token
  return yield* HttpApiClient.make(OperatorApi, {
    baseUrl,
    transformClient: HttpClient.mapRequest((request) =>
      HttpClientRequest.bearerToken(request, Redacted.value(bearer)).pipe(
        HttpClientRequest.setHeader("halles-operator", "1")
      )
    )
  })
})

type Problem = { readonly _tag: string }

const said = (error: Problem): NotDone | NotSignedIn => {
  if (error instanceof NotSignedIn) return error
  const fields = error as Readonly<Record<string, unknown>>
  switch (error._tag) {
    case "NotPossible":
      return new NotDone({ reason: String(fields["reason"]), exitCode: 5 })
    case "NotFound":
      return new NotDone({ reason: `there is no ${String(fields["entity"])} ${String(fields["id"])}`, exitCode: 1 })
    case "MalformedId":
    case "InvalidRequest":
      return new NotDone({
        reason: `the request was not understood: ${JSON.stringify(fields["errors"] ?? "")}`,
        exitCode: 1
      })
    case "SchemaError":
      return new NotDone({ reason: "a reason has 3 to 500 characters, runners are eu-1, ids eu_x", exitCode: 2 })
    case "Unauthorized":
      return new NotDone({ reason: "the token was not taken; sign in with: halles login", exitCode: 4 })
    case "StrongerSignInRequired":
      return new NotDone({
        reason: "this needs a sign-in with two factors; run: halles login, with the second factor of your account",
        exitCode: 4
      })
    case "Forbidden":
      return new NotDone({
        reason:
          fields["reason"] === "role"
            ? "no role of yours may do this; one of staff counts for a sign-in with two factors: halles login"
            : `you may not do this (${String(fields["reason"])})`,
        exitCode: 4
      })
    case "Unavailable":
      return new NotDone({ reason: "the cluster does not answer at the moment; ask again", exitCode: 6 })
    default:
      return new NotDone({
        reason: HttpClientError.isHttpClientError(error)
          ? "the operator process does not answer: is the cluster running?"
          : `the operator process answered what was not expected (${error._tag})`,
        exitCode: 6
      })
  }
}

/** A call to the operator process; its refusals become what is told, and the exit code. */
export const callOperator = <A, E extends Problem, R>(call: Effect.Effect<A, E, R>) =>
  call.pipe(Effect.timeout(deadline), Effect.mapError(said))

/** Why, on every change; it stands in the audit log. */
export const reason = Flag.String("reason").pipe(
  Flag.withDescription("Why; it stands in the audit log with your name, and has 3 to 500 characters")
)
export const yes = Flag.Boolean("yes").pipe(
  Flag.withAlias("y"),
  Flag.withDescription("Do not ask whether this is meant"),
  Flag.withDefault(false)
)

/** Asks before something is changed, at a terminal; elsewhere `--yes` must say so. */
export const confirmed = (isYes: boolean, question: string) =>
  Effect.gen(function* () {
    if (isYes) return
    if (!process.stdin.isTTY) return yield* new NotConfirmed()
    const answer = yield* Prompt.run(Prompt.Confirm({ message: question, initial: false })).pipe(
      Effect.catch(() => Effect.succeed(false))
    )
    if (!answer) return yield* new NotConfirmed()
  })

/** What a change came to, in a sentence. */
export const tell = ({ text }: { readonly text: string }) => Console.log(text)
