import type { Origin } from "@halles/shared/Command"
import type { CommandId, OrderId } from "@halles/shared/Ids"
import type { Currency } from "@halles/shared/Money"
import { Result } from "effect"
import { NotFound } from "@halles/engine/eventsourced/EntityErrors"
import type { Handled } from "@halles/engine/eventsourced/Kind"
import { done as nothing, viewReply } from "@halles/engine/eventsourced/Replies"
import {
  type Authorise,
  type Capture,
  captureKey,
  entriesMax,
  type GatewayNotice,
  type Outcome,
  PaymentView,
  type Refund,
  type Void
} from "./Payment.ts"
import type { TimerFired } from "@halles/engine/eventsourced/TimerFired"
import { type Entry, evolve, type Event, type Kind, type Message, noticesMax, type State } from "./PaymentEvents.ts"

export { Event, evolve, initial, State } from "./PaymentEvents.ts"

export const type = "Payment"
export const version = 1

/** A step that is still pending after this is sent again, on whatever runner the shard then is. */
const redriveMs = 5_000

/** What the gateway answered to the pending operation; made by `PaymentLive`. */
export interface RecordOutcome {
  readonly _tag: "RecordOutcome"
  readonly commandId: CommandId
  readonly origin?: Origin
  readonly reference: string
  readonly answer: Answer
}
export type Answer =
  | { readonly _tag: "Done"; readonly authorisationId: string | null }
  | { readonly _tag: "Refused"; readonly reason: string }

/** The order took a message; made by `PaymentLive`. */
export interface NoteTold {
  readonly _tag: "NoteTold"
  readonly commandId: CommandId
  readonly origin?: Origin
  readonly key: string
}

export type Command = Authorise | Capture | Void | Refund | GatewayNotice | RecordOutcome | NoteTold | TimerFired
export type Refusal = NotFound

/** One operation at the gateway, under its own reference, or a message to the order. */
export type PendingStep =
  | ({ readonly _tag: "TellOrder"; readonly orderId: OrderId } & Omit<Message, "at">)
  | {
      readonly _tag: "Authorise"
      readonly key: string
      readonly orderId: OrderId
      readonly amount: number
      readonly currency: Currency
      readonly token: string
    }
  | {
      readonly _tag: "Capture" | "Refund" | "Void"
      readonly key: string
      readonly authorisationId: string
      readonly amount: number
    }

/** Of the one authorisation that a payment has. */
export const authoriseReference = (orderId: OrderId): string => `${orderId}:authorise`

const isCaptureReference = (orderId: OrderId, reference: string): boolean =>
  reference === `${orderId}:${captureKey}` || reference.startsWith(`${orderId}:${captureKey}:`)

type Decided = Result.Result<ReadonlyArray<Event>, Refusal>

export const decide = (state: State, command: Command, now: number): Decided => {
  switch (command._tag) {
    case "Authorise":
      return Result.succeed(authorise(state, command, now))
    case "Void": {
      const first = command.authorisation === undefined ? [] : authorise(state, command.authorisation, now)
      return Result.succeed([...first, ...operate(first.reduce(evolve, state), command, now)])
    }
    case "Capture":
    case "Refund":
      return Result.succeed(operate(state, command, now))
    case "RecordOutcome": {
      const entry = state.ledger.find(
        ({ reference, status }) => status === "requested" && reference === command.reference
      )
      return Result.succeed(entry === undefined ? [] : answered(state, entry, command.answer, now))
    }
    case "GatewayNotice":
      if (isTooEarly(state, command)) return Result.fail(new NotFound({ entity: type, id: "" }))
      return Result.succeed(state.notices.includes(command.eventId) ? [] : noticed(state, command, now))
    case "NoteTold": {
      const { key } = command
      return Result.succeed(state.messages.some((one) => one.key === key) ? [{ _tag: "OrderTold", key, at: now }] : [])
    }
    case "TimerFired":
      return Result.succeed([])
  }
}

/** The order asks again, under the reference by which the gateway knows it: what became of it goes into the same row. */
export const isDeferred = (_: State, events: ReadonlyArray<Event>): boolean =>
  events.length === 1 && (events[0]!._tag === "AuthoriseRequested" || events[0]!._tag === "CaptureRequested")

