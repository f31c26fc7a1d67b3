import { Effect, Option } from "effect"
import { HttpRouter, HttpServerRequest, HttpServerResponse } from "effect/http"
import { Forms, Refused } from "../pages/Forms.ts"
import { html } from "../pages/Html.ts"
import { Interactions } from "./Interactions.ts"
import { Pending } from "./Pending.ts"
import { Sso, type SsoFailed } from "./Sso.ts"

/** To the upstream provider and back. */
export const SsoHttp = HttpRouter.use(
  Effect.fnUntraced(function* (router) {
    const forms = yield* Forms
    const interactions = yield* Interactions
    const pending = yield* Pending
    const sso = yield* Sso

    const refused = (failed: SsoFailed) =>
      Effect.andThen(
        Effect.logWarning("sign-in by the upstream provider failed", {
          reason: failed.reason,
          cause: String(failed.cause)
        }),
        Effect.fail(
          new Refused({
            status: 502,
            title: "That did not work",
            detail: `Signing in with ${sso.name ?? "another provider"} failed: ${failed.reason}. Go back and try again.`
          })
        )
      )

    yield* router.add(
      "GET",
      "/interaction/:uid/sso",
      Effect.gen(function* () {
        const { details } = yield* interactions.current
        const location = yield* sso.start(details.uid, yield* forms.browser)
        return HttpServerResponse.redirect(location, { status: 303 })
      }).pipe(Effect.catchTag("SsoFailed", refused))
    )
    yield* router.add(
      "GET",
      "/sso/callback",
      Effect.gen(function* () {
        const { url } = yield* HttpServerRequest.HttpServerRequest
        const { issuer } = sso
        const { proved, uid } = yield* sso.finish(new URL(url, issuer), yield* forms.browser)
        if (Option.isSome(proved)) {
          yield* pending.put("interaction", uid, { ...proved.value, remember: false }, proved.value.accountId)
          return HttpServerResponse.redirect(`/interaction/${uid}`, { status: 303 })
        }
        return yield* forms.page(() => ({
          title: "You have an account already",
          body: html` <p>
              Your address has an account here. Sign in to it once with its password; after that,
              <strong>${sso.name}</strong> opens it too.
            </p>
            <p><a class="button" href="/interaction/${uid}">Sign in</a></p>`
        }))
      }).pipe(Effect.catchTag("SsoFailed", refused))
    )
  })
)
