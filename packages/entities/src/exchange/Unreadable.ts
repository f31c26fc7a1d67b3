import { Schema } from "effect"

/** The rest of the body cannot be read; `row` is the last one that was. */
export class Unreadable extends Schema.TaggedError<Unreadable>()("Unreadable", {
  code: Schema.String,
  row: Schema.optionalKey(Schema.Int),
  detail: Schema.String
}) {}
