import { DeliverPolicy, type JsMsg, jetstream } from "@nats-io/jetstream"
import { rowsOf } from "@halles/engine/journal/EventMessage"
import { sharedKey } from "@halles/entities/routes/Edge"
import { Nats } from "@halles/shared/clients/Nats"
import { type Region, regions } from "@halles/shared/Region"
import * as Subject from "@halles/shared/Subject"
import { Effect, Layer, Schedule } from "effect"
import { ResponseCache } from "./ResponseCache.ts"

/** Events of so long ago are told again at the start: as long as an answer lives in Redis, and a little more. */
const backMs = 75_000

/** Each region's stream of product events makes its products' answers old; one that is not heard tells nothing of its own. */
export const Invalidation = Layer.effectDiscard(
  Effect.gen(function* () {
    const nats = yield* Nats
    const cache = yield* ResponseCache
    const context = yield* Effect.context<never>()
    const heard = new Set<Region>()
    const hear = (region: Region, isHeard: boolean) => {
      if (isHeard) heard.add(region)
      else heard.delete(region)
      cache.setHeard(region, isHeard)
    }
    const onMessage = (message: JsMsg) => {
      const products = rowsOf(message.string()).filter(({ type }) => type === "Product")
      for (const id of new Set(products.map(({ id }) => id))) {
        Effect.runForkWith(context)(cache.invalidate(sharedKey("Product", id)))
      }
    }
    /** Ends when the consumer does; an ordered consumer fills gaps itself. */
    const follow = (region: Region) =>
      Effect.acquireUseRelease(
        Effect.tryPromise(async () => {
          const consumer = await jetstream(nats).consumers.get(Subject.eventStream(region), {
            filter_subjects: Subject.eventsOf(region, "Product"),
            deliver_policy: DeliverPolicy.StartTime,
            opt_start_time: new Date(Date.now() - backMs).toISOString()
          })
          return await consumer.consume({ callback: onMessage })
        }),
        (messages) =>
          Effect.tryPromise(async () => {
            hear(region, true)
            for await (const { type } of messages.status()) {
              if (type === "heartbeats_missed" || type === "consumer_not_found" || type === "stream_not_found") {
                hear(region, false)
              } else if (type === "next" || type === "ordered_consumer_recreated" || type === "heartbeat") {
                if (!heard.has(region)) hear(region, true)
              }
            }
          }),
        (messages) =>
          Effect.promise(async () => {
            hear(region, false)
            await messages.close()
          })
      ).pipe(Effect.ignore, Effect.repeat(Schedule.spaced("1 second")), Effect.interruptible)
    yield* Effect.forEach(regions, (region) => Effect.forkScoped(follow(region)), { discard: true })
  })
)