/** A payment has one authorisation: asked again, for whatever amount, it answers with the one it has. */
const authorise = (
  state: State,
  { amount, currency, orderId, token }: NonNullable<Void["authorisation"]>,
  now: number
): ReadonlyArray<Event> => {
  if (state.request !== null) return []
  const reference = authoriseReference(orderId)
  const requested: Event = { _tag: "AuthoriseRequested", reference, orderId, amount, currency, token, at: now }
  if (isOpen(state, "void")) return [requested, { _tag: "Declined", reference, reason: "voided", at: now }]
  if (amount > 0) return [requested]
  return [requested, { _tag: "Authorised", reference, amount, authorisationId: null, at: now }]
}

const operate = (state: State, command: Capture | Void | Refund, now: number): ReadonlyArray<Event> => {
  const { _tag, reference } = command
  if (entryOf(state, kindOf[_tag], reference) !== undefined) return []
  const amount = command._tag === "Void" ? outstanding(state) : command.amount
  const about = { reference, amount, at: now }
  const reason = objection(state, kindOf[_tag], about)
  if (reason !== null) return [{ _tag: `${_tag}Refused`, ...about, reason }]
  const requested: Event = { _tag: `${_tag}Requested`, ...about }
  return needsGateway(state, command) ? [requested] : [requested, { _tag: doneTag[_tag], ...about }]
}

const kindOf = { Capture: "capture", Void: "void", Refund: "refund" } as const
const doneTag = { Capture: "Captured", Void: "Voided", Refund: "Refunded" } as const

/** Why we refuse an operation ourselves: `captured <= authorised`, and `refunded + charged back <= captured`. */
const objection = (
  state: State,
  kind: "capture" | "void" | "refund",
  { amount, reference }: { readonly amount: number; readonly reference: string }
): string | null => {
  const operations = state.ledger.filter(({ kind }) => kind !== "chargeback" && kind !== "chargeback_reversal")
  if (operations.length >= entriesMax) return "ledger_full"
  if (operations.some((entry) => entry.reference === reference)) return "reference_reused"
  switch (kind) {
    case "capture":
      if (isOpen(state, "void")) return "voided"
      if (authorisation(state)?.status !== "succeeded") return "not_authorised"
      return claimed(state, "capture") + amount > done(state, "authorise") ? "exceeds_authorised" : null
    case "void":
      return isOpen(state, "capture") ? "captured" : null
    case "refund":
      return amount > refundable(state) ? exceedsCaptured : null
  }
}
const exceedsCaptured = "exceeds_captured"
/** What the cardholder has not been given back yet, by us or by a bank. */
const refundable = (state: State): number => done(state, "capture") - claimed(state, "refund") - disputed(state)

/**
 * No, when there is no money in it. A void waits for the answer to the authorisation, if that is under way, and for the
 * void that is under way, if there is one.
 */
const needsGateway = (state: State, command: Capture | Void | Refund): boolean => {
  if (command._tag !== "Void") return command.amount > 0 && state.authorisationId !== null
  const status = authorisation(state)?.status
  if (status === "requested") return true
  return status === "succeeded" && state.authorisationId !== null && !isVoided(state)
}

/** The events of a known outcome; what waited for it is decided with it. */
const answered = (state: State, entry: Entry, answer: Answer, at: number): ReadonlyArray<Event> => {
  const { amount, kind, reference } = entry
  const failed = { reference, reason: answer._tag === "Refused" ? answer.reason : "", at }
  const isDone = answer._tag === "Done"
  switch (kind) {
    case "authorise": {
      if (isDone) return [{ _tag: "Authorised", reference, amount, authorisationId: answer.authorisationId, at }]
      const voids = waitingVoids(state).map((one): Event => ({
        _tag: "Voided",
        reference: one.reference,
        amount: 0,
        at
      }))
      return [{ _tag: "Declined", ...failed }, ...voids]
    }
    case "capture":
      return [isDone ? { _tag: "Captured", reference, amount, at } : { _tag: "CaptureFailed", ...failed }]
    case "refund":
      return [isDone ? { _tag: "Refunded", reference, amount, at } : { _tag: "RefundFailed", ...failed }]
    case "void":
      return waitingVoids(state).map(({ amount, reference }): Event =>
        isDone ? { _tag: "Voided", reference, amount, at } : { _tag: "VoidFailed", ...failed, reference }
      )
    case "chargeback":
    case "chargeback_reversal":
      return []
  }
}

