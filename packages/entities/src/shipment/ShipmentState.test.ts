import { assert, describe, it } from "@effect/vitest"
import { CommandId, OrderId, SkuCode, WarehouseId } from "@halles/shared/Ids"
import { Result, Schema } from "effect"
import { evolved, type Model } from "@halles/engine/eventsourced/Model"
import { CancelShipment, CarrierNotice, Collect, Create } from "./Shipment.ts"
import { laws } from "../../test/Laws.ts"
import { shipment } from "./ShipmentDomain.ts"
import * as ShipmentState from "./ShipmentState.ts"

const model: Model<
  ShipmentState.State,
  ShipmentState.Command,
  ShipmentState.Event,
  ShipmentState.Refusal,
  ShipmentState.PendingStep
> = ShipmentState

const commandId = CommandId.make("c")
const orderId = OrderId.make("eu_1")
const lines = [{ sku: SkuCode.make("TEA"), quantity: 2 }]
const create = new Create({
  commandId,
  orderId,
  parcels: [{ warehouse: WarehouseId.make("eu-main"), lines }],
  address: { name: "A", line1: "1 Street", city: "York", postalCode: "YO1", country: "GB" }
})
const cancel = new CancelShipment({ commandId })
const collect = (key: number) => new Collect({ commandId, returnId: `r${key}`, lines })
const notice = (type: CarrierNotice["type"], returnId?: string) =>
  new CarrierNotice({
    commandId,
    eventId: `${type}:${returnId}`,
    type,
    ...(returnId === undefined ? {} : { returnId })
  })
const dispatched = notice("shipment.dispatched")
const delivered = notice("shipment.delivered")

/** What the carrier, or the order, answers to a pending step. */
const answer = (pendingStep: ShipmentState.PendingStep, luck = true): ShipmentState.Command => {
  const refused = { _tag: "Refused", reason: "no_service" } as const
  switch (pendingStep._tag) {
    case "Book": {
      const booked = { _tag: "Booked", shipmentId: "s1", trackingNumbers: ["T1"] } as const
      return { _tag: "RecordBooking", commandId, answer: luck ? booked : refused }
    }
    case "Cancel":
      return { _tag: "RecordCancel", commandId, answer: { _tag: luck ? "Cancelled" : "AlreadyDispatched" } }
    case "Label": {
      const labelled = { _tag: "Labelled", label: "L1" } as const
      return { _tag: "RecordLabel", commandId, returnId: pendingStep.returnId, answer: luck ? labelled : refused }
    }
    case "TellOrder":
      return { _tag: "NoteTold", commandId, key: pendingStep.key }
  }
}

const decided = (state: ShipmentState.State, command: ShipmentState.Command, now = 0) =>
  Result.getOrElse(model.decide(state, command, now), () => [])
const after = (state: ShipmentState.State, command: ShipmentState.Command, now = 0) =>
  evolved(model, state, decided(state, command, now), 1)
const all = (...commands: ReadonlyArray<ShipmentState.Command>) =>
  commands.reduce((state, command) => after(state, command), ShipmentState.initial)
const answered = (state: ShipmentState.State, luck = true) => after(state, answer(ShipmentState.next(state)!, luck))
const tags = (events: ReadonlyArray<ShipmentState.Event>) => events.map(({ _tag }) => _tag)
const statusOf = (state: ShipmentState.State) => ShipmentState.view(state, 1)?.status

const Step = Schema.Struct({
  kind: Schema.Literals([
    "Create",
    "CancelShipment",
    "Collect",
    "shipment.dispatched",
    "shipment.delivered",
    "return.received",
    "Answer"
  ]),
  key: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 2 })),
  luck: Schema.Boolean
})
const Steps = Schema.Array(Step).check(Schema.isMaxLength(30))

const commandOf = (state: ShipmentState.State, { key, kind, luck }: typeof Step.Type): ShipmentState.Command | null => {
  switch (kind) {
    case "Create":
      return create
    case "CancelShipment":
      return cancel
    case "Collect":
      return collect(key)
    case "Answer": {
      const pendingStep = ShipmentState.next(state)
      return pendingStep === null ? null : answer(pendingStep, luck)
    }
    default:
      return notice(kind, kind === "return.received" ? `r${key}` : undefined)
  }
}
/** With a request in most cases, since little happens without. */
const live = (steps: typeof Steps.Type) => {
  const moments: Array<{
    command: ShipmentState.Command
    events: ReadonlyArray<ShipmentState.Event>
    state: ShipmentState.State
  }> = []
  let state = ShipmentState.initial
  for (const step of steps[0]?.luck === true ? [{ ...steps[0], kind: "Create" as const }, ...steps] : steps) {
    const command = commandOf(state, step)
    if (command === null) continue
    const events = decided(state, command)
    state = events.reduce(ShipmentState.evolve, state)
    moments.push({ command, events, state })
  }
  return moments
}

