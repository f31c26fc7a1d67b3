import { Effect } from "effect"
import { HttpRouter, HttpServerRequest, HttpServerResponse } from "effect/http"

/** Where programs go on. */
const index = {
  name: "Halles",
  reference: "/docs",
  openapi: "/openapi.json",
  problems: "/problems",
  products: "/v1/products",
  health: "/health/ready"
}
const headers = { "cache-control": "public, max-age=3600", vary: "accept" }

/** Whether a browser asks, which names HTML before all else; a program takes anything, or JSON. */
const wantsPage = (accept: string | undefined): boolean =>
  /^\s*(?:text\/html|application\/xhtml\+xml)\b/i.test(accept ?? "")

/** At the root: people are led to the reference, programs are told where what is. */
export const FrontDoor = HttpRouter.add(
  "GET",
  "/",
  Effect.map(HttpServerRequest.HttpServerRequest, (request) =>
    wantsPage(request.headers["accept"])
      ? HttpServerResponse.redirect("/docs", { status: 303, headers })
      : HttpServerResponse.jsonUnsafe(index, { headers })
  )
)