/**
 * Whether a notice tells of an operation that the payment does not know: its request was deferred, and may have been lost in a
 * crash. The payment refuses the notice, and the gateway sends it again; by then the order has asked again.
 */
const isTooEarly = ({ ledger, request }: State, { reference, type }: GatewayNotice): boolean =>
  ledger.length === 0 ||
  (type === "payment.captured" &&
    request !== null &&
    isCaptureReference(request.orderId, reference) &&
    !ledger.some((entry) => entry.reference === reference))

const noticeOf = {
  "payment.authorised": { kind: "authorise", isDone: true },
  "payment.declined": { kind: "authorise", isDone: false },
  "payment.captured": { kind: "capture", isDone: true },
  "payment.voided": { kind: "void", isDone: true },
  "payment.refunded": { kind: "refund", isDone: true }
} as const

/**
 * The first word on an operation is its outcome, whether it comes as the answer or as a webhook; a repeat of it changes
 * nothing, and a different one is taken down as a contradiction.
 */
const noticed = (state: State, notice: GatewayNotice, at: number): ReadonlyArray<Event> => {
  const { amount, authorisationId, eventId, reference } = notice
  const contradiction: Event = { _tag: "NoticeContradicts", reference, amount, eventId, type: notice.type, at }
  if (notice.type === "payment.charged_back" || notice.type === "payment.dispute_won") {
    const isWon = notice.type === "payment.dispute_won"
    const kind = isWon ? "chargeback_reversal" : "chargeback"
    const isFull = state.ledger.filter((entry) => entry.kind === kind).length >= noticesMax
    const isTooMuch = isWon && amount > takenBack(state, reference) && takenBack(state, reference) > 0
    if (isFull || isTooMuch) return [contradiction]
    return [{ _tag: isWon ? "DisputeWon" : "ChargedBack", reference, amount, eventId, at }]
  }
  const { isDone, kind } = noticeOf[notice.type]
  const entry = entryOf(state, kind, reference)
  if (entry === undefined) return [contradiction]
  if (isDone && kind !== "void" && amount !== entry.amount) return [contradiction]
  if (entry.status !== "requested") return (entry.status === "succeeded") === isDone ? [] : [contradiction]
  if (!isDone) return answered(state, entry, { _tag: "Refused", reason: notice.reason ?? "declined" }, at)
  if (kind === "authorise" && authorisationId === null) return [contradiction]
  return answered(state, entry, { _tag: "Done", authorisationId }, at)
}

const entryOf = (state: State, kind: Kind, reference: string): Entry | undefined =>
  state.ledger.find((entry) => entry.kind === kind && entry.reference === reference)
const authorisation = (state: State): Entry | undefined => state.ledger.find(({ kind }) => kind === "authorise")
const waitingVoids = (state: State): ReadonlyArray<Entry> =>
  state.ledger.filter(({ kind, status }) => kind === "void" && status === "requested")
const isVoided = (state: State): boolean =>
  state.ledger.some(({ kind, status }) => kind === "void" && status === "succeeded")
/** Done or under way. */
const isOpen = (state: State, kind: Kind): boolean =>
  state.ledger.some((entry) => entry.kind === kind && entry.status !== "failed")
const done = (state: State, kind: Kind): number =>
  state.ledger.reduce((sum, one) => (one.kind === kind && one.status === "succeeded" ? sum + one.amount : sum), 0)
const claimed = (state: State, kind: Kind): number =>
  state.ledger.reduce((sum, one) => (one.kind === kind && one.status !== "failed" ? sum + one.amount : sum), 0)
/** What is left of a chargeback; below zero when it was given back before we heard of it. */
const takenBack = ({ ledger }: State, reference: string): number =>
  ledger.reduce((sum, entry) => {
    if (entry.reference !== reference) return sum
    if (entry.kind === "chargeback") return sum + entry.amount
    return entry.kind === "chargeback_reversal" ? sum - entry.amount : sum
  }, 0)
/** What cardholders' banks took back and did not give again. */
export const disputed = (state: State): number => {
  const references = new Set(state.ledger.filter(({ kind }) => kind === "chargeback").map((entry) => entry.reference))
  return [...references].reduce((sum, reference) => sum + Math.max(0, takenBack(state, reference)), 0)
}
/** What a void would give back. */
const outstanding = (state: State): number => (isVoided(state) ? 0 : claimed(state, "authorise"))

