import type { Commanded, Tagged } from "@halles/engine/eventsourced/Kind"
import { evolved } from "@halles/engine/eventsourced/Model"
import { done, replyOf } from "@halles/engine/eventsourced/Replies"
import type { AnyModel } from "@halles/entities/Domain"
import type { Row } from "@halles/harness/Books"
import { Result, Schema } from "effect"
import { isDeepStrictEqual } from "node:util"
import { type Answer, type Call, codeOf, detailOf, plain } from "./Call.ts"
import type { Operation, Specification } from "./Linearizability.ts"

/** An entity's pure part, and what its handlers make of it. */
export interface Subject {
  readonly model: AnyModel
  /** The command with what its handler adds to it before the model decides. */
  readonly complete?: (command: Commanded) => Commanded
  /** What a handler refuses without asking the model. */
  readonly refusal?: (id: string, command: Commanded) => Answer | null
  /** Commands that are answered with a later state than the one they led to, as a view, or as the command's own answer there. */
  readonly later?: (command: Commanded) => "view" | "answer" | null
  /** What the edge shows of it. */
  readonly atEdge?: (view: object) => object
}

/** A call as the specification takes it: one moment, one answer. */
export type Moment =
  | { readonly _tag: "Read"; readonly call: Call; readonly answer: Answer }
  | {
      /** `Later` is the answer of a command that took effect: of its own moment, or of a later one. */
      readonly _tag: "Command" | "Later"
      readonly call: Call
      readonly answer: Answer
      /** The row under the command's id is this call's: nobody else sent it. Without it the call cannot stand. */
      readonly wrote: boolean
    }
  /** A row that none of our calls wrote: what other entities, timers and partners did. */
  | { readonly _tag: "Row"; readonly seq: number }

/** An entity's history as seen from outside, with all that is needed to judge it. */
export interface Judged {
  readonly specification: Specification<number, Moment>
  readonly operations: (calls: ReadonlyArray<Call>) => ReadonlyArray<Operation<Moment>>
}

export const refused = (refusal: { readonly _tag: string }): Answer => ({
  _tag: "Refused",
  code: codeOf(refusal._tag),
  detail: detailOf(refusal)
})
const answerOf = (reply: Result.Result<unknown, Tagged>): Answer =>
  Result.match(reply, {
    onSuccess: (value) => (value === undefined ? { _tag: "Done" } : { _tag: "Replied", reply: plain(value) }),
    onFailure: refused
  })

/** Views tell which state they are of; that is looked at first, since nearly all comparisons end there. */
const mayShow = (answer: Answer, seq: number): boolean => {
  const replySeq =
    answer._tag === "Replied" && typeof answer.reply === "object" && answer.reply !== null && "seq" in answer.reply
      ? answer.reply.seq
      : seq
  return replySeq === seq
}

/**
 * The sequential specification of one entity: `decide` and `evolve` of its model, over the states that the rows of its
 * journal lead to.
 *
 * **Details**
 *
 * A state is a seq. A command takes effect where its row stands in the journal, and only if `decide` there gives exactly the
 * events of the row, after those that the model had deferred; what is answered must follow from that state. Everything else
 * (reads, refusals, repeats, commands that change nothing) may be at any state within its time. A command that was handled
 * again, since its runner or its caller lost the first answer, is answered as a repeat, with the state of then: so the answer
 * to a command that took effect may be of any moment from its effect to the end of its call. That the journal's order is the
 * order is what the system promises, so this is stricter than linearizability alone: it holds only if the order of the journal
 * itself keeps real time and explains every answer.
 */
