import { everybody } from "@halles/shared/wire/AccessRule"
import { vital } from "@halles/shared/wire/Traffic"
import { operation } from "@halles/shared/wire/Operation"
import { Region } from "@halles/shared/Region"
import { Schema } from "effect"
import { HttpApiEndpoint, HttpApiGroup, HttpApiSchema, OpenApi } from "effect/http-api"

export const ReadinessJson = Schema.Struct({
  ready: Schema.Boolean,
  nats: Schema.Boolean,
  controlDatabase: Schema.Boolean,
  /** Whether the region has a runner that answers; carts and orders of one without are answered with 503. */
  regions: Schema.Array(Schema.Struct({ region: Region, runners: Schema.Int })),
  /** The process is stopping: it answers what it has, and is sent nothing new. */
  draining: Schema.optionalKey(Schema.Boolean),
  /** Where requests are counted: while Redis is away, each edge for itself. */
  rateLimits: Schema.optionalKey(Schema.Literals(["redis", "local"]))
}).annotate({ identifier: "Readiness" })

/** Two answers have the status 503, of which the generator shows one: the state beside the problem. */
const withState = (operation: OpenApi.OpenAPISpecOperation): OpenApi.OpenAPISpecOperation => {
  const { 200: ready, 503: unavailable } = operation.responses
  const content = { ...unavailable?.content, ...ready?.content }
  return { ...operation, responses: { ...operation.responses, 503: { description: "", ...unavailable, content } } }
}

export class HealthApi extends HttpApiGroup.make("health")
  .add(
    HttpApiEndpoint.get("live", "/live", { success: Schema.Struct({ live: Schema.Literal(true) }) }).annotateMerge(
      operation({
        access: everybody,
        traffic: vital,
        summary: "The process runs",
        about: "Answers as long as the process does."
      })
    ),
    HttpApiEndpoint.get("ready", "/ready", {
      success: [ReadinessJson, ReadinessJson.pipe(HttpApiSchema.status(503))]
    })
      .annotateMerge(
        operation({
          access: everybody,
          traffic: vital,
          summary: "The process can do its work",
          about: "Whether NATS, the control database and a runner of every region answer; 503 when one does not."
        })
      )
      .annotate(OpenApi.Transform, (operation) => withState(operation as OpenApi.OpenAPISpecOperation))
  )
  .prefix("/health")
  .annotate(OpenApi.Title, "Health")
  .annotate(
    OpenApi.Description,
    "Whether the process lives and can do its work, for load balancers and supervisors."
  ) {}
