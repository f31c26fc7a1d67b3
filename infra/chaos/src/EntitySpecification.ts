import type { Model } from "@halles/entities/Model"
import { Result, Schema } from "effect"
import { isDeepStrictEqual } from "node:util"
import { type Answer, type Call, codeOf, detailOf, plain } from "./Call.ts"
import type { Row } from "./Histories.ts"
import type { Operation, Specification } from "./Linearizability.ts"

/** What the shell has when a command is handled: state and seq after it, and the events under its id. */
export interface Handled<State, Event> {
  readonly state: State
  readonly seq: number
  readonly events: ReadonlyArray<Event>
}

/** An entity's pure part, and what its shell makes of it. */
export interface Subject<
  State,
  Command extends { readonly commandId: string; readonly _tag: string },
  Event extends { readonly _tag: string },
  Refusal extends { readonly _tag: string }
> {
  readonly model: Model<State, Command, Event, Refusal>
  /** The command with what the shell adds to it before it decides. */
  readonly complete: (command: Command) => Command
  /** What the shell refuses without asking the model. */
  readonly refusal: (id: string, command: Command) => Answer | null
  /** What a read is answered. */
  readonly view: (id: string, state: State, seq: number) => Answer
  /** What a command is answered, once it is handled. */
  readonly answer: (id: string, command: Command, handled: Handled<State, Event>) => Answer
  /** Commands that are answered with a later state than the one they led to, and what it must show. */
  readonly later: (command: Command) => ((id: string, state: State, seq: number) => Answer) | null
  /** What the edge shows of it. */
  readonly atEdge: (shown: unknown) => unknown
}

/** A call as the specification takes it: one moment, one answer. */
export type Moment =
  | { readonly _tag: "Command"; readonly call: Call; readonly answer: Answer }
  | { readonly _tag: "Read"; readonly call: Call; readonly answer: Answer }
  /** The answer of a command that took effect; of its own moment, or of a later one. */
  | { readonly _tag: "Later"; readonly call: Call; readonly answer: Answer }
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
export const shown = (value: unknown): Answer => ({ _tag: "Shown", shown: plain(value) })

/**
 * The sequential specification of one entity: `decide` and `evolve` of its model, over the states that the rows of its
 * journal lead to.
 *
 * **Details**
 *
 * A state is a seq. A command takes effect where its row stands in the journal, and only if `decide` there gives exactly
 * the events of the row; what is answered must follow from that state. Everything else (reads, refusals, repeats,
 * commands that change nothing) may be at any state within its time. A command that was handled again, since its runner
 * or its caller lost the first answer, is answered as a repeat, with the state of then: so the answer to a command that
 * took effect may be of any moment from its effect to the end of its call. That the journal's order is the order is what the
 * system promises, so this is stricter than linearizability alone: it holds only if the order of the journal itself
 * keeps real time and explains every answer.
 */
export const judge = <
  State,
  Command extends { readonly commandId: string; readonly _tag: string },
  Event extends { readonly _tag: string },
  Refusal extends { readonly _tag: string }
