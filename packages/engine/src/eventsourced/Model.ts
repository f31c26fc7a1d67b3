import type { Result, Schema } from "effect"

/**
 * The pure part of an entity; a module such as `Cart/CartState.ts` is one as it stands.
 *
 * - `decide` turns a command into events, `[]` where the state says so already, or a refusal. It never throws. `now` is
 *   the time in Unix milliseconds. It is the only place that sees a clock.
 * - `evolve` is total over the events, and the only way a state comes about.
 * - `dueAt` is the Unix millisecond at which the entity wants its `TimerFired`, or `null`. It must move past `now` once a
 *   `TimerFired` has done what was due.
 * - `next` is the one message that the entity owes to another party, or `null`. Its `key` names the step: the same key
 *   is sent again until a command has moved the state on, so receivers dedupe by it.
 * - `others` are messages that the entity owes besides and that do not wait for `next` nor for each other: one that cannot be
 *   sent holds up none of them.
 * - `isDeferred` says of events that they need no row of their own: they are written with the next ones, or after `deferMs`.
 *   A crash loses them, so what led to them must come about again: whoever sent the command sends it again, and whoever
 *   answered it answers the same again. Nobody is answered from them before they are written.
 * - `resumed` are events that an activation begins with which was rebuilt from that state: it knows of none that were deferred.
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
  readonly evolve: (state: State, event: Event) => State
  readonly dueAt?: (state: State) => number | null
  readonly next?: (state: State) => PendingStep | null
  readonly others?: (state: State) => ReadonlyArray<PendingStep>
  readonly isDeferred?: (state: State, events: ReadonlyArray<Event>) => boolean
  readonly resumed?: (state: State) => ReadonlyArray<Event>
}
