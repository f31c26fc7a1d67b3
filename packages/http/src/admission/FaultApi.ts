import { Schema } from "effect"
import { HttpApiEndpoint, HttpApiGroup, HttpApiSchema, OpenApi } from "effect/http-api"
import { Fault, Wanted } from "./InjectedFaults.ts"
import * as Problems from "../problems/Problems.ts"

export const FaultJson = Fault.annotate({ identifier: "Fault" })
export const FaultsJson = Schema.Struct({ items: Schema.Array(FaultJson), next: Schema.Null }).annotate({
  identifier: "Faults"
})

export class FaultApi extends HttpApiGroup.make("faults")
  .add(
    HttpApiEndpoint.get("listFaults", "/faults", { success: FaultsJson }).annotate(
      OpenApi.Summary,
      "What is made to go wrong at the moment"
    ),
    HttpApiEndpoint.post("startFault", "/faults", {
      payload: Wanted,
      success: FaultJson.pipe(HttpApiSchema.status(201)),
      error: [Problems.notFound]
    }).annotate(OpenApi.Summary, "Make something go wrong for a while"),
    HttpApiEndpoint.delete("endFault", "/faults/:faultId", {
      params: { faultId: Fault.fields.id },
      success: HttpApiSchema.NoContent,
      error: [Problems.notFound]
    }).annotate(OpenApi.Summary, "Let it be right again before its time")
  )
  .prefix("/v1/ops")
  .annotate(OpenApi.Title, "Faults") {}