const kinds = { capture: "Capture", void: "Void", refund: "Refund" } as const

/**
 * The pending steps, with the time since when: operations without an answer, and what the order has not heard, which do not wait
 * for each other. Only the authorisation comes before all else, since the others need its id.
 */
const pendingSteps = (state: State): ReadonlyArray<readonly [step: PendingStep, since: number]> => {
  const { authorisationId, ledger, messages, request } = state
  if (request === null) return []
  const first = authorisation(state)
  if (first?.status === "requested") {
    return [[{ _tag: "Authorise", key: first.reference, amount: first.amount, ...request }, first.at]]
  }
  const operations = ledger.flatMap(({ amount, at, kind, reference: key, status }) => {
    const isPending = status === "requested" && (kind === "capture" || kind === "void" || kind === "refund")
    return isPending && authorisationId !== null
      ? [[{ _tag: kinds[kind], key, amount, authorisationId }, at] as const]
      : []
  })
  const reports = messages
    .slice(0, 1)
    .map(({ at, ...message }) => [{ _tag: "TellOrder", orderId: request.orderId, ...message }, at] as const)
  return [...operations, ...reports]
}

/** The order has the id of its payment, and so its shard. */
export const isJoint = ({ _tag }: PendingStep): boolean => _tag === "TellOrder"

export const next = (state: State): PendingStep | null => pendingSteps(state)[0]?.[0] ?? null
export const others = (state: State): ReadonlyArray<PendingStep> =>
  pendingSteps(state)
    .slice(1)
    .map(([step]) => step)

export const dueAt = (state: State): number | null => {
  const first = pendingSteps(state)[0]
  return first === undefined ? null : first[1] + redriveMs
}

/** What became of the operation; one that the state does not know was refused because the ledger is full. */
export const outcomeOf = (state: State, kind: Kind, reference: string): Outcome => {
  const entry = entryOf(state, kind, reference)
  if (entry === undefined) return { _tag: "Refused", reason: "ledger_full" }
  switch (entry.status) {
    case "requested":
      return { _tag: "Pending" }
    case "succeeded":
      return { _tag: "Done", amount: entry.amount }
    case "failed": {
      const reason = entry.reason ?? "refused"
      return kind === "refund" && reason === exceedsCaptured
        ? { _tag: "Refused", reason, refundable: Math.max(0, refundable(state)) }
        : { _tag: "Refused", reason }
    }
  }
}

const statusOf = (state: State): PaymentView["status"] => {
  const status = authorisation(state)?.status
  if (status === "failed") return "declined"
  if (status !== "succeeded") return "pending"
  if (isVoided(state)) return "voided"
  const isCaptured = state.ledger.some((entry) => entry.kind === "capture" && entry.status === "succeeded")
  if (!isCaptured) return "authorised"
  const captured = done(state, "capture")
  return captured > 0 && done(state, "refund") === captured ? "refunded" : "captured"
}

/** `null` until the payment was asked for. */
export const view = (state: State, seq: number): PaymentView | null => {
  if (state.request === null) return null
  const { currency, orderId } = state.request
  return new PaymentView(
    {
      orderId,
      currency,
      authorised: done(state, "authorise"),
      captured: done(state, "capture"),
      refunded: done(state, "refund"),
      disputed: disputed(state),
      status: statusOf(state),
      ledger: state.ledger,
      seq
    },
    { disableChecks: true }
  )
}

const outcome =
  <Message>(
    kind: "authorise" | "capture" | "void" | "refund",
    referenceOf: (id: OrderId, message: Message) => string
  ) =>
  (id: OrderId, { state }: Handled<State, Event>, message: Message) =>
    Result.succeed(outcomeOf(state, kind, referenceOf(id, message)))

export const replies = {
  Authorise: outcome<Authorise>("authorise", authoriseReference),
  Capture: outcome<Capture>("capture", (_id, { reference }) => reference),
  Void: outcome<Void>("void", (_id, { reference }) => reference),
  Refund: outcome<Refund>("refund", (_id, { reference }) => reference),
  GatewayNotice: nothing,
  View: viewReply(type, (_id: OrderId, state: State, seq) => view(state, seq))
}
