import { assert, describe, it } from "@effect/vitest"
import { CommandId, OrderId } from "@halles/shared/Ids"
import { Result, Schema } from "effect"
import { evolved, type Model } from "@halles/engine/eventsourced/Model"
import { Authorise, Capture, entriesMax, GatewayNotice, Refund, Void } from "./Payment.ts"
import { laws } from "../../test/Laws.ts"
import { payment } from "./PaymentDomain.ts"
import * as PaymentState from "./PaymentState.ts"
import { TimerFired } from "@halles/engine/eventsourced/TimerFired"

const model: Model<
  PaymentState.State,
  PaymentState.Command,
  PaymentState.Event,
  PaymentState.Refusal,
  PaymentState.PendingStep
> = PaymentState

const commandId = CommandId.make("c")
const orderId = OrderId.make("eu_1")
const first = PaymentState.authoriseReference(orderId)

const authorise = (amount: number) => new Authorise({ commandId, orderId, amount, currency: "GBP", token: "tok_ok" })
const capture = (reference: string, amount: number) => new Capture({ commandId, reference, amount })
const refund = (reference: string, amount: number) => new Refund({ commandId, reference, amount })
const voided = (reference: string) => new Void({ commandId, reference })
const timerFired = new TimerFired({ commandId })
const notice = (type: GatewayNotice["type"], reference: string, amount: number, eventId = `${type}:${reference}`) =>
  new GatewayNotice({ commandId, eventId, type, reference, authorisationId: "auth_1", amount })
const answer = (reference: string, isDone = true): PaymentState.RecordOutcome => ({
  _tag: "RecordOutcome",
  commandId,
  reference,
  answer: isDone ? { _tag: "Done", authorisationId: "auth_1" } : { _tag: "Refused", reason: "declined" }
})

const reported = (key: string): PaymentState.NoteTold => ({ _tag: "NoteTold", commandId, key })

const decided = (state: PaymentState.State, command: PaymentState.Command, now = 0) =>
  Result.getOrElse(model.decide(state, command, now), () => [])
const after = (state: PaymentState.State, command: PaymentState.Command, now = 0) =>
  evolved(model, state, decided(state, command, now), 1)
const all = (...commands: ReadonlyArray<PaymentState.Command>) =>
  commands.reduce((state, command) => after(state, command), PaymentState.initial)
const tags = (events: ReadonlyArray<PaymentState.Event>) => events.map(({ _tag }) => _tag)
const toView = (state: PaymentState.State) => PaymentState.view(state, 1)!
const sum = (numbers: ReadonlyArray<number>) => numbers.reduce((total, one) => total + one, 0)

/** An operation of few references and amounts; `luck` is what the gateway makes of it, and `channel` how we hear of that. */
const Step = Schema.Struct({
  kind: Schema.Literals(["Authorise", "Capture", "Capture", "Refund", "Refund", "Void", "ChargeBack", "Win"]),
  reference: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 4 })),
  amount: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 9 })),
  luck: Schema.Boolean,
  channel: Schema.Literals(["answer", "notice", "both", "twice", "late", "none"])
})
const Steps = Schema.Array(Step).check(Schema.isMaxLength(30))

const commandOf = ({ amount, kind, reference }: typeof Step.Type): PaymentState.Command => {
  switch (kind) {
    case "Authorise":
      return authorise(amount * 4)
    case "Capture":
      return capture(`capture-${reference}`, amount)
    case "Refund":
      return refund(`refund-${reference}`, amount)
    case "Void":
      return voided(`void-${reference}`)
    case "ChargeBack":
      return notice("payment.charged_back", `dispute-${reference}`, reference + 1)
    case "Win":
      return notice("payment.dispute_won", `dispute-${reference}`, reference + 1)
  }
}

const typeOf = { Authorise: "authorised", Capture: "captured", Void: "voided", Refund: "refunded" } as const
/** The webhook of the pending operation; the gateway sends none for a change that it refused. */
const webhookOf = (
  { _tag, amount, key }: Exclude<PaymentState.PendingStep, { _tag: "TellOrder" }>,
  isDone: boolean
): GatewayNotice | null => {
  if (isDone) return notice(`payment.${typeOf[_tag]}`, key, amount)
  if (_tag !== "Authorise") return null
  return new GatewayNotice({ ...notice("payment.declined", key, amount), authorisationId: null, reason: "declined" })
}

