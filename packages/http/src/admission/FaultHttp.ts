import { NotFound } from "@halles/engine/eventsourced/EntityErrors"
import { AuditLog } from "@halles/shared/audit/AuditLog"
import { Effect, Option } from "effect"
import { HttpServerResponse } from "effect/http"
import { HttpApiBuilder } from "effect/http-api"
import { type Noted, note } from "../access/Held.ts"
import { Api } from "../Api.ts"
import * as Answers from "@halles/shared/wire/Answers"
import type { FaultJson } from "./FaultApi.ts"
import { Faults } from "./InjectedFaults.ts"
import { Principal } from "@halles/shared/wire/Principal"
import { mayFail } from "../openapi/RouteTable.ts"

export const FaultHttp = HttpApiBuilder.group(
  Api,
  "faults",
  Effect.fnUntraced(function* (handlers) {
    const faults = yield* Faults
    const audit = yield* AuditLog
    const noted = (act: Noted) => Effect.provideService(note(act), AuditLog, audit)
    return handlers.handleAll({
      listFaults: ({ request }) => Effect.map(faults.list, (items) => Answers.listed(request, { items, next: null })),
      startFault: Effect.fnUntraced(function* ({ payload }) {
        const [kind = "", name = ""] = payload.target.split(":")
        // What keeps the edge in its operators' hands cannot be made to fail.
        if (kind === "route" && !mayFail(name)) return yield* new NotFound({ entity: "Route", id: name })
        const { subject } = yield* Principal
        const { kind: what, percent, reason, seconds, target } = payload
        const act = { action: "fault.start", subject: target, outcome: "allowed", reason } as const
        yield* noted({ ...act, details: { kind: what, percent, seconds } })
        const fault = yield* faults.start(payload, subject)
        return HttpServerResponse.jsonUnsafe(fault satisfies typeof FaultJson.Encoded, {
          status: 201,
          headers: { location: `/v1/ops/faults/${fault.id}`, "cache-control": "no-store" }
        })
      }),
      endFault: Effect.fnUntraced(function* ({ params }) {
        yield* noted({ action: "fault.end", subject: params.faultId, outcome: "allowed" })
        const ended = yield* faults.end(params.faultId)
        if (Option.isNone(ended)) return yield* new NotFound({ entity: "Fault", id: params.faultId })
      })
    })
  })
)
