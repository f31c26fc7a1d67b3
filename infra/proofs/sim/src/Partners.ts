import * as EntityClient from "@halles/engine/activation/EntityClient"
import {
  type Booking,
  type Cancellation,
  Carrier,
  CarrierUnavailable,
  type ReturnLabel
} from "@halles/entities/shipment/Carrier"
import { GatewayNotice, Payment } from "@halles/entities/payment/Payment"
import {
  type Authorisation,
  type GatewayOutcome,
  GatewayUnavailable,
  PaymentGateway
} from "@halles/entities/payment/PaymentGateway"
import { CarrierNotice, Shipment } from "@halles/entities/shipment/Shipment"
import * as CarrierLedger from "@halles/partners/CarrierLedger"
import * as GatewayLedger from "@halles/partners/GatewayLedger"
import { CommandId, OrderId } from "@halles/shared/Ids"
import { Effect, Schedule } from "effect"
import type { Cluster } from "./Cluster.ts"
import type { Process, World } from "./World.ts"

/** Sends of one webhook. */
const webhookTriesMax = 30

const notice = Effect.fnUntraced(function* (orderId: string, event: ReturnType<typeof GatewayLedger.webhook>) {
  const payment = (yield* EntityClient.make(Payment))(OrderId.make(orderId))
  const { authorisationId, amount, eventId, reference, type } = event
  const about = { eventId, type, reference, authorisationId, amount }
  const reason = event.reason === undefined ? {} : { reason: event.reason }
  yield* payment.GatewayNotice(new GatewayNotice({ commandId: CommandId.make(eventId), ...about, ...reason }))
})
const movement = Effect.fnUntraced(function* (orderId: string, event: ReturnType<typeof CarrierLedger.webhook>) {
  const shipment = (yield* EntityClient.make(Shipment))(OrderId.make(orderId))
  const { eventId, type } = event
  const returned = event.returnId === undefined ? {} : { returnId: event.returnId }
  yield* shipment.CarrierNotice(new CarrierNotice({ commandId: CommandId.make(eventId), eventId, type, ...returned }))
})

const authorisation = (entry: GatewayLedger.Answered): Authorisation => {
  if (entry._tag === "Refused") return { _tag: "Declined", reason: entry.code }
  return entry._tag === "Declined"
    ? { _tag: "Declined", reason: entry.reason }
    : { _tag: "Authorised", authorisationId: entry.authorisationId }
}
const outcome = (entry: GatewayLedger.Answered): GatewayOutcome =>
  entry._tag === "Refused" ? { _tag: "Refused", reason: entry.code } : { _tag: "Done" }

/** The gateway and the carrier: the ledgers of our local ones, over a bad line. */
export class Partners {
  readonly authorisations = new Map<string, GatewayLedger.Authorisation>()
  readonly items = new Map<string, CarrierLedger.Item>()
  /** Until then neither answers. */
  outageUntil = 0
  readonly #world: World
  readonly #cluster: Cluster
  readonly #payments = new Map<string, GatewayLedger.Answered>()
  readonly #bookings = new Map<string, CarrierLedger.Answered>()
  #ids = 0

  constructor(world: World, cluster: Cluster) {
    this.#world = world
    this.#cluster = cluster
  }