/** Long enough that steps meet each other: unasked, a list has 10 at most. */
const long = { arbitrary: { size: 120 } }

const keepsLaws = laws(shipment, orderId)

describe("laws", () => {
  it.prop(
    "deciding twice adds nothing but a refusal",
    [Steps],
    ([steps]) => {
      for (const { command, state } of live(steps)) {
        const again = tags(decided(state, command)).filter((tag) => tag !== "CreateRefused")
        assert.deepStrictEqual(again, [], command._tag)
      }
    },
    long
  )

  it.prop(
    "what was cancelled is never dispatched, and what was delivered was",
    [Steps],
    ([steps]) => {
      for (const { state } of live(steps)) {
        assert.isFalse(state.cancel === "done" && state.dispatched)
        assert.isTrue(!state.delivered || state.dispatched)
      }
    },
    long
  )

  it.prop(
    "the order is told of each movement once, in order",
    [Steps],
    ([steps]) => {
      const moments = live(steps)
      const moved = moments.flatMap(({ events }) =>
        tags(events).filter((tag) => ["Dispatched", "Delivered", "ReturnReceived"].includes(tag))
      )
      let state = moments.at(-1)?.state ?? ShipmentState.initial
      const reported = moments.flatMap(({ events }) =>
        events.flatMap((event) => (event._tag === "OrderTold" ? [event.key] : []))
      )
      for (let pendingStep = ShipmentState.next(state); pendingStep !== null; pendingStep = ShipmentState.next(state)) {
        if (pendingStep._tag === "TellOrder") reported.push(pendingStep.key)
        state = after(state, answer(pendingStep))
      }
      assert.strictEqual(new Set(reported).size, reported.length)
      const name = { dispatched: "Dispatched", delivered: "Delivered", return_received: "ReturnReceived" } as const
      assert.deepStrictEqual(
        reported.map((key) => name[key.split(":")[2] as keyof typeof name]),
        moved
      )
    },
    long
  )

  it.prop(
    "whatever step is pending has a timer, and ends once it is answered",
    [Steps],
    ([steps]) => {
      for (const { state } of live(steps)) {
        assert.strictEqual(ShipmentState.next(state) === null, ShipmentState.dueAt(state) === null)
        let end = state
        for (let pendingStep = ShipmentState.next(end); pendingStep !== null; pendingStep = ShipmentState.next(end)) {
          end = after(end, answer(pendingStep))
          assert.notStrictEqual(ShipmentState.next(end)?.key, pendingStep.key)
        }
        assert.isTrue(end.cancel !== "asked" && end.booking !== "asked")
      }
    },
    long
  )

  it.prop("notices in any order and number leave one shipment", [Schema.Array(Schema.Boolean)], ([order]) => {
    const booked = answered(all(create))
    const notices = [...order.map((isDelivery) => (isDelivery ? delivered : dispatched)), dispatched, delivered]
    const end = notices.reduce((state, one) => after(state, one), booked)
    assert.deepStrictEqual(end, after(after(booked, dispatched), delivered))
  })

  it.prop(
    "the laws of every domain hold",
    [Steps],
    ([steps]) => {
      keepsLaws(live(steps).map(({ command }) => ({ command, now: 0 })))
    },
    long
  )
})

