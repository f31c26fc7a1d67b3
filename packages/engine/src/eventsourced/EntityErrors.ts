import { Refusal } from "@halles/shared/wire/Refusal"
import { Schema } from "effect"

/** Nothing was ever written under this id. */
export class NotFound extends Refusal<NotFound>()("NotFound", {
  status: 404,
  title: "There is no such thing",
  fields: { entity: Schema.String, id: Schema.String },
  sample: { entity: "Cart", id: "eu_Qm3vXr8Kd0ZtWbYp5nLc2A" },
  detail: ({ entity, id }) => `No ${entity} has the id ${id}.`
}) {}

/** The id is taken by something that another command created. */
export class AlreadyExists extends Refusal<AlreadyExists>()("AlreadyExists", {
  status: 409,
  title: "The id is taken",
  fields: { entity: Schema.String, id: Schema.String },
  sample: { entity: "Cart", id: "eu_Qm3vXr8Kd0ZtWbYp5nLc2A" },
  detail: ({ entity, id }) => `Another ${entity} has the id ${id}.`
}) {}

/** The command id was used before for something else. */
export class CommandReused extends Schema.TaggedError<CommandReused>()(
  "CommandReused",
  {
    commandId: Schema.String
  },
  { httpApiStatus: 422 }
) {}

/** The runner's journal queue is full: nothing was decided, try again after a moment. */
export class Busy extends Schema.TaggedError<Busy>()("Busy", {}, { httpApiStatus: 503 }) {}

/** The entity is not at the version that the command is meant for; it is at `seq`. Nothing was written. */
export class PreconditionFailed extends Refusal<PreconditionFailed>()("PreconditionFailed", {
  status: 412,
  title: "The resource has changed",
  fields: { seq: Schema.Int },
  detail: ({ seq }) => `If-Match names another version than "${seq}", which it is now. Nothing was written.`
}) {}
