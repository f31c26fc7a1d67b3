import { Schema } from "effect"

/**
 * This activation of an entity ended, and through no fault of its own: a write was refused, its shard has gone. It is rebuilt
 * from the journal and its callers are answered then.
 */
export class ActivationLost extends Schema.TaggedError<ActivationLost>()("ActivationLost", {
  entity: Schema.String,
  reason: Schema.String
}) {}