/** All states that the steps lead to; `channelOf` says how each outcome arrives. */
const live = (steps: typeof Steps.Type, channelOf: (step: typeof Step.Type) => (typeof Step.Type)["channel"]) => {
  const moments: Array<{
    command: PaymentState.Command
    events: ReadonlyArray<PaymentState.Event>
    state: PaymentState.State
  }> = []
  const late: Array<GatewayNotice> = []
  let state = PaymentState.initial
  const send = (command: PaymentState.Command) => {
    const events = decided(state, command)
    state = events.reduce(PaymentState.evolve, state)
    moments.push({ command, events, state })
  }
  for (const step of steps) {
    send(commandOf(step))
    const channel = channelOf(step)
    if (channel === "none") continue
    for (let pendingStep = PaymentState.next(state); pendingStep !== null; pendingStep = PaymentState.next(state)) {
      if (pendingStep._tag === "TellOrder") {
        send(reported(pendingStep.key))
        continue
      }
      const webhook = webhookOf(pendingStep, step.luck)
      if (webhook !== null && channel !== "answer" && channel !== "late") send(webhook)
      if (webhook !== null && channel === "twice") send(webhook)
      if (webhook !== null && channel === "late") late.push(webhook)
      if (webhook === null || channel !== "notice") send(answer(pendingStep.key, step.luck))
    }
  }
  for (const webhook of late.toReversed()) send(webhook)
  return { moments, state }
}
const asStepped = (step: typeof Step.Type) => step.channel

/** Long enough that steps meet each other: unasked, a list has 10 at most. */
const long = { arbitrary: { size: 120 } }

const keepsLaws = laws(payment, orderId)

describe("laws", () => {
  it.prop(
    "I3: captured <= authorised and refunded <= captured, whatever comes",
    [Steps],
    ([steps]) => {
      for (const { state } of live(steps, asStepped).moments) {
        const of = (kind: string) =>
          sum(state.ledger.map((one) => (one.kind === kind && one.status === "succeeded" ? one.amount : 0)))
        assert.isTrue(of("capture") <= of("authorise"))
        assert.isTrue(of("refund") <= of("capture"))
        assert.isFalse(of("void") > 0 && of("capture") > 0)
      }
    },
    long
  )

  it.prop(
    "the ledger is append-only, and an outcome is final",
    [Steps],
    ([steps]) => {
      let before = PaymentState.initial.ledger
      for (const { state } of live(steps, asStepped).moments) {
        for (const [index, entry] of before.entries()) {
          const now = state.ledger[index]!
          if (entry.status !== "requested") assert.strictEqual(now, entry)
          assert.deepStrictEqual({ ...now, status: entry.status, reason: entry.reason }, entry)
        }
        before = state.ledger
      }
    },
    long
  )

  it.prop(
    "deciding twice adds nothing",
    [Steps],
    ([steps]) => {
      for (const { command, state } of live(steps, asStepped).moments)
        assert.deepStrictEqual(decided(state, command), [])
    },
    long
  )

  it.prop(
    "answers and webhooks in any order, twice or late, give one ledger",
    [Steps],
    ([steps]) => {
      const heard = steps.filter(({ channel }) => channel !== "none")
      const { moments, state } = live(heard, asStepped)
      assert.deepStrictEqual(state.ledger, live(heard, () => "answer").state.ledger)
      const contradictions = moments.flatMap(({ events }) => tags(events)).filter((tag) => tag === "NoticeContradicts")
      assert.deepStrictEqual(contradictions, [])
    },
    long
  )

  it.prop(
    "a pending step has a timer, and ends once the gateway has answered",
    [Steps],
    ([steps]) => {
      for (const { state } of live(steps, asStepped).moments) {
        assert.strictEqual(PaymentState.next(state) === null, PaymentState.dueAt(state) === null)
        let end = state
        for (let pendingStep = PaymentState.next(end); pendingStep !== null; pendingStep = PaymentState.next(end)) {
          const next = after(
            end,
            pendingStep._tag === "TellOrder" ? reported(pendingStep.key) : answer(pendingStep.key)
          )
          assert.notStrictEqual(PaymentState.next(next)?.key, pendingStep.key)
          end = next
        }
        assert.isTrue(end.ledger.every(({ status }) => status !== "requested"))
      }
    },
    long
  )

  it.prop(
    "the laws of every domain hold",
    [Steps],
    ([steps]) => {
      keepsLaws(live(steps, asStepped).moments.map(({ command }) => ({ command, now: 0 })))
    },
    long
  )
})

