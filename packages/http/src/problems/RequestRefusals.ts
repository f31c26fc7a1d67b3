import { Effect, Layer, SchemaIssue } from "effect"
import { HttpApiMiddleware, type HttpApiError } from "effect/http-api"
import { type Fault, IdempotencyKeyRequired, InvalidRequest, MalformedId, PreconditionRequired } from "./EdgeErrors.ts"
import * as Problems from "./Problems.ts"

/** Turns what the schemas refuse into problems; on every endpoint. */
export class Refusals extends HttpApiMiddleware.Service<Refusals>()("@halles/http/Refusals", {
  error: [
    Problems.invalidRequest,
    Problems.malformedId,
    Problems.idempotencyKeyRequired,
    Problems.payloadTooLarge,
    Problems.unsupportedMediaType,
    Problems.malformedRequest,
    Problems.requestTimeout,
    Problems.targetTooLong,
    Problems.headersTooLarge,
    Problems.tooManyAtOnce,
    Problems.addressDenied,
    Problems.rateLimited,
    Problems.challengeRequired,
    Problems.overloaded,
    Problems.faultInjected,
    Problems.internalError,
    Problems.preconditionRequired,
    Problems.unavailable,
    Problems.entityParked,
    Problems.tooLarge
  ]
}) {}

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

export const RefusalsLive: Layer.Layer<Refusals> = HttpApiMiddleware.layerSchemaErrorTransform(
  Refusals,
  (error: HttpApiError.HttpApiSchemaError) => {
    if (error.kind === "Body" || error.kind === "ResponseHeaders") return Effect.die(error)
    const errors = faultsOf(error.cause.issue, error.kind)
    if (error.kind === "Params") return Effect.fail(new MalformedId({ parameter: errors[0]?.parameter ?? "id" }))
    const lacks = (name: string) => errors.some(({ detail, header }) => header === name && detail === "Required")
    if (lacks("idempotency-key")) return Effect.fail(new IdempotencyKeyRequired())
    return Effect.fail(lacks("if-match") ? new PreconditionRequired() : new InvalidRequest({ errors }))
  }
)
