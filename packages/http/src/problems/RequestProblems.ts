import * as EdgeErrors from "./EdgeErrors.ts"
import * as Problem from "./Problem.ts"

// What both contracts may say of a request: that of the edge, and that of the operator process, which the page loads.

export const malformedId = Problem.of(EdgeErrors.MalformedId, {
  title: "There is no such thing",
  sample: { parameter: "id" },
  detail: ({ parameter }) => `The path has no valid ${parameter}.`
})

/** `pointer` and `fault` are the example that the document shows. */
export const invalidRequestOf = (pointer: string, fault: string) =>
  Problem.of(EdgeErrors.InvalidRequest, {
    title: "The request does not follow the contract",
    sample: { errors: [{ pointer, detail: fault }] },
    detail: ({ errors }) =>
      errors
        .map(({ detail }) => detail)
        .join("; ")
        .slice(0, 500)
  })
