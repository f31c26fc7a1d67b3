import { changes, looks, type Rule } from "@halles/shared/wire/AccessRule"
import { named } from "@halles/shared/wire/Named"
import { operation } from "@halles/shared/wire/Operation"
import * as Refusal from "@halles/shared/wire/Refusal"
import { NotFound } from "@halles/engine/eventsourced/EntityErrors"
import { Schema } from "effect"
import { HttpApiEndpoint, HttpApiGroup, HttpApiSchema, OpenApi } from "effect/http-api"
import { Fault, Wanted } from "./InjectedFaults.ts"

const sample = {
  id: "flt_3fa1c07be852",
  target: "route:getProduct",
  kind: "latency",
  latencyMs: 400,
  percent: 10,
  reason: "does the shop stay usable",
  startedBy: "account-1",
  startedAt: 1_793_600_000_000,
  endsAt: 1_793_600_300_000
}
const { target, kind, latencyMs, percent, reason } = sample

const changeOfFaults: Rule = { ...changes, scopes: ["ops:write"], roles: { "ops-write": "any" }, audited: "always" }

export const FaultJson = Fault.pipe(named("Fault", sample))
export const FaultsJson = Schema.Struct({ items: Schema.Array(FaultJson), next: Schema.Null }).pipe(
  named("Faults", { items: [sample], next: null })
)

export class FaultApi extends HttpApiGroup.make("faults")
  .add(
    HttpApiEndpoint.get("listFaults", "/faults", { success: FaultsJson }).annotateMerge(
      operation({
        access: { ...looks, scopes: ["ops:read"], roles: { "ops-read": "any", "ops-write": "any" } },
        summary: "What is made to go wrong at the moment",
        about: "At every edge. What has ended is in the audit log."
      })
    ),
    HttpApiEndpoint.post("startFault", "/faults", {
      payload: Wanted,
      success: FaultJson.pipe(HttpApiSchema.status(201)),
      error: [Refusal.of(NotFound)]
    }).annotateMerge(
      operation({
        access: { ...changeOfFaults, asks: ["reason"] },
        summary: "Make something go wrong for a while",
        example: { target, kind, latencyMs, percent, seconds: 300, reason },
        about:
          "A share of a route's requests, or of the edge's calls to a region's entities, a region's database or Redis, is slow, fails or gets no answer. Routes of health, webhooks and faults cannot be chosen. At most 20 at a time: what ends first makes place. Needs a sign-in with two factors, and is written to the audit log with its reason."
      })
    ),
    HttpApiEndpoint.delete("endFault", "/faults/:faultId", {
      params: { faultId: Fault.fields.id },
      success: HttpApiSchema.NoContent,
      error: [Refusal.of(NotFound)]
    }).annotateMerge(
      operation({
        access: changeOfFaults,
        summary: "Let it be right again before its time",
        about: "As if its time were over."
      })
    )
  )
  .prefix("/v1/ops")
  .annotate(OpenApi.Title, "Faults")
  .annotate(
    OpenApi.Description,
    "What operators let go wrong on purpose at the edge, to see what follows. Nothing unless somebody asks, always with an end."
  ) {}
