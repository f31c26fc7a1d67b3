import { NotFound } from "@halles/engine/eventsourced/EntityErrors"
import { Schema } from "effect"
import * as EdgeErrors from "../problems/EdgeErrors.ts"
import { invalidRequestOf } from "../problems/RequestProblems.ts"
import * as Problem from "../problems/Problem.ts"

/** What was asked for does not fit what is there: the reason says what, and nothing was changed. */
export class NotPossible extends Schema.TaggedError<NotPossible>()(
  "NotPossible",
  { reason: Schema.String },
  { httpApiStatus: 409 }
) {}

/** A change that a browser was made to send, or sent without the header that a form cannot. */
export class ForeignRequest extends Schema.TaggedError<ForeignRequest>()(
  "ForeignRequest",
  {},
  { httpApiStatus: 403 }
) {}

export const notPossible = Problem.of(NotPossible, {
  title: "Not possible now",
  sample: { reason: "eu-9 is not there" },
  detail: ({ reason }) => reason
})
export const foreignRequest = Problem.of(ForeignRequest, {
  title: "Not from another page",
  detail: () => "A change needs the header Halles-Operator: 1, and must come from the operators' own page."
})
export const notFound = Problem.of(NotFound, {
  title: "There is no such thing",
  sample: { entity: "Order", id: "eu_Qm3vXr8Kd0ZtWbYp5nLc2A" },
  detail: ({ entity, id }) => `No ${entity} has the id ${id}.`
})
export { forbidden, strongerSignInRequired, unauthorized } from "../access/AccessProblems.ts"
export const invalidRequest = invalidRequestOf("/reason", "Required")
export { malformedId } from "../problems/RequestProblems.ts"
export const unavailable = Problem.of(EdgeErrors.Unavailable, {
  title: "Not available at the moment",
  detail: () => "Try again after a moment; asking for the same change again does it once.",
  headers: { "retry-after": String(Problem.retryAfterSeconds) }
})
