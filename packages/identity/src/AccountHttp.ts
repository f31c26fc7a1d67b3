import { Effect, Option } from "effect"
import { HttpRouter, HttpServerResponse } from "effect/http"
import { Accounts } from "./Accounts.ts"
import { AuthorizationServer } from "./AuthorizationServer.ts"
import { accountClient } from "./FirstPartyClients.ts"
import { Forms } from "./Forms.ts"
import { html } from "./Html.ts"
import { Interactions } from "./Interactions.ts"

/** Where an account's owner looks after it. */
export const AccountHttp = HttpRouter.use(
  Effect.fnUntraced(function* (router) {
    const accounts = yield* Accounts
    const forms = yield* Forms
    const interactions = yield* Interactions
    const { issuer } = yield* AuthorizationServer

    /** Signing in to these pages is signing in to a client of ours that wants no token. */
    const signIn = (prompt?: "login") =>
      HttpServerResponse.redirect(
        `/auth?${new URLSearchParams({
          client_id: accountClient,
          response_type: "none",
          redirect_uri: `${issuer}/account`,
          scope: "openid",
          ...(prompt === undefined ? {} : { prompt })
        })}`,
        { status: 303 }
      )

    yield* router.add(
      "GET",
      "/account",
      Effect.gen(function* () {
        const session = yield* interactions.session
        const account = Option.isSome(session) ? yield* accounts.byId(session.value.accountId) : Option.none()
        if (Option.isNone(account)) return signIn()
        return yield* forms.page(() => ({
          title: "Your account",
          wide: true,
          body: html`<p>${account.value.email}</p>`
        }))
      })
    )
  })
)
