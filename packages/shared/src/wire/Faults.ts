import { SchemaIssue } from "effect"
import type { Fault } from "./EdgeErrors.ts"

// What is wrong with a request, for its sender.

/** Reported at once; the rest would only make the answer larger than the request. */
const faultsMax = 20

/** Says what was expected; what was sent is not repeated (Schema reports it only when asked): it may be personal, or large. */
const leaf = (issue: SchemaIssue.Leaf): string => {
  if (issue._tag === "UnexpectedKey") return "Unknown field"
  if (issue._tag === "MissingKey") return "Required"
  return SchemaIssue.defaultLeafHook(issue)
}
const format = SchemaIssue.makeFormatterStandardSchemaV1({ leafHook: leaf })

/** RFC 6901. */
const pointer = (path: ReadonlyArray<PropertyKey>): string =>
  path.map((key) => `/${String(key).replaceAll("~", "~0").replaceAll("/", "~1")}`).join("")

const slots = { Params: "parameter", Query: "parameter", Headers: "header" } as const

export const faultsOf = (issue: SchemaIssue.Issue, kind: "Payload" | keyof typeof slots): ReadonlyArray<Fault> =>
  format(issue)
    .issues.slice(0, faultsMax)
    .map(({ message, path = [] }) => {
      const keys = path.map((key) => (typeof key === "object" ? key.key : key))
      return kind === "Payload"
        ? { pointer: pointer(keys), detail: message }
        : { [slots[kind]]: String(keys[0] ?? ""), detail: message }
    })
