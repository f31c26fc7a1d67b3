import { Fault } from "@halles/shared/wire/EdgeErrors"
import { Refusal } from "@halles/shared/wire/Refusal"
import { Schema } from "effect"

/** What was sent has the form that the document asks for, and breaks a rule that a form cannot say; each field that does is named. */
export class ContentRefused extends Refusal<ContentRefused>()("ContentRefused", {
  status: 422,
  title: "What was sent does not hold together",
  fields: { errors: Schema.Array(Fault) },
  sample: { errors: [{ pointer: "/attributes/origin", detail: "Expected one of assam, ceylon" }] },
  detail: ({ errors }) =>
    errors
      .map(({ detail }) => detail)
      .join("; ")
      .slice(0, 500),
  help: "Correct each field that `errors` names, and send the whole again."
}) {}
