import { Schema } from "effect"
import { Unavailable } from "@halles/shared/wire/EdgeErrors"
import * as Problem from "@halles/shared/wire/Problem"
import { Refusal } from "@halles/shared/wire/Refusal"

/** What was asked for does not fit what is there: the reason says what, and nothing was changed. */
export class NotPossible extends Refusal<NotPossible>()("NotPossible", {
  status: 409,
  title: "Not possible now",
  fields: { reason: Schema.String },
  sample: { reason: "eu-9 is not there" },
  detail: ({ reason }) => reason
}) {}

/** A change that a browser was made to send, or sent without the header that a form cannot. */
export class ForeignRequest extends Refusal<ForeignRequest>()("ForeignRequest", {
  status: 403,
  title: "Not from another page",
  detail: "A change needs the header Halles-Operator: 1, and must come from the operators' own page."
}) {}

/** Operators send no idempotency key. */
export const unavailable = Problem.of(Unavailable, {
  title: "Not available at the moment",
  detail: () => "Try again after a moment; asking for the same change again does it once.",
  headers: Problem.retryAfter
})
