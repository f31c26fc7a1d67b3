import { Effect, Layer } from "effect"
import { HttpRouter, HttpServerResponse } from "effect/http"
import * as Problem from "@halles/shared/wire/Problem"

/** What a client does about a problem that says nothing of its own. */
const helpOf: Readonly<Record<number, string>> = {
  400: "Correct the request; `errors` says where it is wrong. Repeating it unchanged gives the same answer.",
  401: "Sign in again, or send valid credentials.",
  403: "Ask for the permission, or do not ask for this resource.",
  404: "Look the identifier up again.",
  405: "Use one of the methods that the `Allow` header names.",
  409: "Read the resource again, and decide on what it is now.",
  412: "Read the resource again, and send the change with the `ETag` of what you read.",
  413: "Send less at a time.",
  415: "Send one of the media types that the contract names.",
  422: "The request is well formed but cannot be done; `context` says why.",
  428: "Send the `ETag` of what you read in `If-Match`.",
  429: "Wait as long as `Retry-After` says, then send the same request with the same idempotency key.",
  500: "Send the same request with the same idempotency key; tell us its request id if it fails again.",
  503: "Wait as long as `Retry-After` says, then send the same request with the same idempotency key."
}
const help = ({ help, status }: Problem.Kind): string => help ?? helpOf[status] ?? "Send the request again later."

/** Every word of these pages is a constant of ours: nothing in them needs escaping. */
const page = (title: string, body: string): HttpServerResponse.HttpServerResponse =>
  HttpServerResponse.html(
    `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>${title}</title>` +
      `<meta name="viewport" content="width=device-width"></head><body><main><h1>${title}</h1>${body}</main></body></html>`
  ).pipe(HttpServerResponse.setHeader("cache-control", "public, max-age=3600"))

const onePage = (problem: Problem.Kind) =>
  page(
    problem.title,
    `<dl><dt>code</dt><dd><code>${problem.code}</code></dd><dt>status</dt><dd>${problem.status}</dd></dl>` +
      `<p>${help(problem)}</p><p><a href="/problems">All problems</a></p>`
  )

const sorted = () => [...Problem.catalogue.values()].toSorted((a, b) => (a.code < b.code ? -1 : 1))
const index = () =>
  page(
    "Problems",
    `<ul>${sorted()
      .map(
        ({ code, status, title }) => `<li>${status} <a href="/problems/${code}"><code>${code}</code></a> ${title}</li>`
      )
      .join("")}</ul>`
  )

const unknown = Problem.response(
  Problem.make({
    code: "not_found",
    status: 404,
    title: "There is no such thing",
    detail: "No problem has this code."
  })
)

/** Where the `type` of a problem leads to: what it means and what to do about it. */
export const ProblemPages = Layer.mergeAll(
  HttpRouter.add("GET", "/problems", Effect.sync(index)),
  HttpRouter.add(
    "GET",
    "/problems/:code",
    Effect.map(HttpRouter.params, ({ code = "" }) => {
      const problem = Problem.catalogue.get(code)
      return problem === undefined ? unknown : onePage(problem)
    })
  )
)
