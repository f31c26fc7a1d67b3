import { Schema } from "effect"

/** Nothing was ever written under this id. */
export class NotFound extends Schema.TaggedError<NotFound>()(
  "NotFound",
  {
    entity: Schema.String,
    id: Schema.String
  },
  { httpApiStatus: 404 }
) {}

/** The id is taken by something that another command created. */
export class AlreadyExists extends Schema.TaggedError<AlreadyExists>()(
  "AlreadyExists",
  {
    entity: Schema.String,
    id: Schema.String
  },
  { httpApiStatus: 409 }
) {}

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
export class PreconditionFailed extends Schema.TaggedError<PreconditionFailed>()(
  "PreconditionFailed",
  {
    seq: Schema.Int
  },
  { httpApiStatus: 412 }
) {}
