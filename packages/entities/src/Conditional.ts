import type { Origin } from "@halles/shared/Command"
import { Effect, Result } from "effect"
import { PreconditionFailed } from "./EntityErrors.ts"
import * as EventSourced from "./EventSourced.ts"
import { Journal } from "./Journal.ts"
import type { Model } from "./Model.ts"

interface Commanded {
  readonly commandId: string
  readonly _tag: string
  readonly origin?: Origin
  readonly dueAt?: number
  /** The version that the sender has seen: on any other one the command is refused. */
  readonly expectedSeq?: number
}

/**
 * The shell of an entity whose commands may name the version that they are meant for. It is held against the seq that
 * the decision is made on, which may be on its way to the journal still, in the same synchronous block: no other change
 * slips in between. A repeat of an accepted command is answered like every repeat, whatever the version is by then.
 */
export const make = Effect.fnUntraced(function* <
  State,
  Command extends Commanded,
  Event extends { readonly _tag: string },
  Refusal,
  Owed extends { readonly key: string } = never,
  E = never,
  R = never
>(
  model: Model<State, Command, Event, Refusal, Owed>,
  saga?: { readonly perform: (owed: Owed, state: State) => Effect.Effect<Command, E, R> }
) {
  const journal = yield* Journal
  let seq = 0
  const watched = Journal.of({
    ...journal,
    load: (entityType, entityId) =>
      Effect.tap(journal.load(entityType, entityId), ({ snapshot, tail }) =>
        Effect.sync(() => {
          seq = tail.at(-1)?.seq ?? snapshot?.seq ?? 0
        })
      ),
    appendUnsafe: (entry) => {
      seq = entry.seq
      return journal.appendUnsafe(entry)
    }
  })
  const conditional: Model<State, Command, Event, Refusal | PreconditionFailed, Owed> = {
    ...model,
    decide: (state, command, now) =>
      command.expectedSeq === undefined || command.expectedSeq === seq
        ? model.decide(state, command, now)
        : Result.fail(new PreconditionFailed({ seq }))
  }
  return yield* Effect.provideService(EventSourced.make(conditional, saga), Journal, watched)
})
