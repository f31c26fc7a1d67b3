import { Clock, Context, Effect, Layer, Schedule } from "effect"
import { SqlClient } from "effect/sql"
import { Worker } from "node:worker_threads"
import { BasketModel } from "../recommend/BasketModel.ts"
import type { Lessons } from "../recommend/Lessons.ts"
import { Following } from "./Following.ts"

/** Orders that the model is made of, the newest ones. */
export const ordersMax = 20_000
/** How often the process looks for new orders; it makes the model anew if there are any. */
const every = "1 hour"

/** Seconds of work, in a thread of its own: queries are answered meanwhile. */
const learnApart = (baskets: ReadonlyArray<ReadonlyArray<string>>) =>
  Effect.callback<Lessons, unknown>((resume) => {
    const worker = new Worker(new URL("../recommend/basketWorker.ts", import.meta.url), {
      workerData: baskets,
      execArgv: []
    })
    worker.once("message", (lessons: Lessons) => resume(Effect.succeed(lessons)))
    const failed = (cause: unknown) => resume(Effect.fail(cause))
    worker.once("error", failed)
    worker.once("exit", failed)
    return Effect.promise(() => worker.terminate())
  })

/** What was bought together in a region, from its orders. */
export class Recommending extends Context.Service<
  Recommending,
  { readonly current: () => { readonly model: BasketModel; readonly madeAt: number } }
>()("@halles/search/Recommending") {
  static readonly layer = Layer.effect(
    Recommending,
    Effect.suspend(() => make)
  )
}

const none = { model: new BasketModel({ names: [], counts: [], speaks: [], baskets: 0 }), madeAt: 0 }

const make = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const { catalogue } = yield* Following
  let current: { readonly model: BasketModel; readonly madeAt: number } = none
  let newest = ""

  const makeModel = Effect.gen(function* () {
    const [last] = yield* sql<{ last: string | null }>`
      SELECT max(placed_at)::text || ' ' || count(*) AS last FROM order_view WHERE status <> 'cancelled'`
    const seen = last?.last ?? ""
    if (seen === newest || seen === "") return
    const rows = yield* sql<{ skus: ReadonlyArray<string> }>`
      SELECT jsonb_path_query_array(j.events, '$[*].draft.lines[*].sku') AS skus
      FROM (SELECT id, placed_at FROM order_view WHERE status <> 'cancelled' ORDER BY placed_at DESC LIMIT ${ordersMax}) o
      CROSS JOIN LATERAL (
        SELECT events FROM journal_all WHERE entity_type = 'Order' AND entity_id = o.id AND seq = 1) j
      ORDER BY o.placed_at`
    const model = new BasketModel(yield* learnApart(rows.map(({ skus }) => skus)))
    current = { model, madeAt: yield* Clock.currentTimeMillis }
    newest = seen
    catalogue.noteSales(new Map(model.popular))
    yield* Effect.logInfo(`Recommendations are made of ${model.baskets} orders`)
  }).pipe(Effect.catchCause((cause) => Effect.logWarning("Recommendations cannot be made, trying again later", cause)))

  yield* Effect.forkScoped(Effect.repeat(makeModel, Schedule.spaced(every)))
  return Recommending.of({ current: () => current })
})
