import type { EventSourcedEntity } from "./EventSourcedEntity.ts"
import type { Commanded, Keyed } from "./Kind.ts"
import type { Model } from "./Model.ts"

type PendingStepOf<M> = M extends { readonly next: (state: never) => (infer Step extends Keyed) | null } ? Step : never

/** The event-sourced entity of a model, for signatures: `EntityOf<CartId, typeof CartState>`. */
export type EntityOf<Id extends string, M> =
  M extends Model<infer State, infer Command extends Commanded, infer Event, infer Refusal, PendingStepOf<M>>
    ? EventSourcedEntity<Id, State, Command, Event, Refusal, PendingStepOf<M>>
    : never
