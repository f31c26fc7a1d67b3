import type { Now } from "@halles/entities/Domain"
import { models } from "@halles/entities/Domains"
import { Exit, Option } from "effect"
import { isDeepStrictEqual } from "node:util"
import { keyOf, type Tables } from "./Tables.ts"

/** What some runner answered to somebody. */
interface Answered {
  readonly entityType: string
  readonly entityId: string
  readonly tag: string
  readonly payload: unknown
  readonly exit: Exit.Exit<unknown, unknown>
  /** Rows of the entity when the message arrived, and when it was answered; and the time of both. */
  readonly seqs: readonly [arrived: number, answered: number]
  readonly times: readonly [arrived: number, answered: number]
  /** The newest seq that anybody had been told of when the message arrived. */
  readonly answeredSeq: number
  /** The command's row, when it was answered. */
  readonly isWritten: boolean
}

interface Fields {
  readonly _tag?: string
  readonly seq?: number
  readonly commandId?: string
  readonly expectedSeq?: number
}
/** What a command would come to: one that is meant for another version is refused before the entity decides. */
const outcomeOf = (state: Now, command: unknown, time: number): number | string => {
  const { expectedSeq } = fieldsOf(command)
  return expectedSeq === undefined || expectedSeq === state.seq ? state.decide(command, time) : "PreconditionFailed"
}
/** What an answer shows of the entity that gave it: a checkout is answered with the cart and more. */
const replyIn = (tag: string, value: unknown): unknown => {
  if (tag !== "CheckOut") return value
  return typeof value === "object" && value !== null && "cart" in value ? value.cart : value
}

const fieldsOf = (value: unknown): Fields => (typeof value === "object" && value !== null ? (value as Fields) : {})

/** What an answer says for good, whenever it is asked for again: of a checkout which order it led to. */
const grantOf = (tag: string, value: unknown): unknown => {
  if (tag === "Hold" || tag === "Ship") return value
  return tag === "CheckOut" && typeof value === "object" && value !== null && "orderId" in value
    ? value.orderId
    : undefined
}

/** Refusals of "not now", which promise nothing. */
const passing = new Set(["Busy", "EntityNotAssignedToRunner", "LinesChanged"])
/** What a handler fills in before its entity decides, or decides by itself: what it would have come to is not ours to tell. */
const decidedByHandler = new Set(["Merge", "HandOver", "Reprice", "CheckOut", "AddLine", "PutLine"])

/**
 * Compares every answer that any runner gave with the journal. Nothing is acknowledged before it is written. A view is the state of
 * its seq, and no older than one that was answered before its query arrived; nor is it refused when there was one. A refusal (or a command that changes nothing) follows
 * from some state of the time in which it was handled. What was granted once is never refused or changed when it is asked for again.
 */
export class ExpectedAnswers {
  readonly violations: Array<string> = []
  readonly #tables: Tables
  readonly #answered: Array<Answered> = []
  /** What commands that are in the journal were answered with first. */
  readonly #granted = new Map<string, unknown>()
  readonly #views = new Map<Now, unknown>()
  readonly #answeredSeq = new Map<string, number>()

  constructor(tables: Tables) {
    this.#tables = tables
  }

  get count(): number {
    return this.#answered.length
  }

  /** The newest seq of an entity that anybody was told of. */
  answeredSeqOf(entityType: string, entityId: string): number {
    return this.#answeredSeq.get(keyOf(entityType, entityId)) ?? 0
  }

