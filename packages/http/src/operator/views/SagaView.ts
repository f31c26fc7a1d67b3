import { nameOf, type Ref, type Row } from "@halles/entities/inspector/Histories"
import type { Now } from "@halles/entities/Domain"
import type { RefusedStep } from "@halles/entities/order/Order"
import type { Actor } from "@halles/engine/activation/Call"
import type * as Json from "../OperatorJson.ts"

/** Events by which something is undone. */
const undoing = new Set([
  "CancelRequested",
  "RecallRequested",
  "ShipmentRecalled",
  "Cancelled",
  "StockReleased",
  "Released",
  "VoidRequested",
  "PaymentVoided",
  "Voided"
])

interface Looked {
  readonly ref: Ref
  readonly at: number | null
  readonly now: Now
}

/** Of another step, or of none, nothing is known. */
const triesOf = (tries: Actor["tries"], step: string) => ({
  attempts: tries?.step === step ? tries.attempts : null,
  lastError: tries?.step === step ? tries.lastError : null
})

/** As the order shows them. */
const refusedOf = (view: unknown): ReadonlyArray<typeof RefusedStep.Type> =>
  typeof view === "object" && view !== null && "refused" in view
    ? (view.refused as ReadonlyArray<typeof RefusedStep.Type>)
    : []

const statusOf = (view: unknown): string | null =>
  typeof view === "object" && view !== null && "status" in view ? String(view.status) : null

/** A saga over all that has its id: what was done, its pending steps, and what an operator may do, as its order would decide. */
export const sagaOf = ({
  id,
  nowMs,
  rows,
  states,
  stuckAfterMs,
  timers,
  tries
}: {
  readonly id: string
  readonly nowMs: number
  /** In the order of their times. */
  readonly rows: ReadonlyArray<Row>
  readonly states: ReadonlyArray<Looked>
  readonly stuckAfterMs: number
  /** When the timer of each is due, by entity type. */
  readonly timers: ReadonlyMap<string, number>
  /** What its runner has in memory of what could not be done yet, by entity type. */
  readonly tries: ReadonlyMap<string, Actor["tries"]>
}): typeof Json.SagaDetail.Encoded => {
  const order = states.find(({ ref }) => ref.type === "Order")
  const may = (act: "retry" | "compensate" | "skip") => {
    const would = order?.now.would({ _tag: "Operate", commandId: "may", act, note: "may it?" }, nowMs)
    return (would?.events ?? []).length > 0
  }
  const pendingSteps = states.flatMap(({ at, now, ref }) =>
    now.pendingStep === null
      ? []
      : [
          {
            entity: nameOf(ref),
            step: now.pendingStep,
            commandId: `${ref.id}:${now.pendingStep}`,
            since: Math.round(at ?? 0),
            nextTry: timers.get(ref.type) ?? null,
            ...triesOf(tries.get(ref.type), now.pendingStep)
          }
        ]
  )
  const refused = states.flatMap(({ now, ref }) =>
    refusedOf(now.view).map(({ at, reason, step }) => ({ entity: nameOf(ref), step, reason, since: at }))
  )
  const isStuck = states.some(
    ({ at, now }) => now.pendingStep !== null && !now.isPatient && nowMs - Math.round(at ?? 0) > stuckAfterMs
  )
  return {
    id,
    state: pendingSteps.length > 0 ? (isStuck ? "stuck" : "open") : refused.length > 0 ? "refused" : "done",
    status: statusOf(order?.now.view),
    steps: rows.map((row, index) => ({
      entity: nameOf(row),
      seq: row.seq,
      at: Math.round(row.at),
      tookMs: index === 0 ? null : row.at - rows[index - 1]!.at,
      step: row.events.map(({ _tag }) => _tag).join(" "),
      commandId: row.commandId,
      compensation: row.events.some(({ _tag }) => undoing.has(_tag))
    })),
    pendingSteps,
    refused,
    may: { retry: may("retry"), compensate: may("compensate"), skip: may("skip") }
  }
}
