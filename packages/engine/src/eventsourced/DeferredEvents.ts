import { Deferred, type Effect } from "effect"
import type { Refused } from "../journal/GroupCommit.ts"

/** Events that are deferred are written after this if nothing else is. */
export const deferMs = 250

/** Events that an activation has applied and that no row has yet. */
export interface DeferredEvents<Command> {
  /** As they will be written; together with a command's own they may be too large for one row, by themselves they are not. */
  readonly encoded: ReadonlyArray<unknown>
  /** The command that led to the last of them; `null` while all are from the model's `resumed`. */
  readonly last: Command | null
  /** Done with the commit of their row as soon as that is in line for the journal. */
  readonly commit: Deferred.Deferred<Effect.Effect<Refused | null>>
}

export const none = (): DeferredEvents<never> => ({ encoded: [], last: null, commit: Deferred.makeUnsafe() })
