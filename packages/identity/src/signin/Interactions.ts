import { twoFactors } from "@halles/shared/security/Authority"
import * as NodeHttpServerRequest from "@effect/platform-node/NodeHttpServerRequest"
import { Context, Effect, Layer, Option } from "effect"
import { HttpRouter, HttpServerRequest, HttpServerResponse } from "effect/http"
import type { IncomingMessage, ServerResponse } from "node:http"
import { errors, type InteractionResults } from "oidc-provider"
import type Provider from "oidc-provider"
import { AuthorizationServer } from "../oidc/AuthorizationServer.ts"
import type { ClientMetadata } from "../oidc/Clients.ts"
import { Refused } from "../pages/Forms.ts"

type Details = Awaited<ReturnType<Provider["interactionDetails"]>>
export interface Interaction {
  readonly details: Details
  readonly client: ClientMetadata & { readonly client_id: string }
  /** Where the browser goes in the end, for the policy of pages with forms. */
  readonly target: string | undefined
}
/** The browser's session at the authorization server. */
export interface BrowserSession {
  readonly uid: string
  readonly accountId: string
  /** Seconds since 1970 of the last sign-in. */
  readonly signedInAt: number
  /** With two factors. */
  readonly strong: boolean
}

const expired = new Refused({
  status: 400,
  title: "This sign-in has ended",
  detail: "It took too long, or was finished in another tab. Go back to the application and start again."
})

const failed = (cause: unknown) => (cause instanceof errors.SessionNotFound ? Effect.fail(expired) : Effect.die(cause))

/** Node's own request and answer: the authorization server reads and writes them itself. */
export const nodeOf = (request: HttpServerRequest.HttpServerRequest) => ({
  req: NodeHttpServerRequest.toIncomingMessage(request) as IncomingMessage,
  res: NodeHttpServerRequest.toServerResponse(request) as ServerResponse
})

type Requires = HttpServerRequest.HttpServerRequest | HttpRouter.RouteContext

/** What the authorization server asks of a person, and what it is answered. */
export class Interactions extends Context.Service<
  Interactions,
  {
    /** That of the address and of the browser's cookie, which must be the same. */
    readonly current: Effect.Effect<Interaction, Refused, Requires>
    /** Hands the result over, and sends the browser on. */
    readonly finish: (
      result: InteractionResults
    ) => Effect.Effect<HttpServerResponse.HttpServerResponse, Refused, HttpServerRequest.HttpServerRequest>
    readonly session: Effect.Effect<Option.Option<BrowserSession>, never, HttpServerRequest.HttpServerRequest>
  }
>()("@halles/identity/Interactions") {
  static readonly layer = Layer.effect(
    Interactions,
    Effect.gen(function* () {
      const { provider } = yield* AuthorizationServer
      return {
        current: Effect.gen(function* () {
          const request = yield* HttpServerRequest.HttpServerRequest
          const { params } = yield* HttpRouter.RouteContext
          const { req, res } = nodeOf(request)
          const details = yield* Effect.tryPromise({
            try: () => provider().interactionDetails(req, res),
            catch: (cause) => cause
          }).pipe(Effect.catch(failed))
          if (details.uid !== params["uid"]) return yield* expired
          const client = yield* Effect.promise(() => provider().Client.find(String(details.params["client_id"])))
          if (client === undefined) return yield* expired
          const target = details.params["redirect_uri"]
          return {
            details,
            client: client.metadata() as ClientMetadata & { client_id: string },
            target: typeof target === "string" ? target : undefined
          }
        }),
        finish: Effect.fnUntraced(function* (result) {
          const { req, res } = nodeOf(yield* HttpServerRequest.HttpServerRequest)
          const location = yield* Effect.tryPromise({
            try: () => provider().interactionResult(req, res, result),
            catch: (cause) => cause
          }).pipe(Effect.catch(failed))
          return HttpServerResponse.redirect(location, { status: 303 })
        }),
        session: Effect.gen(function* () {
          const { req, res } = nodeOf(yield* HttpServerRequest.HttpServerRequest)
          const session = yield* Effect.promise(() =>
            provider().Session.get(provider().createContext(req, res) as never)
          )
          return session.accountId === undefined
            ? Option.none()
            : Option.some({
                uid: session.uid,
                accountId: session.accountId,
                signedInAt: session.loginTs ?? 0,
                strong: session.acr === twoFactors
              })
        })
      }
    })
  )
}