  add(answered: Omit<Answered, "isWritten">): void {
    const { entityId, entityType, exit, payload, seqs, tag, answeredSeq } = answered
    const { commandId } = fieldsOf(payload)
    const name = `${keyOf(entityType, entityId)} ${tag} ${commandId ?? ""}`
    const row = commandId === undefined ? undefined : this.#tables.find(entityType, entityId, commandId)
    if (row !== undefined && row.seq > seqs[0] && Exit.isFailure(exit)) {
      // Two copies were under way at the same time. One may be refused, for a reason of before the other one was accepted:
      // a runner may stand still between its refusal and the word of it.
      this.#answered.push({ ...answered, isWritten: false, seqs: [seqs[0], row.seq - 1] })
      return
    }
    const isWritten = row !== undefined
    this.#answered.push({ ...answered, isWritten })
    if (Exit.isSuccess(exit)) {
      const { seq } = fieldsOf(replyIn(tag, exit.value))
      if (seq !== undefined && seq > seqs[1])
        this.violations.push(`${name}: answered with seq ${seq}, written are ${seqs[1]}`)
      if (seq !== undefined && seq < answeredSeq)
        this.violations.push(`${name}: answered with seq ${seq}, though ${answeredSeq} had been answered before`)
      const newest = seq ?? row?.seq ?? 0
      if (newest > this.answeredSeqOf(entityType, entityId)) this.#answeredSeq.set(keyOf(entityType, entityId), newest)
    }
    if (row !== undefined)
      this.#compare(
        name,
        tag,
        exit,
        row.events.some((event) => fieldsOf(event)._tag === "CheckOutRefused")
      )
  }

  /** `isRefused`: that is what the row says. */
  #compare(name: string, tag: string, exit: Exit.Exit<unknown, unknown>, isRefused: boolean): void {
    if (Exit.isFailure(exit)) {
      const refusal = Option.getOrUndefined(Exit.findErrorOption(exit))
      const { _tag } = fieldsOf(refusal)
      // A merge that was asked for may be refused by the other cart: that is its answer. So is what has changed of a cart.
      const isChanged = _tag === "TotalChanged" || _tag === "BundleChanged"
      const isOwn = tag === "Merge" || (tag === "CheckOut" && isChanged && isRefused) || passing.has(_tag ?? "")
      if (!isOwn) this.violations.push(`${name}: is in the journal, and was refused with ${_tag}`)
      return
    }
    if (tag === "CheckOut" && isRefused) this.violations.push(`${name}: is in the journal as refused, and was granted`)
    const said = grantOf(tag, exit.value)
    if (said === undefined) return
    const first = this.#granted.get(name)
    if (first === undefined) this.#granted.set(name, said)
    else if (!isDeepStrictEqual(first, said)) {
      this.violations.push(`${name}: answered ${JSON.stringify(first)}, and when repeated ${JSON.stringify(said)}`)
    }
  }

  /** After the end, when all histories are known: by entity its states, the one before its first row first. */
  check(statesOf: ReadonlyMap<string, ReadonlyArray<Now>>): void {
    for (const answered of this.#answered) {
      const { entityId, entityType } = answered
      const states = statesOf.get(keyOf(entityType, entityId)) ?? [models.get(entityType)!(entityId)]
      this.#against(states, answered)
    }
  }

  /** Of a state that many were answered with, made once. */
  #viewOf(state: Now | undefined): unknown {
    if (state === undefined) return undefined
    if (!this.#views.has(state)) this.#views.set(state, state.view)
    return this.#views.get(state)
  }

  #against(
    states: ReadonlyArray<Now>,
    { answeredSeq, entityId, entityType, exit, isWritten, payload, seqs, tag, times }: Answered
  ): void {
    const name = `${keyOf(entityType, entityId)} ${tag} ${fieldsOf(payload).commandId ?? ""}`
    if (Exit.isSuccess(exit)) {
      const reply = replyIn(tag, exit.value)
      const { seq } = fieldsOf(reply)
      if (seq !== undefined) {
        const view = this.#viewOf(states[seq])
        if (!isDeepStrictEqual(view, reply)) {
          this.violations.push(`${name}: answered ${JSON.stringify(reply)}, seq ${seq} is ${JSON.stringify(view)}`)
        }
      }
    }
    const { _tag: refusal } = fieldsOf(
      Exit.isFailure(exit) ? Option.getOrUndefined(Exit.findErrorOption(exit)) : undefined
    )
    if (tag === "View" && refusal === "NotFound") {
      const isThere = states.slice(answeredSeq, seqs[1] + 1).every((state) => this.#viewOf(state) !== null)
      if (isThere) this.violations.push(`${name}: was not found, though seq ${answeredSeq} had been answered before`)
    }
    if (fieldsOf(payload).commandId === undefined || isWritten || decidedByHandler.has(tag)) return
    if (refusal !== undefined && passing.has(refusal)) return
    const wanted = refusal ?? 0
    const couldBe = states
      .slice(seqs[0], seqs[1] + 1)
      .some((state) => times.some((time) => outcomeOf(state, payload, time) === wanted))
    if (!couldBe) {
      const said = refusal === undefined ? "acknowledged and not in the journal" : `refused with ${refusal}`
      this.violations.push(`${name}: ${said}, which no state from seq ${seqs[0]} to ${seqs[1]} says`)
    }
  }
}
