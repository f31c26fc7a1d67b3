import { Effect, Layer } from "effect"
import { HttpRouter } from "effect/http"
import { CarrierBook } from "./CarrierBook.ts"
import * as CarrierLedger from "./CarrierLedger.ts"
import { body, json, Partner, pathId, Problem, routes } from "./Partner.ts"

/** Attempts that the postal code CARRIER-DOWN fails, per reference. */
const failures = 5
/** References whose attempts are counted; the oldest is forgotten. */
const countedMax = 100_000

const ship = (book: CarrierBook["Service"]) => {
  const attempts = new Map<string, number>()
  const isDown = (reference: string) => {
    if (book.isKnown(reference)) return false
    const count = (attempts.get(reference) ?? 0) + 1
    attempts.delete(reference)
    if (count > failures) return false
    for (const oldest of attempts.keys()) {
      if (attempts.size < countedMax) break
      attempts.delete(oldest)
    }
    attempts.set(reference, count)
    return true
  }
  return Effect.gen(function* () {
    const shipment = yield* body(CarrierLedger.ShipBody)
    if (shipment.address.postalCode === "CARRIER-DOWN" && isDown(shipment.reference)) {
      return yield* new Problem({ status: 503, code: "unavailable" })
    }
    const answer = CarrierLedger.answer(yield* book.ship(shipment))
    return json(answer.status, answer.body)
  })
}

const show = (state: CarrierLedger.Shipment) => json(200, CarrierLedger.view(state))

const carrierRoutes = HttpRouter.addAll(
  Effect.gen(function* () {
    const { guard } = yield* Partner
    const book = yield* CarrierBook
    const label = Effect.map(Effect.flatMap(body(CarrierLedger.ReturnBody), book.label), (entry) => {
      const answer = CarrierLedger.answer(entry)
      return json(answer.status, answer.body)
    })
    return [
      HttpRouter.route("POST", "/shipments", guard(ship(book))),
      HttpRouter.route("GET", "/shipments/:id", guard(Effect.map(Effect.flatMap(pathId("id"), book.shipment), show))),
      HttpRouter.route(
        "POST",
        "/shipments/:id/cancel",
        guard(Effect.map(Effect.flatMap(pathId("id"), book.cancel), show))
      ),
      HttpRouter.route("POST", "/returns", guard(label))
    ]
  })
)

export const CarrierRoutes = Layer.merge(
  carrierRoutes,
  Layer.unwrap(Effect.map(CarrierBook, (book) => routes(book.isAlive)))
)
