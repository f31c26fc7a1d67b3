import { Context, type Schema } from "effect"
import { OpenApi } from "effect/http-api"
import { AccessRule, type Rule } from "./AccessRule.ts"
import { Traffic, type Worth } from "./Traffic.ts"

/** Annotation of an endpoint: a body as a client may send it. A test holds it against the schema. */
export class Example extends Context.Service<Example, unknown>()("@halles/shared/wire/Example") {}

/** Annotation of an endpoint: its answers are the same for everybody, and may be kept. */
export const Shared = Context.Reference<boolean>("@halles/shared/wire/Shared", { defaultValue: () => false })

/** Annotation of an endpoint: the message of an entity type whose answer it shows whole, and how. */
export const Shows = Context.Reference<{
  readonly type: string
  readonly message: string
  readonly json: Schema.Top
} | null>("@halles/shared/wire/Shows", { defaultValue: () => null })

/** What stands beside an endpoint. */
export interface Operation {
  readonly access: Rule
  /** Without it, by the method. */
  readonly traffic?: Worth
  /** A line in the list of operations, and what a reader has to know besides. */
  readonly summary: string
  readonly about?: string
  /** A body of the request. */
  readonly example?: unknown
}

/** The same as annotations: `endpoint.annotateMerge(operation({ … }))`. */
export const operation = ({ about, access, example, summary, traffic }: Operation): Context.Context<AccessRule> => {
  let context: Context.Context<AccessRule> = Context.make(AccessRule, access).pipe(
    Context.add(OpenApi.Summary, summary)
  )
  if (about !== undefined) context = Context.add(context, OpenApi.Description, about)
  if (traffic !== undefined) context = Context.add(context, Traffic, traffic)
  if (example !== undefined) context = Context.add(context, Example, example)
  return context
}

/** Beside what a client may repeat with its key. */
export const repeated = "Repeated with the same `Idempotency-Key` it takes effect once."