describe("a shipment", () => {
  const booked = answered(all(create))

  it("is booked once, and asks the carrier until it has answered", () => {
    const requested = all(create)
    assert.include(ShipmentState.next(requested), { _tag: "Book", key: "eu_1:ship" })
    assert.deepStrictEqual(ShipmentState.createResult(requested), { _tag: "Pending" })
    assert.deepStrictEqual(ShipmentState.createResult(booked), { _tag: "Booked", trackingNumbers: ["T1"] })
    assert.deepStrictEqual(decided(booked, create), [])
    assert.deepStrictEqual(ShipmentState.createResult(answered(requested, false)), {
      _tag: "Refused",
      reason: "no_service"
    })
  })

  it("is cancelled at the carrier if it was booked there", () => {
    const cancelling = after(booked, cancel)
    assert.include(ShipmentState.next(cancelling), { _tag: "Cancel", shipmentId: "s1" })
    assert.deepStrictEqual(ShipmentState.cancelResult(cancelling), { _tag: "Pending" })
    assert.strictEqual(statusOf(cancelling), "cancelling")
    assert.deepStrictEqual(ShipmentState.cancelResult(answered(cancelling)), { _tag: "Cancelled" })
    assert.deepStrictEqual(ShipmentState.cancelResult(answered(cancelling, false)), { _tag: "AlreadyDispatched" })
    assert.deepStrictEqual(ShipmentState.cancelResult(after(after(booked, dispatched), cancel)), {
      _tag: "AlreadyDispatched"
    })
  })

  it("that is being booked is cancelled once the carrier has answered", () => {
    const requested = all(create, cancel)
    assert.strictEqual(ShipmentState.next(requested)?._tag, "Book")
    assert.strictEqual(ShipmentState.next(answered(requested))?._tag, "Cancel")
    assert.deepStrictEqual(ShipmentState.cancelResult(answered(requested, false)), { _tag: "Cancelled" })
  })

  it("that was cancelled before it was asked for is not booked any more", () => {
    const early = all(cancel)
    assert.deepStrictEqual(ShipmentState.cancelResult(early), { _tag: "Cancelled" })
    assert.deepStrictEqual(tags(decided(early, create)), ["CreateRefused"])
    assert.deepStrictEqual(ShipmentState.createResult(after(early, create)), { _tag: "Refused", reason: "cancelled" })
  })

  it("takes down a dispatch after its cancellation, once", () => {
    const cancelled = answered(after(booked, cancel))
    assert.deepStrictEqual(tags(decided(cancelled, dispatched)), ["NoticeContradicts"])
    const noted = after(cancelled, dispatched)
    assert.strictEqual(statusOf(noted), "cancelled")
    assert.deepStrictEqual(decided(noted, dispatched), [])
  })

  it("that leaves while it is being cancelled was too late to cancel", () => {
    const cancelling = after(booked, cancel)
    const gone = after(cancelling, dispatched)
    assert.deepStrictEqual(ShipmentState.cancelResult(gone), { _tag: "AlreadyDispatched" })
    assert.deepStrictEqual(tags(decided(gone, answer(ShipmentState.next(cancelling)!, true))), ["NoticeContradicts"])
    assert.deepStrictEqual(decided(gone, answer(ShipmentState.next(cancelling)!, false)), [])
  })

  it("may leave before the booking is answered", () => {
    const early = after(all(create), dispatched)
    assert.strictEqual(ShipmentState.next(early)?._tag, "TellOrder")
    const reported = answered(early)
    assert.strictEqual(ShipmentState.next(reported)?._tag, "Book")
    assert.deepStrictEqual(ShipmentState.createResult(answered(reported)), { _tag: "Booked", trackingNumbers: ["T1"] })
  })

  it("comes back with a label, and the order hears when it is received", () => {
    const gone = answered(after(booked, dispatched))
    const requested = after(gone, collect(1))
    assert.include(ShipmentState.next(requested), { _tag: "Label", key: "eu_1:return:r1", returnId: "r1" })
    assert.deepStrictEqual(ShipmentState.collectResult(requested, "r1"), { _tag: "Pending" })
    const labelled = answered(requested)
    assert.deepStrictEqual(ShipmentState.collectResult(labelled, "r1"), { _tag: "Labelled", label: "L1" })
    const back = after(labelled, notice("return.received", "r1"))
    assert.include(ShipmentState.next(back), { what: "return_received", returnId: "r1" })
    assert.deepStrictEqual(decided(back, notice("return.received", "r1")), [])
    assert.deepStrictEqual(tags(decided(labelled, notice("return.received", "r2"))), ["NoticeContradicts"])
  })

  it("does not come back before it has left, nor more often than is allowed", () => {
    const refused = { _tag: "Refused", reason: "not_dispatched" } as const
    assert.deepStrictEqual(ShipmentState.collectResult(after(booked, collect(1)), "r1"), refused)
    let state = after(booked, dispatched)
    for (let key = 0; key < ShipmentState.returnsMax; key++) state = after(state, collect(key))
    assert.deepStrictEqual(tags(decided(state, collect(999))), ["CollectRefused"])
    assert.deepStrictEqual(ShipmentState.collectResult(after(state, collect(999)), "r999"), {
      _tag: "Refused",
      reason: "too_many_returns"
    })
  })

  it("that nobody asked for is not found", () => {
    for (const command of [dispatched, collect(1)]) {
      assert.isTrue(Result.isFailure(ShipmentState.decide(ShipmentState.initial, command, 0)))
    }
  })
})
