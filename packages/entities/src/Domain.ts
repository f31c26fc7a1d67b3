import { codecsOf } from "@halles/engine/eventsourced/Codecs"
import type { Commanded, Keyed, Tagged } from "@halles/engine/eventsourced/Kind"
import { evolved, type Model } from "@halles/engine/eventsourced/Model"
import type { Reply } from "@halles/engine/eventsourced/Replies"
import type { RetentionRule } from "@halles/engine/journal/Retention"
import type { Projection } from "@halles/engine/projections/Projection"
import { type Layer, Result } from "effect"
import type { Entity } from "effect/cluster"
import type { Rpc } from "effect/rpc"
import type { AnyGroup } from "./routes/Routes.ts"
import { follow, type Follower, type Laws, type LawsContext } from "./laws/Rows.ts"

/** What an entity is after some of its history. */
export interface Now {
  readonly seq: number
  /** What `View` answers, or `null` where it answers `NotFound`. */
  readonly view: unknown
  readonly dueAt: number | null
  /** The key of its pending step. */
  readonly pendingStep: string | null
  /** Its pending step may rightly take long. */
  readonly isPatient: boolean
  readonly after: (events: ReadonlyArray<unknown>) => Now
  /** What a command would come to: so many events, or the tag of a refusal. */
  readonly decide: (command: unknown, now: number) => number | string
  /** As `decide`, with the events as they would be stored, or the refusal. */
  readonly would: (
    command: unknown,
    now: number
  ) =>
    | { readonly events: ReadonlyArray<unknown>; readonly refused: null }
    | { readonly events: null; readonly refused: object }
}

/** The module of a pure part, as everything that is the same for all of them sees it. */
export type AnyModel = Model<unknown, Commanded, Tagged, Tagged, Keyed> & { readonly replies: object }

/** Names of the messages that are commands. */
type CommandTag<Rpcs extends Rpc.Any> = Rpcs extends Rpc.Any
  ? Rpc.Payload<Rpcs> extends Pick<Commanded, "commandId">
    ? Rpcs["_tag"]
    : never
  : never

/** A type of entities, as everything that is the same for all of them sees it. */
export interface Domain<R = unknown, Routes extends AnyGroup | null = AnyGroup | null> {
  /** The entity type, as it stands in the journal. */
  readonly type: string
  readonly contract: Entity.Entity<string, Rpc.Any>
  readonly model: AnyModel
  /** The state before the first row, to be followed row by row. */
  readonly begin: (id: string) => Now
  /** It may have pending steps. */
  readonly isSaga: boolean
  /** Hosts it on a runner. */
  readonly live: Layer.Layer<never, never, R>
  readonly table: Projection | null
  /** What HTTP clients may ask of it. */
  readonly routes: Routes
  readonly retention: RetentionRule
  readonly notifies: ReadonlyMap<string, string>
  readonly anytime: ReadonlyArray<string>
  /** Reads its histories, and holds them to its laws. */
  readonly follow: (context: LawsContext) => Follower
}

/** All that the rest of the house has to know of a domain. A part that is not there is `null`, which somebody had to write. */
interface Parts<
  Name extends string,
  Rpcs extends Rpc.Any,
  Id extends string,
  State,
  Command extends Commanded,
  Event extends Tagged,
  Refusal extends Tagged,
  PendingStep extends Keyed & { readonly patient?: true },
  R,
  Routes
> {
  readonly contract: Entity.Entity<Name, Rpcs>
  readonly id: { readonly make: (id: string, options: { readonly disableChecks: true }) => Id }
  /** The module of the pure part as it stands. */
  readonly model: Model<State, Command, Event, Refusal, PendingStep> & {
    readonly replies: { readonly View: Reply<void, Id, State, Event, unknown, Tagged> }
  }
  readonly live: Layer.Layer<never, never, R>
  /** The read table that follows its events. */
  readonly table: Projection | null
  readonly routes: Routes
  /** What holds in its histories beyond what holds for every entity: rows that can be read, in order, of one epoch after the other. */
  readonly laws: Laws<State, Event> | null
  readonly retention: Omit<RetentionRule, "entityType">
  /** Events that webhooks tell of, and as what. */
  readonly notifies: { readonly [Tag in Event["_tag"]]?: string }
  /** Commands that may come from anybody at any time and leave the books in order: simulation and chaos send them at random. */
  readonly anytime: ReadonlyArray<CommandTag<Rpcs>>
}

export const make = <
  Name extends string,
  Rpcs extends Rpc.Any,
  Id extends string,
  State,
  Command extends Commanded,
  Event extends Tagged,
  Refusal extends Tagged,
  PendingStep extends Keyed & { readonly patient?: true } = never,
  R = never,
  const Routes extends AnyGroup | null = null
>({
  anytime,
  contract,
  id: { make },
  laws,
  live,
  model,
  notifies,
  retention,
  routes,
  table
}: Parts<Name, Rpcs, Id, State, Command, Event, Refusal, PendingStep, R, Routes>): Domain<R, Routes> => {
  const { decodeEvents: decode, encodeEvents: encode } = codecsOf(model)
  const at = (id: Id, state: State, seq: number): Now => ({
    seq,
    get view() {
      return Result.getOrNull(model.replies.View(id, { state, seq, events: [], repeated: false }))
    },
    get dueAt() {
      return model.dueAt?.(state) ?? null
    },
    get pendingStep() {
      return model.next?.(state)?.key ?? null
    },
    get isPatient() {
      return model.next?.(state)?.patient === true
    },
    after: (events) => at(id, evolved(model, state, decode(events), seq + 1), seq + 1),
    decide: (command, now) =>
      Result.match(model.decide(state, command as Command, now), {
        onSuccess: (decided): number | string => decided.length,
        onFailure: ({ _tag }) => _tag
      }),
    would: (command, now) =>
      Result.match(model.decide(state, command as Command, now), {
        onSuccess: (decided) => ({ events: encode(decided), refused: null }),
        onFailure: (refused) => ({ events: null, refused })
      })
  })
  return {
    type: model.type,
    contract: contract as unknown as Entity.Entity<string, Rpc.Any>,
    model: model as unknown as AnyModel,
    begin: (id) => at(make(id, { disableChecks: true }), model.initial, 0),
    isSaga: model.next !== undefined,
    live,
    table,
    routes,
    retention: { entityType: model.type, ...retention },
    notifies: new Map(Object.entries(notifies)) as ReadonlyMap<string, string>,
    anytime,
    follow: (context) => follow(context, model, laws)
  }
}
