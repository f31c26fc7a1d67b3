import * as NodeHttpServerRequest from "@effect/platform-node/NodeHttpServerRequest"
import { Effect, Layer, type Schema } from "effect"
import { HttpRouter, HttpServerRequest } from "effect/http"
import { GatewayBook } from "./GatewayBook.ts"
import * as GatewayLedger from "./GatewayLedger.ts"
import { body, json, Partner, pathId, Problem, routes } from "./Partner.ts"

/** Longer than any client waits. */
const heldMs = 5_000
const slowMs = 1_500
/** References whose first attempt was answered 503; the oldest is forgotten. */
const failedOnceMax = 100_000

/** Holds the connection, then closes it without an answer. */
const neverAnswer = Effect.gen(function* () {
  const request = yield* HttpServerRequest.HttpServerRequest
  yield* Effect.sleep(heldMs)
  NodeHttpServerRequest.toIncomingMessage(request).socket.destroy()
  return yield* Effect.never
})

const authorise = (book: GatewayBook["Service"]) => {
  const failedOnce = new Set<string>()
  const failsOnce = (reference: string) => {
    if (book.isKnown(reference) || failedOnce.delete(reference)) return false
    for (const oldest of failedOnce) {
      if (failedOnce.size < failedOnceMax) break
      failedOnce.delete(oldest)
    }
    failedOnce.add(reference)
    return true
  }
  return Effect.gen(function* () {
    const operation = { _tag: "Authorise" as const, ...(yield* body(GatewayLedger.AuthoriseBody)) }
    if (operation.token === "tok_error_then_ok" && failsOnce(operation.reference)) {
      return yield* new Problem({ status: 503, code: "unavailable" })
    }
    const { entry, first } = yield* book.submit(operation)
    if (first && operation.token === "tok_timeout_after_success") return yield* neverAnswer
    if (first && operation.token === "tok_slow") yield* Effect.sleep(slowMs)
    const answer = GatewayLedger.answer(entry)
    return json(answer.status, answer.body)
  })
}

const change = <Body extends object>(
  book: GatewayBook["Service"],
  schema: Schema.ConstraintCodec<Body, unknown>,
  operation: (authorisationId: string, body: Body) => GatewayLedger.Operation
) =>
  Effect.gen(function* () {
    const authorisationId = yield* pathId("id")
    const { entry } = yield* book.submit(operation(authorisationId, yield* body(schema)))
    const answer = GatewayLedger.answer(entry)
    return json(answer.status, answer.body)
  })

const byReference = (book: GatewayBook["Service"]) =>
  Effect.gen(function* () {
    const { reference } = yield* HttpServerRequest.ParsedSearchParams
    if (typeof reference !== "string") return yield* new Problem({ status: 400, code: "invalid_request" })
    return json(200, GatewayLedger.view(yield* book.byReference(reference)))
  })

const gatewayRoutes = HttpRouter.addAll(
  Effect.gen(function* () {
    const { guard } = yield* Partner
    const book = yield* GatewayBook
    const money = (tag: "Capture" | "Refund" | "Chargeback") =>
      guard(change(book, GatewayLedger.MoneyBody, (authorisationId, body) => ({ _tag: tag, authorisationId, ...body })))
    const voids = change(book, GatewayLedger.VoidBody, (authorisationId, body) => ({
      _tag: "Void",
      authorisationId,
      ...body
    }))
    const wins = change(book, GatewayLedger.WinBody, (authorisationId, body) => ({
      _tag: "WinDispute",
      authorisationId,
      ...body
    }))
    const byId = Effect.map(Effect.flatMap(pathId("id"), book.byId), (state) => json(200, GatewayLedger.view(state)))
    return [
      HttpRouter.route("POST", "/authorisations", guard(authorise(book))),
      HttpRouter.route("GET", "/authorisations", guard(byReference(book))),
      HttpRouter.route("GET", "/authorisations/:id", guard(byId)),
      HttpRouter.route("POST", "/authorisations/:id/captures", money("Capture")),
      HttpRouter.route("POST", "/authorisations/:id/refunds", money("Refund")),
      HttpRouter.route("POST", "/authorisations/:id/voids", guard(voids)),
      /** What the bank of the cardholder does, not the merchant. */
      HttpRouter.route("POST", "/authorisations/:id/chargebacks", money("Chargeback")),
      HttpRouter.route("POST", "/authorisations/:id/dispute-wins", guard(wins))
    ]
  })
)

export const GatewayRoutes = Layer.merge(
  gatewayRoutes,
  Layer.unwrap(Effect.map(GatewayBook, (book) => routes(book.isAlive)))
)
