import { Nats } from "@halles/shared/clients/Nats"
import { RunnerPresence } from "@halles/engine/placement/RunnerPresence"
import { Effect, Option } from "effect"
import { HttpServerResponse } from "effect/http"
import { HttpApiBuilder } from "effect/http-api"
import { SqlClient } from "effect/sql"
import { Api } from "../Api.ts"
import { AdmissionControl } from "../admission/AdmissionControl.ts"
import { readiness } from "./Readiness.ts"

export const HealthHttp = HttpApiBuilder.group(
  Api,
  "health",
  Effect.fnUntraced(function* (handlers) {
    const services = yield* Effect.context<Nats | SqlClient.SqlClient | RunnerPresence>()
    const admission = Option.getOrUndefined(yield* Effect.serviceOption(AdmissionControl))
    return handlers.handleAll({
      live: () => Effect.succeed({ live: true } as const),
      ready: () =>
        Effect.map(Effect.provideContext(readiness, services), (reached) => {
          const own = admission?.state()
          const ready = reached.ready && own?.draining !== true
          return HttpServerResponse.jsonUnsafe({ ...reached, ...own, ready }, { status: ready ? 200 : 503 })
        })
    })
  })
)
