import { Cookies, HttpRouter, HttpServerRequest, HttpServerResponse } from "effect/http"
import { Effect, Layer } from "effect"
import { Credentials } from "../access/Credentials.ts"
import { ByCookie } from "./OperatorAccessLive.ts"
import * as Problem from "@halles/shared/wire/Problem"
import { Principal } from "@halles/shared/wire/Principal"
import { Sessions } from "./OperatorSessions.ts"

/** What the browser is known by, and what a sign-in was begun with. */
const cookie = "halles_operator"
const begun = "halles_signing_in"

const failed = Problem.response(
  Problem.make({
    code: "sign_in_failed",
    status: 401,
    title: "Signing in did not work",
    detail:
      "Begin again at /sign-in. If it fails again, the identity process may be away, or the account is no operator's."
  })
)

const written = (
  response: HttpServerResponse.HttpServerResponse,
  name: string,
  value: string,
  options: NonNullable<Cookies.Cookie["options"]>
) => Effect.orDie(HttpServerResponse.setCookie(response, name, value, options))

/**
 * Signing in and out at the operators' page. The session's cookie is sent by no other page (`SameSite=Strict`), and so not by
 * the way back from the issuer either: a page of ours between leads on.
 */
export const layer = (url: string) => {
  const secure = url.startsWith("https:")
  const kept = { httpOnly: true, secure, path: "/", sameSite: "strict" } as const
  const onward = `<!doctype html><meta charset="utf-8"><title>Signed in</title><meta http-equiv="refresh" content="0;url=/"><p>You are signed in. <a href="/">Go on</a></p>`
  return Layer.mergeAll(
    HttpRouter.add(
      "GET",
      "/sign-in",
      Effect.gen(function* () {
        const { location, state } = yield* (yield* Sessions).start
        // Comes back over the issuer's page, hence not `Strict`.
        return yield* written(HttpServerResponse.redirect(location), begun, state, {
          httpOnly: true,
          secure,
          path: "/signed-in",
          sameSite: "lax",
          maxAge: "10 minutes"
        })
      }).pipe(Effect.catchTag("SignInFailed", ({ cause }) => Effect.as(Effect.logWarning("Sign-in", cause), failed)))
    ),
    HttpRouter.add(
      "GET",
      "/second-factor",
      Effect.map(Sessions, ({ account }) => (account === null ? failed : HttpServerResponse.redirect(account)))
    ),
    HttpRouter.add(
      "GET",
      "/signed-in",
      Effect.gen(function* () {
        const request = yield* HttpServerRequest.HttpServerRequest
        const callback = new URL(request.url, url)
        const session = yield* (yield* Sessions).finish(callback, request.cookies[begun] ?? "")
        const page = HttpServerResponse.html(onward)
        return yield* written(page, cookie, session, kept)
      }).pipe(Effect.catchTag("SignInFailed", ({ cause }) => Effect.as(Effect.logWarning("Sign-in", cause), failed)))
    ),
    HttpRouter.add(
      "POST",
      "/sign-out",
      Effect.gen(function* () {
        const { cookies } = yield* HttpServerRequest.HttpServerRequest
        const end = yield* (yield* Sessions).end(cookies[cookie] ?? "")
        const response = HttpServerResponse.jsonUnsafe({ issuer: end })
        return yield* written(response, cookie, "", { ...kept, maxAge: 0 })
      })
    )
  )
}

/** Who sends a request: by its token, or else by the session of its cookie. */
export const OperatorAuthentication = HttpRouter.middleware(
  Effect.gen(function* () {
    const credentials = yield* Credentials
    const sessions = yield* Sessions
    return (answered: Effect.Effect<HttpServerResponse.HttpServerResponse, unknown, HttpRouter.GlobalProvided>) =>
      Effect.flatMap(HttpServerRequest.HttpServerRequest, ({ cookies, headers }) => {
        const session = cookies[cookie]
        const bearer = headers["authorization"] !== undefined || headers["x-api-key"] !== undefined
        if (bearer) {
          return Effect.flatMap(credentials.principalOf(headers), (principal) =>
            Effect.provideService(answered, Principal, principal)
          )
        }
        if (session === undefined) return answered
        return Effect.flatMap(sessions.principalOf(session), (principal) =>
          answered.pipe(Effect.provideService(Principal, principal), Effect.provideService(ByCookie, true))
        )
      })
  }),
  { global: true }
)
