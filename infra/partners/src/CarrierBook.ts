import { Clock, Context, Effect, Layer } from "effect"
import { randomUUID } from "node:crypto"
import * as CarrierLedger from "./CarrierLedger.ts"
import * as LedgerFile from "./LedgerFile.ts"
import { Problem } from "./Partner.ts"
import { Webhooks } from "./Webhooks.ts"

/** Shipments and returns in memory; beyond it the carrier answers 503. */
const itemsMax = 1_000_000
/** Shipments and returns under way at once, one fiber each. */
const movingMax = 50_000

export interface Delays {
  /** From booking to dispatch. */
  readonly dispatchMs: number
  /** From dispatch to delivery; a return is received `dispatchMs + deliveryMs` after its label. */
  readonly deliveryMs: number
}

/** Every shipment and return, in memory and in the ledger file; moves them along as time passes. */
export class CarrierBook extends Context.Service<
  CarrierBook,
  {
    readonly ship: (body: CarrierLedger.ShipBody) => Effect.Effect<CarrierLedger.Answered, Problem>
    readonly label: (body: CarrierLedger.ReturnBody) => Effect.Effect<CarrierLedger.Answered, Problem>
    readonly cancel: (id: string) => Effect.Effect<CarrierLedger.Shipment, Problem>
    readonly shipment: (id: string) => Effect.Effect<CarrierLedger.Shipment, Problem>
    readonly isKnown: (reference: string) => boolean
    readonly isAlive: () => boolean
  }
>()("@halles/partners/CarrierBook") {
  static readonly layer = (options: { readonly path: string; readonly delays: Delays }) =>
    Layer.effect(CarrierBook, make(options))
}

const notFound = new Problem({ status: 404, code: "not_found" })
const reused = new Problem({ status: 422, code: "reference_reused" })
const busy = new Problem({ status: 503, code: "busy" })

const make = Effect.fnUntraced(function* (options: { readonly path: string; readonly delays: Delays }) {
  const webhooks = yield* Webhooks
  const scope = yield* Effect.scope
  const clock = yield* Clock.Clock
  const items = new Map<string, CarrierLedger.Item>()
  const answers = new Map<string, CarrierLedger.Answered>()
  const unsettled = new Map<string, CarrierLedger.Moved>()
  let moving = 0

  const apply = (entry: CarrierLedger.Answered | CarrierLedger.Change) => {
    if ("reference" in entry) answers.set(entry.reference, entry)
    if (entry._tag !== "Unserved") items.set(entry.id, CarrierLedger.evolve(items.get(entry.id), entry))
  }
  const replay = (entry: CarrierLedger.Entry) => {
    if (entry._tag === "Settled") return void unsettled.delete(entry.eventId)
    apply(entry)
    if ("eventId" in entry) unsettled.set(entry.eventId, entry)
  }
  const file = yield* LedgerFile.open({ path: options.path, schema: CarrierLedger.Entry, replay })

  const send = (entry: CarrierLedger.Moved) => {
    const state = items.get(entry.id)!
    const { eventId } = entry
    webhooks.send({
      eventId,
      body: () => JSON.stringify(CarrierLedger.webhook(state, entry)),
      notBefore: entry.at,
      copies: 1,
      settled: (delivered) => file.append({ _tag: "Settled", eventId, delivered })
    })
  }
  /** A timer may fire a millisecond early; a carrier does not. */
  const until = (at: number): Effect.Effect<void> =>
    Effect.suspend(() => {
      const left = at - clock.currentTimeMillisUnsafe()
      return left <= 0 ? Effect.void : Effect.andThen(Effect.sleep(left), until(at))
    })
  const move = (id: string) =>
    Effect.gen(function* () {
      moving += 1
      for (let due = CarrierLedger.due(items.get(id)!, options.delays); due !== null;) {
        yield* until(due.at)
        const still = CarrierLedger.due(items.get(id)!, options.delays)
        if (still?.tag !== due.tag) return
        const entry = { _tag: due.tag, id, eventId: `evt_${randomUUID()}`, at: clock.currentTimeMillisUnsafe() }
        apply(entry)
        file.append(entry, () => send(entry))
        due = CarrierLedger.due(items.get(id)!, options.delays)
      }
    }).pipe(
      Effect.ensuring(
        Effect.sync(() => {
          moving -= 1
        })
      ),
      Effect.forkIn(scope)
    )
  for (const entry of unsettled.values()) send(entry)
  unsettled.clear()
  for (const item of items.values()) if (CarrierLedger.due(item, options.delays) !== null) yield* move(item.id)

  const answer = (reference: string, request: string, decide: (at: number) => CarrierLedger.Answered) =>
    Effect.suspend(() => {
      const known = answers.get(reference)
      if (known !== undefined) {
        return known.request === request ? Effect.as(file.durable, known) : Effect.fail(reused)
      }
      if (file.isFull() || items.size >= itemsMax || moving >= movingMax) return Effect.fail(busy)
      const entry = decide(clock.currentTimeMillisUnsafe())
      apply(entry)
      file.append(entry)
      const started = entry._tag === "Unserved" ? Effect.void : move(entry.id)
      return Effect.as(Effect.andThen(started, file.durable), entry)
    })
  const shipment = (id: string) =>
    Effect.suspend(() => {
      const item = items.get(id)
      return item?._tag === "Shipment" ? Effect.as(file.durable, item) : Effect.fail(notFound)
    })
  const cancel = (id: string) =>
    Effect.suspend(() => {
      const item = items.get(id)
      if (item?._tag !== "Shipment") return Effect.fail(notFound)
      const cancelled = CarrierLedger.cancel(item, clock.currentTimeMillisUnsafe())
      if (typeof cancelled === "string") {
        return Effect.andThen(file.durable, Effect.fail(new Problem({ status: 409, code: cancelled })))
      }
      if (cancelled !== null) {
        apply(cancelled)
        file.append(cancelled)
      }
      return shipment(id)
    })
  return CarrierBook.of({
    ship: (body) =>
      answer(body.reference, CarrierLedger.shipRequest(body), (at) =>
        CarrierLedger.ship(body, { id: `shp_${randomUUID()}`, at })
      ),
    label: (body) =>
      answer(body.reference, CarrierLedger.returnRequest(body), (at) =>
        CarrierLedger.label(body, { id: `ret_${randomUUID()}`, at })
      ),
    cancel,
    shipment,
    isKnown: (reference) => answers.has(reference),
    isAlive: () => !file.isBroken()
  })
})
