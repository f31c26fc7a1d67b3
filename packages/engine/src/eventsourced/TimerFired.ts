import { commandFields } from "@halles/shared/Command"
import { Schema } from "effect"

/** The entity's timer is due: do what the time now calls for. Sent by the runner that owns the shard, as often as needed. */
export class TimerFired extends Schema.TaggedClass<TimerFired>()("TimerFired", {
  ...commandFields,
  /** Of the timer that fired, in Unix milliseconds; absent if no timer sent the message. */
  dueAt: Schema.optionalKey(Schema.Int)
}) {}