export const judge = (subject: Subject, id: string, rows: ReadonlyArray<Row>): Judged => {
  const {
    atEdge = (view) => view,
    complete = (command) => command,
    later: laterOf = () => null,
    model,
    refusal = () => null
  } = subject
  const decode = Schema.decodeUnknownSync(Schema.Array(model.Event))
  const encode = Schema.encodeSync(Schema.Array(model.Event))
  const events = rows.map((row) => decode(row.events))
  const states: Array<unknown> = [model.initial]
  for (const [index, some] of events.entries()) states.push(evolved(model, states[index]!, some, index + 1))
  const rowOf = new Map(rows.map((row, index) => [row.commandId, { row, index }]))

  /** By the table of the entity's replies. */
  const replied = (tag: string, message: unknown, seq: number, some: ReadonlyArray<Tagged>): Answer =>
    answerOf(
      replyOf(model.replies, tag)?.(id, { state: states[seq], seq, events: some, repeated: false }, message) ?? done()
    )
  const views = new Map<number, Answer>()
  const viewAt = (seq: number): Answer => {
    const view = views.get(seq) ?? replied("View", undefined, seq, [])
    views.set(seq, view)
    return view
  }

  const fits = ({ via }: Call, expected: Answer, actual: Answer): boolean => {
    if (actual._tag === "Done" || actual._tag === "Unknown") return true
    if (expected._tag === "Replied" && actual._tag === "Replied") {
      return isDeepStrictEqual(via === "edge" ? atEdge(expected.reply as object) : expected.reply, actual.reply)
    }
    return expected._tag === "Done" ? actual._tag === "Replied" : isDeepStrictEqual(expected, actual)
  }

  const handled = (sent: Commanded, seq: number, some: ReadonlyArray<Tagged>): Answer =>
    laterOf(sent) === "view" ? viewAt(seq) : replied(sent._tag, sent, seq, some)

  /** What a command does that leaves no row: `undefined` if it would leave one. */
  const withoutRow = (seq: number, sent: Commanded, now: number): Answer | undefined => {
    const decided = model.decide(states[seq], complete(sent), now)
    if (Result.isFailure(decided)) return refused(decided.failure)
    return decided.success.length === 0 ? handled(sent, seq, []) : undefined
  }

  /** Whether each of these events comes of the answer to a joint step that the state before it has pending. */
  const areJoint = (before: unknown, joined: ReadonlyArray<Tagged>, row: Row): boolean => {
    let state = before
    for (const event of joined) {
      const step = model.next?.(state) ?? null
      if (step === null || model.isJoint?.(step) !== true) return false
      state = model.evolve(state, event, row)
    }
    return true
  }

  /** Whether the row is what the command leads to, once the model has what it deferred before, and before what joint steps come to. */
  const isRowOf = (
    sent: Commanded,
    seq: number,
    { index, row }: { readonly index: number; readonly row: Row }
  ): boolean => {
    let state = states[seq]
    const isDeferred = (event: Tagged) =>
      model.isDeferred?.(state, [event]) === true ||
      model.resumed?.(state).some((one) => isDeepStrictEqual(one, event)) === true
    for (const [at, event] of events[index]!.entries()) {
      const decided = model.decide(state, complete(sent), row.at)
      const own = Result.isSuccess(decided) ? decided.success : []
      const rest = row.events.slice(at, at + own.length)
      if (own.length > 0 && isDeepStrictEqual(plain(encode(own)), rest))
        return areJoint(evolved(model, state, own, row.seq), events[index]!.slice(at + own.length), row)
      if (!isDeferred(event)) return false
      state = model.evolve(state, event, row)
    }
    return false
  }

  const command = (seq: number, call: Call, answer: Answer, wrote: boolean): number | null => {
    const sent = call.command!
    const byHandler = refusal(id, sent)
    if (byHandler !== null) return fits(call, byHandler, answer) ? seq : null
    const known = rowOf.get(sent.commandId)
    if (known !== undefined && known.row.seq <= seq) {
      if (!mayShow(answer, seq)) return null
      return fits(call, handled(sent, seq, events[known.index]!), answer) ? seq : null
    }
    if (known?.row.seq === seq + 1) {
      if (isRowOf(sent, seq, known))
        return fits(call, handled(sent, seq + 1, events[known.index]!), answer) ? seq + 1 : null
    }
    if (wrote || !mayShow(answer, seq)) return null
    const expected = withoutRow(seq, sent, performance.timeOrigin + call.invokedAt)
    return expected !== undefined && fits(call, expected, answer) ? seq : null
  }

  const later = (seq: number, call: Call, answer: Answer, wrote: boolean): number | null => {
    const sent = call.command!
    const known = rowOf.get(sent.commandId)
    const isWritten = known !== undefined && known.row.seq <= seq
    if ((wrote && !isWritten) || !mayShow(answer, seq)) return null
    if (laterOf(sent) !== null) return fits(call, handled(sent, seq, []), answer) ? seq : null
    const expected = isWritten
      ? handled(sent, seq, events[known.index]!)
      : withoutRow(seq, sent, performance.timeOrigin + call.invokedAt)
    return expected !== undefined && fits(call, expected, answer) ? seq : null
  }

  const step = (seq: number, moment: Moment): number | null => {
    switch (moment._tag) {
      case "Row":
        return moment.seq === seq + 1 ? moment.seq : null
      case "Read":
        return mayShow(moment.answer, seq) && fits(moment.call, viewAt(seq), moment.answer) ? seq : null
      case "Command":
        return command(seq, moment.call, moment.answer, moment.wrote)
      case "Later":
        return later(seq, moment.call, moment.answer, moment.wrote)
    }
  }

  const isRead = (moment: Moment): boolean => {
    switch (moment._tag) {
      case "Row":
        return false
      case "Read":
      case "Later":
        return true
      case "Command":
        return moment.answer._tag === "Refused" || !rowOf.has(moment.call.command!.commandId)
    }
  }

  const moments = (call: Call, senders: number): ReadonlyArray<Operation<Moment>> => {
    const { answer, command: sent, completedAt, invokedAt } = call
    const within = { invokedAt, completedAt }
    if (sent === null) return answer._tag === "Unknown" ? [] : [{ call: { _tag: "Read", call, answer }, ...within }]
    const hasRow = rowOf.has(sent.commandId)
    if (answer._tag === "Unknown") {
      // What is not in the journal took no effect: if it did, the answers of others will not fit.
      return hasRow ? [{ call: { _tag: "Command", call, answer, wrote: true }, invokedAt, completedAt: null }] : []
    }
    const wrote = hasRow && senders === 1
    const isLater = laterOf(sent) !== null && refusal(id, sent) === null
    if (!isLater && (answer._tag === "Refused" || !hasRow)) {
      return [{ call: { _tag: "Command", call, answer, wrote }, ...within }]
    }
    const effect: Operation<Moment> = { call: { _tag: "Command", call, answer: { _tag: "Done" }, wrote }, ...within }
    return answer._tag === "Replied" ? [effect, { call: { _tag: "Later", call, answer, wrote }, ...within }] : [effect]
  }

  return {
    specification: { initial: 0, step, key: String, isRead },
    operations: (calls) => {
      const senders = new Map<string, number>()
      for (const { command: sent } of calls) {
        if (sent !== null) senders.set(sent.commandId, (senders.get(sent.commandId) ?? 0) + 1)
      }
      const others = rows
        .filter(({ commandId }) => !senders.has(commandId))
        .map(({ seq }) => ({ call: { _tag: "Row", seq } as const, invokedAt: -Infinity, completedAt: null }))
      return [...others, ...calls.flatMap((call) => moments(call, senders.get(call.command?.commandId ?? "") ?? 0))]
    }
  }
}
