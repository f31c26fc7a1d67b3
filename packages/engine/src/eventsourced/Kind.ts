import type { Origin } from "@halles/shared/Command"
import type { Clock, Effect, Fiber, Tracer } from "effect"
import type { Busy, PreconditionFailed } from "./EntityErrors.ts"
import type { Journal } from "../journal/Journal.ts"
import type { Stored } from "../journal/JournalStore.ts"
import type { Model } from "./Model.ts"
import type { ShardEpochs } from "../placement/ShardEpochs.ts"
import type * as SagaTrace from "./SagaTrace.ts"

/** What the event-sourced entity reads of a command. */
export interface Commanded {
  readonly commandId: string
  readonly _tag: string
  readonly origin?: Origin
  /** Of a `TimerFired`. */
  readonly dueAt?: number
  /** The version that the sender has seen: on any other one the command is refused. */
  readonly expectedSeq?: number
}

/** What a command is refused with that names another version than the one it met. */
export type WrongVersion<Command> = Command extends unknown
  ? "expectedSeq" extends keyof Command
    ? PreconditionFailed
    : never
  : never

export interface Handled<State, Event> {
  readonly state: State
  readonly seq: number
  /** What is in the journal under the command's id. */
  readonly events: ReadonlyArray<Event>
  /** The command had been handled before: nothing was written. */
  readonly repeated: boolean
}

/** How much of its history an activation keeps at hand. */
export interface Bounds {
  /** Rows between two snapshots: the most that an activation has to read. */
  readonly snapshotEvery: number
  /** Characters of the events of rows between two snapshots. */
  readonly snapshotEveryLength: number
  /** Rows that are worth a snapshot when the entity is passivated. */
  readonly snapshotAtLeast: number
  /** The deduplication window of an activation, in command ids (no fewer than `0003_archive.ts` counts on); older ones are found through the journal's unique index. */
  readonly recentMax: number
  /** Bytes of the events of one row. Models bound what they decide well below it; what exceeds it all the same is refused. */
  readonly rowBytesMax: number
}

/** What all entities of a type have in common. */
export interface Kind<Id extends string, State, Command, Event, Refusal, PendingStep extends Keyed> {
  readonly model: Model<State, Command & Commanded, Event & Tagged, Refusal, PendingStep>
  readonly idOf: (id: string) => Id
  readonly perform: ((pendingStep: PendingStep, state: State, id: Id) => Effect.Effect<Command, unknown>) | undefined
  readonly journal: Journal["Service"]
  readonly epochs: ShardEpochs["Service"]
  readonly clock: Clock.Clock
  readonly tracing: SagaTrace.Tracing
  readonly bounds: Bounds
  readonly fork: <A, E>(effect: Effect.Effect<A, E>) => Fiber.Fiber<A, E>
  readonly eventsOf: (row: Stored) => ReadonlyArray<Event>
  readonly encodeEvents: (events: ReadonlyArray<Event>) => ReadonlyArray<unknown>
  readonly encodeState: (state: State) => unknown
  readonly decodeState: (state: unknown) => State
}
/** A pending step; `key` is its name. */
export interface Keyed {
  readonly key: string
}
export interface Tagged {
  readonly _tag: string
}
export type Rejected<Command, Refusal> = Refusal | WrongVersion<Command> | Busy

/** What an activation begins with. */
export interface Begin<State> {
  readonly state: State
  readonly seq: number
  /** The newest one, and characters of the events since: what is read of them costs memory and time. */
  readonly snapshot: { readonly seq: number; lengthSince: number }
  readonly recent: Set<string>
}

/** What stands beside the events: schema version, who asked, what it belongs to, the trace it is part of. */
export const metaOf = (version: number, origin: Origin | undefined, span: Tracer.AnySpan | undefined) => ({
  v: version,
  ...origin,
  ...(span === undefined ? {} : { traceId: span.traceId, spanId: span.spanId }),
  ...(span?.sampled === true ? { sampled: true } : {})
})

/** The oldest command id leaves the deduplication window. */
export const remember = (recent: Set<string>, commandId: string, max: number): void => {
  recent.add(commandId)
  if (recent.size > max) recent.delete(recent.values().next().value!)
}