describe("a payment", () => {
  const authorised = all(authorise(100), answer(first))

  it("is authorised once, which is pending until the gateway has answered", () => {
    const requested = all(authorise(100))
    assert.strictEqual(PaymentState.next(requested)?.key, first)
    assert.strictEqual(PaymentState.dueAt(after(PaymentState.initial, authorise(100), 7)), 5_007)
    assert.deepStrictEqual(PaymentState.outcomeOf(requested, "authorise", first), { _tag: "Pending" })
    assert.deepStrictEqual(decided(authorised, authorise(999)), [])
    assert.strictEqual(toView(authorised).status, "authorised")
    assert.strictEqual(toView(all(authorise(100), answer(first, false))).status, "declined")
  })

  it("of nothing needs no gateway", () => {
    const free = all(authorise(0), capture("a", 0), refund("b", 0))
    assert.strictEqual(PaymentState.next(free), null)
    assert.deepStrictEqual(PaymentState.outcomeOf(free, "capture", "a"), { _tag: "Done", amount: 0 })
    assert.strictEqual(toView(all(authorise(0), voided("v"))).status, "voided")
  })

  it("refuses beyond its bounds, as an event with a stable answer", () => {
    assert.deepStrictEqual(tags(decided(authorised, capture("a", 101))), ["CaptureRefused"])
    assert.deepStrictEqual(tags(decided(all(authorise(100)), capture("a", 1))), ["CaptureRefused"])
    const pending = after(authorised, capture("a", 60))
    assert.deepStrictEqual(tags(decided(pending, capture("b", 41))), ["CaptureRefused"])
    assert.deepStrictEqual(tags(decided(pending, refund("r", 1))), ["RefundRefused"])
    const captured = after(pending, answer("a"))
    assert.deepStrictEqual(tags(decided(captured, refund("r", 61))), ["RefundRefused"])
    const refused = after(after(captured, refund("r", 61)), refund("s", 60))
    assert.deepStrictEqual(PaymentState.outcomeOf(refused, "refund", "r"), {
      _tag: "Refused",
      reason: "exceeds_captured",
      refundable: 0
    })
    assert.deepStrictEqual(decided(refused, refund("r", 1)), [])
    assert.deepStrictEqual(tags(decided(captured, refund("a", 1))), ["RefundRefused"])
  })

  it("does not pay back what was charged back", () => {
    const disputed = after(
      after(after(authorised, capture("a", 60)), answer("a")),
      notice("payment.charged_back", "a", 50)
    )
    assert.deepStrictEqual(tags(decided(disputed, refund("r", 11))), ["RefundRefused"])
    assert.deepStrictEqual(tags(decided(disputed, refund("r", 10))), ["RefundRequested"])
    assert.deepStrictEqual(decided(disputed, notice("payment.charged_back", "a", 50)), [])
    const tooMuch = after(disputed, refund("r", 11))
    const refused = { _tag: "Refused", reason: "exceeds_captured", refundable: 10 } as const
    assert.deepStrictEqual(PaymentState.outcomeOf(tooMuch, "refund", "r"), refused)
    assert.strictEqual(toView(disputed).disputed, 50)
  })

  it("pays back again what a bank gives again, and tells the order of both, in their order", () => {
    const captured = after(after(authorised, capture("a", 60)), answer("a"))
    const disputed = after(captured, notice("payment.charged_back", "d", 50))
    const won = after(disputed, notice("payment.dispute_won", "d", 50))
    assert.strictEqual(toView(won).disputed, 0)
    assert.deepStrictEqual(tags(decided(won, refund("r", 60))), ["RefundRequested"])
    const first = PaymentState.next(won)
    assert.deepInclude(first, { _tag: "TellOrder", what: "charged_back", reference: "d", amount: 50 })
    const second = PaymentState.next(after(won, reported(first!.key)))
    assert.deepInclude(second, { _tag: "TellOrder", what: "won", reference: "d", amount: 50 })
    assert.notStrictEqual(second!.key, first!.key)
    assert.isNull(PaymentState.next(after(after(won, reported(first!.key)), reported(second!.key))))
  })

  it("hears that a dispute is won before it hears of it, and no more than was taken", () => {
    const captured = after(after(authorised, capture("a", 60)), answer("a"))
    const early = after(captured, notice("payment.dispute_won", "d", 50))
    assert.strictEqual(toView(after(early, notice("payment.charged_back", "d", 50))).disputed, 0)
    const disputed = after(captured, notice("payment.charged_back", "d", 50))
    assert.deepStrictEqual(tags(decided(disputed, notice("payment.dispute_won", "d", 51))), ["NoticeContradicts"])
  })

  it("has operations without an answer that do not wait for each other", () => {
    const captured = after(after(authorised, capture("a", 60)), answer("a"))
    const both = after(after(captured, refund("r", 10)), refund("s", 10))
    assert.strictEqual(PaymentState.next(both)?.key, "r")
    assert.deepStrictEqual(
      PaymentState.others(both).map(({ key }) => key),
      ["s"]
    )
  })

  it("is voided without the gateway when there is nothing to give back", () => {
    assert.deepStrictEqual(tags(decided(all(authorise(100), answer(first, false)), voided("v"))), [
      "VoidRequested",
      "Voided"
    ])
    assert.deepStrictEqual(tags(decided(PaymentState.initial, voided("v"))), ["VoidRequested", "Voided"])
    const twice = all(authorise(100), answer(first), voided("v"), answer("v"))
    assert.deepStrictEqual(tags(decided(twice, voided("w"))), ["VoidRequested", "Voided"])
  })

  it("that was voided before it was asked for is not authorised any more", () => {
    const late = all(voided("v"), authorise(100))
    assert.strictEqual(PaymentState.next(late), null)
    assert.deepStrictEqual(PaymentState.outcomeOf(late, "authorise", first), { _tag: "Refused", reason: "voided" })
  })

  it("that may have been asked for without its knowledge is asked for again, and then voided", () => {
    const { amount, currency, token } = authorise(100)
    const unknown = new Void({ commandId, reference: "v", authorisation: { orderId, amount, currency, token } })
    const state = after(PaymentState.initial, unknown)
    assert.deepInclude(PaymentState.next(state), { _tag: "Authorise", key: first, amount: 100 })
    const authorised = after(state, answer(first))
    assert.deepInclude(PaymentState.next(authorised), { _tag: "Void", key: "v", authorisationId: "auth_1" })
    assert.strictEqual(toView(after(authorised, answer("v"))).status, "voided")
    assert.strictEqual(PaymentState.next(after(state, answer(first, false))), null)
    assert.deepStrictEqual(tags(decided(all(authorise(100)), unknown)), ["VoidRequested"])
  })

  it("remembers a void until the authorisation is answered", () => {
    const waiting = all(authorise(100), voided("v"))
    assert.strictEqual(PaymentState.next(waiting)?.key, first)
    const granted = after(waiting, answer(first))
    assert.include(PaymentState.next(granted), { _tag: "Void", key: "v", authorisationId: "auth_1" })
    assert.deepStrictEqual(tags(decided(granted, capture("a", 1))), ["CaptureRefused"])
    assert.deepStrictEqual(tags(decided(waiting, answer(first, false))), ["Declined", "Voided"])
  })

  it("refuses a void once money is taken", () => {
    assert.deepStrictEqual(tags(decided(after(authorised, capture("a", 1)), voided("v"))), ["VoidRefused"])
    const failed = after(after(authorised, capture("a", 1)), answer("a", false))
    assert.deepStrictEqual(tags(decided(failed, voided("v"))), ["VoidRequested"])
  })

  it("defers what it asks the gateway for where the order asks again, and refuses a notice of it that it knows nothing of yet", () => {
    const reference = `${orderId}:capture`
    const requested = decided(authorised, capture(reference, 60))
    assert.isTrue(PaymentState.isDeferred(authorised, requested))
    assert.isTrue(PaymentState.isDeferred(PaymentState.initial, decided(PaymentState.initial, authorise(100))))
    const captured = after(after(authorised, capture(reference, 60)), answer(reference))
    for (const [state, command] of [
      [authorised, capture(reference, 0)],
      [authorised, voided("v")],
      [captured, refund("r", 10)]
    ] as const) {
      assert.isFalse(PaymentState.isDeferred(state, decided(state, command)), command._tag)
    }
    for (const early of [reference, `${reference}:2`]) {
      assert.isTrue(Result.isFailure(PaymentState.decide(authorised, notice("payment.captured", early, 60), 0)))
    }
    const asked = after(authorised, capture(reference, 60))
    assert.deepStrictEqual(tags(decided(asked, notice("payment.captured", reference, 60))), ["Captured"])
    assert.deepStrictEqual(decided(captured, notice("payment.captured", reference, 60)), [])
  })

  it("takes down a notice that contradicts, once, and leaves the ledger", () => {
    const contradicting = [
      notice("payment.declined", first, 100),
      notice("payment.authorised", first, 99),
      notice("payment.captured", "unheard-of", 5)
    ]
    for (const one of contradicting) {
      assert.deepStrictEqual(tags(decided(authorised, one)), ["NoticeContradicts"])
      const noted = after(authorised, one)
      assert.deepStrictEqual(noted.ledger, authorised.ledger)
      assert.deepStrictEqual(decided(noted, one), [])
    }
    assert.isTrue(Result.isFailure(PaymentState.decide(PaymentState.initial, contradicting[0]!, 0)))
  })

  it("has so many entries and no more", () => {
    let state = after(after(authorised, capture("a", 100)), answer("a"))
    for (let key = state.ledger.length; key < entriesMax; key++) state = after(state, refund(`r${key}`, 0))
    const full = after(state, refund("more", 0))
    assert.deepStrictEqual(tags(decided(state, refund("more", 0))), ["RefundRefused"])
    assert.deepStrictEqual(PaymentState.outcomeOf(full, "refund", "more"), { _tag: "Refused", reason: "ledger_full" })
    assert.strictEqual(full.ledger.length, entriesMax)
  })

  it("does nothing when its timer fires: a pending step is sent again by the event-sourced entity", () => {
    assert.deepStrictEqual(decided(all(authorise(100)), timerFired, 9_000), [])
  })
})