  #id(prefix: string): string {
    this.#ids += 1
    return `${prefix}_${this.#ids}`
  }

  /** One request: it may be lost on the way, or its answer on the way back. */
  #ask<A, E>(process: Process, what: string, unavailable: E, run: () => A): Effect.Effect<A, E> {
    return Effect.callback((resume) => {
      const world = this.#world
      const { lost, unanswered } = this.#cluster.weather()
      const isLost = world.chance(lost * 3)
      const isUnanswered = world.chance(unanswered * 3)
      world.after(world.between(1, 20), world.outside, () => {
        const isDown = isLost || this.outageUntil > world.now
        const answer = isDown ? null : run()
        world.note("partner", `${process.name} ${what} ${isDown ? "down" : isUnanswered ? "unanswered" : "done"}`)
        world.after(world.between(1, 20), process, () =>
          resume(answer === null || isUnanswered ? Effect.fail(unavailable) : Effect.succeed(answer))
        )
      })
    })
  }

  /** Until it is taken, and now and then twice. */
  #tell(what: Effect.Effect<void, unknown, never>): void {
    const world = this.#world
    const copies = world.chance(0.1) ? 2 : 1
    for (let copy = 0; copy < copies; copy += 1) {
      const delay = world.chance(0.2) ? world.between(100, 6_000) : world.between(1, 50)
      world.after(delay, world.outside, () =>
        this.#cluster.outside(
          what.pipe(
            Effect.timeout("3 seconds"),
            Effect.retry({ times: webhookTriesMax, schedule: Schedule.spaced(400) })
          )
        )
      )
    }
  }

  #pay(operation: GatewayLedger.Operation): GatewayLedger.Answered {
    const known = this.#payments.get(operation.reference)
    if (known !== undefined) return known
    const state = operation._tag === "Authorise" ? null : (this.authorisations.get(operation.authorisationId) ?? null)
    const chance = { authorisationId: this.#id("auth"), eventId: this.#id("evt"), at: Math.floor(this.#world.now) }
    const entry = GatewayLedger.decide(state, operation, chance)
    this.#payments.set(operation.reference, entry)
    const after = GatewayLedger.evolve(this.authorisations.get(entry.authorisationId), entry)
    this.authorisations.set(entry.authorisationId, after)
    if (entry._tag === "Refused") return entry
    if (entry._tag === "Captured") this.#disputeLater(entry.authorisationId)
    this.#tell(notice(after.orderId, GatewayLedger.webhook(after, entry)) as Effect.Effect<void, unknown>)
    return entry
  }

  /** The bank of a cardholder takes some of it back, and perhaps gives it again. */
  #disputeLater(authorisationId: string): void {
    const world = this.#world
    if (!world.chance(0.15)) return
    world.after(world.between(5, 15_000), world.outside, () => {
      const { captured, chargedBack, refunded } = this.authorisations.get(authorisationId)!
      const left = captured - refunded - chargedBack
      if (left <= 0) return
      const reference = this.#id("bank")
      const amount = world.chance(0.3) ? left : 1 + world.draw(left)
      this.#pay({ _tag: "Chargeback", authorisationId, reference, amount })
      if (!world.chance(0.5)) return
      world.after(world.between(5, 15_000), world.outside, () => {
        this.#pay({ _tag: "WinDispute", authorisationId, reference: this.#id("bank"), chargeback: reference })
      })
    })
  }

  gatewayOf(process: Process): PaymentGateway["Service"] {
    const unavailable = new GatewayUnavailable({ cause: "simulated" })
    const ask = <A>(operation: GatewayLedger.Operation, read: (entry: GatewayLedger.Answered) => A) =>
      this.#ask(process, `${operation._tag} ${operation.reference}`, unavailable, () => read(this.#pay(operation)))
    return PaymentGateway.of({
      authorise: (request) => ask({ _tag: "Authorise", ...request }, authorisation),
      capture: (request) => ask({ _tag: "Capture", ...request }, outcome),
      void: (request) => ask({ _tag: "Void", ...request }, outcome),
      refund: (request) => ask({ _tag: "Refund", ...request }, outcome)
    })
  }

  #book(reference: string, make: () => CarrierLedger.Answered): CarrierLedger.Answered {
    const known = this.#bookings.get(reference)
    if (known !== undefined) return known
    const entry = make()
    this.#bookings.set(reference, entry)
    if (entry._tag !== "Unserved") {
      this.items.set(entry.id, CarrierLedger.evolve(undefined, entry))
      // Some goods never leave: their orders stay as they are.
      if (this.#world.chance(0.8)) this.#moveLater(entry.id)
    }
    return entry
  }

  #moveLater(id: string): void {
    const world = this.#world
    world.after(world.chance(0.5) ? world.between(5, 300) : world.between(300, 15_000), world.outside, () => {
      const item = this.items.get(id)!
      const due = CarrierLedger.due(item, { dispatchMs: 0, deliveryMs: 0 })
      if (due === null) return
      const entry: CarrierLedger.Moved = { _tag: due.tag, id, eventId: this.#id("mov"), at: Math.floor(world.now) }
      const after = CarrierLedger.evolve(item, entry)
      this.items.set(id, after)
      world.note("carrier", `${entry._tag} ${id} of ${item.orderId}`)
      this.#tell(movement(item.orderId, CarrierLedger.webhook(after, entry)) as Effect.Effect<void, unknown>)
      this.#moveLater(id)
    })
  }

  carrierOf(process: Process): Carrier["Service"] {
    const unavailable = new CarrierUnavailable({ cause: "simulated" })
    const chance = (prefix: string) => ({ id: this.#id(prefix), at: Math.floor(this.#world.now) })
    return Carrier.of({
      ship: (request) =>
        this.#ask(process, `ship ${request.reference}`, unavailable, (): Booking => {
          const entry = this.#book(request.reference, () => CarrierLedger.ship(request, chance("shp")))
          return entry._tag === "Booked"
            ? { _tag: "Booked", shipmentId: entry.id, trackingNumbers: entry.trackingNumbers }
            : { _tag: "Refused", reason: "no_service" }
        }),
      cancel: ({ shipmentId }) =>
        this.#ask(process, `cancel ${shipmentId}`, unavailable, (): Cancellation => {
          const item = this.items.get(shipmentId)
          if (item?._tag !== "Shipment") return { _tag: "AlreadyDispatched" }
          const entry = CarrierLedger.cancel(item, Math.floor(this.#world.now))
          if (entry === "already_dispatched") return { _tag: "AlreadyDispatched" }
          if (entry === "not_cancellable") return { _tag: "Refused", reason: entry }
          if (entry !== null) this.items.set(shipmentId, CarrierLedger.evolve(item, entry))
          return { _tag: "Cancelled" }
        }),
      returnLabel: (request) =>
        this.#ask(process, `label ${request.reference}`, unavailable, (): ReturnLabel => {
          const entry = this.#book(request.reference, () => CarrierLedger.label(request, chance("ret")))
          return entry._tag === "Labelled"
            ? { _tag: "Labelled", label: entry.label }
            : { _tag: "Refused", reason: "no_service" }
        })
    })
  }
}
