import { Nats } from "@halles/shared/Nats"
import { RunnerPresence } from "@halles/shared/RunnerPresence"
import { Effect } from "effect"
import { HttpServerResponse } from "effect/http"
import { HttpApiBuilder } from "effect/http-api"
import { SqlClient } from "effect/sql"
import { Api } from "./Api.ts"
import { readiness } from "./Readiness.ts"

export const HealthHttp = HttpApiBuilder.group(
  Api,
  "health",
  Effect.fnUntraced(function* (handlers) {
    const services = yield* Effect.context<Nats | SqlClient.SqlClient | RunnerPresence>()
    return handlers.handleAll({
      live: () => Effect.succeed({ live: true } as const),
      ready: () =>
        Effect.map(Effect.provideContext(readiness, services), (state) =>
          HttpServerResponse.jsonUnsafe(state, { status: state.ready ? 200 : 503 })
        )
    })
  })
)
