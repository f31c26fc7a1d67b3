import { Context, type Effect, Schema } from "effect"
import type { EntityAddress } from "effect/cluster"

/**
 * The entity did nothing but die or hang, and is parked: every call is refused until an operator resumes it. A failure of
 * the cluster, as `MailboxFull` is: no contract names it, any call may fail with it. Nothing was decided.
 */
export class EntityParked extends Schema.TaggedError<EntityParked>()(
  "EntityParked",
  {
    /** `Cart/eu_7f3a` */
    entity: Schema.String
  },
  { httpApiStatus: 503 }
) {}

/**
 * The entity died of this very command again and again, and does not try it any more for a while: a defect for whoever sent
 * it. What came of the command is unknown; sent again under its id it most likely kills again.
 */
export class CommandDeadly extends Schema.TaggedError<CommandDeadly>()("CommandDeadly", { entity: Schema.String }) {}

/** Why an entity was parked; shown to operators, so without personal data. */
export interface ParkedBecause {
  readonly cause: string
  /** Deaths and hangs in a row. */
  readonly tries: number
}

/** Keeps an entity parked from now on, whoever owns its shard. Without it, as in a simulation, what dies is rebuilt for ever. */
export class Parking extends Context.Service<
  Parking,
  { readonly park: (address: EntityAddress.EntityAddress, because: ParkedBecause) => Effect.Effect<void> }
>()("@halles/engine/Parking") {}
