import type { Result, Schema } from "effect"

/** A row of the journal, by its seq. */
export interface Row {
  readonly seq: number
}
export type Evolve<State, Event> = (state: State, event: Event, row: Row) => State

/** The state after the events of a row, or after the first ones of them. */
export const evolved = <State, Event>(
  { evolve }: { readonly evolve: Evolve<State, Event> },
  state: State,
  events: ReadonlyArray<Event>,
  seq: number
): State => {
  const row = { seq }
  let now = state
  for (const event of events) now = evolve(now, event, row)
  return now
}

type TagOf<Command> = Command extends { readonly _tag: infer Tag } ? Tag : never

/**
 * The pure part of an entity; a module such as `Cart/CartState.ts` is one as it stands.
 *
 * - `decide` turns a command into events, `[]` where the state says so already, or a refusal. It never throws. `now` is
 *   the time in Unix milliseconds. It is the only place that sees a clock.
 * - `evolve` is total over the events, and the only way a state comes about. It is told the row that the event stands in, or will.
 * - `dueAt` is the Unix millisecond at which the entity wants its `TimerFired`, or `null`. It must move past `now` once a
 *   `TimerFired` has done what was due.
 * - `next` is the entity's pending step: the message that it has to send next to another party, or `null`. Its `key` names the
 *   step: it is sent again under the same key until a command has moved the state on, so receivers dedupe by it.
 * - `others` are further pending steps, which wait neither for `next` nor for each other: one that cannot be sent holds up none
 *   of them.
 * - `isJoint` says of a pending step that its receiver is in the same shard and asks nobody before it decides: the step is sent before
 *   the row that makes it pending is written, and both rows are committed together (`JointCommit.ts`).
 * - `isDeferred` says of events that they may be deferred: they are written in the entity's next row, or after `deferMs` in one of
 *   their own. A crash loses them, so the same command must lead to them again: its sender repeats it, and a party that was asked
 *   gives the same answer again. No reply rests on them before they are written. What is too large
 *   for a row is refused at once, as if it were not deferred.
 * - `resumed` are events that a new activation applies to the state that it has read: it does not know what an earlier one had
 *   deferred.
 * - `creates` names the commands that are sent to an id that has just been drawn. An activation for one of them expects that its
 *   entity has no history and does not read the journal; its first row, as seq 1, finds out. Events of such a command are never
 *   deferred, since the entity would act on them before that.
 */
export interface Model<
  State,
  Command extends { readonly commandId: string },
  Event extends { readonly _tag: string },
  Refusal,
  PendingStep extends { readonly key: string } = never
> {
  /** The entity type, as in the contract. */
  readonly type: string
  /** Of events and state; raised when their shape changes: a snapshot of another version is passed over. */
  readonly version: number
  readonly Event: Schema.Codec<Event, unknown>
  readonly State: Schema.Codec<State, unknown>
  readonly initial: State
  readonly decide: (state: State, command: Command, now: number) => Result.Result<ReadonlyArray<Event>, Refusal>
  readonly evolve: Evolve<State, Event>
  readonly dueAt?: (state: State) => number | null
  readonly next?: (state: State) => PendingStep | null
  readonly others?: (state: State) => ReadonlyArray<PendingStep>
  readonly isJoint?: (pendingStep: PendingStep) => boolean
  readonly isDeferred?: (state: State, events: ReadonlyArray<Event>) => boolean
  readonly resumed?: (state: State) => ReadonlyArray<Event>
  readonly creates?: ReadonlyArray<TagOf<Command>>
}
