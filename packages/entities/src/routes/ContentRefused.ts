import { Fault } from "@halles/shared/wire/EdgeErrors"
import { Refusal } from "@halles/shared/wire/Refusal"
import { Schema } from "effect"

/** The body is as its schema declares and breaks a rule that no schema can state. `errors` names each field that does. */
export class ContentRefused extends Refusal<ContentRefused>()("ContentRefused", {
  status: 422,
  title: "The content of a field is not allowed there",
  fields: { errors: Schema.Array(Fault) },
  sample: { errors: [{ pointer: "/attributes/origin", detail: "Expected one of assam, ceylon" }] },
  detail: ({ errors }) =>
    errors
      .map(({ detail }) => detail)
      .join("; ")
      .slice(0, 500),
  help: "Correct each field that `errors` names, and send the whole again."
}) {
  static at(pointer: string, detail: string): ContentRefused {
    return new ContentRefused({ errors: [{ pointer, detail }] })
  }
}
