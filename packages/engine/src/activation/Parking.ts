import { Refusal } from "@halles/shared/wire/Refusal"
import { Context, type Effect, Schema } from "effect"
import type { EntityAddress } from "effect/cluster"

/**
 * The entity did nothing but die or hang, and is parked: every call is refused until an operator resumes it. A failure of
 * the cluster, as `MailboxFull` is: no contract names it, any call may fail with it. Nothing was decided.
 */
export class EntityParked extends Refusal<EntityParked>()("EntityParked", {
  status: 503,
  title: "Out of order until somebody has looked at it",
  fields: {
    /** `Cart/eu_7f3a` */
    entity: Schema.String
  },
  sample: { entity: "Cart/eu_Qm3vXr8Kd0ZtWbYp5nLc2A" },
  detail: ({ entity }) => `${entity} failed again and again. Nothing was done, and our operators know of it.`,
  help: "Trying again at once does not help: an operator has to let it go on. The same request with the same idempotency key is safe at any time.",
  headers: { "retry-after": "60" }
}) {}

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