>(
  subject: Subject<State, Command, Event, Refusal>,
  id: string,
  rows: ReadonlyArray<Row>
): Judged => {
  const { model } = subject
  const decode = Schema.decodeUnknownSync(Schema.Array(model.Event))
  const encode = Schema.encodeSync(Schema.Array(model.Event))
  const events = rows.map((row) => decode(row.events))
  const states: Array<State> = [model.initial]
  for (const some of events) states.push(some.reduce(model.evolve, states.at(-1)!))
  const rowOf = new Map(rows.map((row, index) => [row.commandId, { row, index }]))

  const fits = ({ via }: Call, expected: Answer, actual: Answer): boolean => {
    if (actual._tag === "Done" || actual._tag === "Unknown") return true
    if (expected._tag === "Shown" && actual._tag === "Shown") {
      return isDeepStrictEqual(via === "edge" ? subject.atEdge(expected.shown) : expected.shown, actual.shown)
    }
    return expected._tag === "Done" ? actual._tag === "Shown" : isDeepStrictEqual(expected, actual)
  }

  const command = (seq: number, call: Call, answer: Answer): number | null => {
    // Calls are kept by entity type, so the command is one of this model.
    const sent = call.command as unknown as Command
    const unasked = subject.refusal(id, sent)
    if (unasked !== null) return fits(call, unasked, answer) ? seq : null
    const known = rowOf.get(sent.commandId)
    const handled = (at: number, some: ReadonlyArray<Event>) =>
      subject.answer(id, sent, { state: states[at]!, seq: at, events: some })
    if (known !== undefined && known.row.seq <= seq) {
      return fits(call, handled(seq, events[known.index]!), answer) ? seq : null
    }
    const isNext = known?.row.seq === seq + 1
    const now = isNext ? known.row.at : performance.timeOrigin + call.invokedAt
    const decided = model.decide(states[seq]!, subject.complete(sent), now)
    if (Result.isFailure(decided)) return fits(call, refused(decided.failure), answer) ? seq : null
    if (decided.success.length === 0) return fits(call, handled(seq, []), answer) ? seq : null
    if (!isNext || !isDeepStrictEqual(plain(encode(decided.success)), known.row.events)) return null
    return fits(call, handled(seq + 1, decided.success), answer) ? seq + 1 : null
  }

  const later = (seq: number, call: Call, answer: Answer): number | null => {
    const sent = call.command as unknown as Command
    const known = rowOf.get(sent.commandId)
    if (known !== undefined && known.row.seq > seq) return null
    const handled = { state: states[seq]!, seq, events: known === undefined ? [] : events[known.index]! }
    const expected = subject.later(sent)?.(id, handled.state, seq) ?? subject.answer(id, sent, handled)
    return fits(call, expected, answer) ? seq : null
  }

  const step = (seq: number, moment: Moment): number | null => {
    switch (moment._tag) {
      case "Row":
        return moment.seq === seq + 1 ? moment.seq : null
      case "Read":
        return fits(moment.call, subject.view(id, states[seq]!, seq), moment.answer) ? seq : null
      case "Command":
        return command(seq, moment.call, moment.answer)
      case "Later":
        return later(seq, moment.call, moment.answer)
    }
  }

  const moments = (call: Call): ReadonlyArray<Operation<Moment>> => {
    const { answer, command: sent, completedAt, invokedAt } = call
    const within = { invokedAt, completedAt }
    if (answer._tag === "Unknown") {
      const took = sent !== null && rowOf.has(sent.commandId)
      return took ? [{ call: { _tag: "Command", call, answer }, invokedAt, completedAt: null }] : []
    }
    if (sent === null) return [{ call: { _tag: "Read", call, answer }, ...within }]
    const own = sent as unknown as Command
    const single: Operation<Moment> = { call: { _tag: "Command", call, answer }, ...within }
    const isLater = subject.later(own) !== null && subject.refusal(id, own) === null
    if (!isLater && (answer._tag === "Refused" || !rowOf.has(sent.commandId))) return [single]
    const done: Operation<Moment> = { call: { _tag: "Command", call, answer: { _tag: "Done" } }, ...within }
    return answer._tag === "Shown" ? [done, { call: { _tag: "Later", call, answer }, ...within }] : [done]
  }

  return {
    specification: { initial: 0, step, key: String },
    operations: (calls) => {
      const ours = new Set(calls.flatMap(({ command: sent }) => (sent === null ? [] : [sent.commandId])))
      const others = rows
        .filter(({ commandId }) => !ours.has(commandId as never))
        .map(({ seq }) => ({ call: { _tag: "Row", seq } as const, invokedAt: -Infinity, completedAt: null }))
      return [...others, ...calls.flatMap(moments)]
    }
  }
}
