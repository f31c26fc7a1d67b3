import { DeliverPolicy, type JsMsg, jetstream, jetstreamManager, type OrderedConsumerOptions } from "@nats-io/jetstream"
import { Nats } from "@halles/shared/clients/Nats"
import type { Region } from "@halles/shared/Region"
import * as Subject from "@halles/shared/Subject"
import { Effect } from "effect"
import { randomBytes } from "node:crypto"

/** What a consumer says when it no longer follows its stream. */
const brokenStatuses: ReadonlySet<string> = new Set([
  "heartbeats_missed",
  "consumer_not_found",
  "stream_not_found",
  "ordered_consumer_recreated"
])

/** The messages of a region's event stream that have rows of one entity type, and maybe others. */
export const make = Effect.fnUntraced(function* (region: Region, entityType: string) {
  const nats = yield* Nats
  const stream = Subject.eventStream(region)
  const filter = Subject.eventsOf(region, entityType)
  const manager = Effect.tryPromise(() => jetstreamManager(nats))

  /** Whether the stream has all that follows that place. It has not if that was dropped, or if the stream was made anew. */
  const goesOnFrom = Effect.fnUntraced(function* (seq: number) {
    const { streams } = yield* manager
    const { state } = yield* Effect.tryPromise(() => streams.info(stream))
    return state.first_seq <= seq + 1 && seq <= state.last_seq
  })

  /** The place of the newest message; 0 if there is none. */
  const last = Effect.gen(function* () {
    const { streams } = yield* manager
    return (yield* Effect.tryPromise(() => streams.getMessage(stream, { last_by_subj: filter })))?.seq ?? 0
  })

  const consume = (
    from: Partial<OrderedConsumerOptions>,
    onMessage: (message: JsMsg) => void,
    begun: Effect.Effect<void>
  ) =>
    Effect.acquireUseRelease(
      Effect.tryPromise(async () => {
        const consumer = await jetstream(nats).consumers.get(stream, {
          // Of each try its own: the server keeps the consumer of a process that has died for a while.
          name_prefix: `search_${region}_${randomBytes(4).toString("hex")}`,
          filter_subjects: filter,
          ...from
        })
        return await consumer.consume({ callback: onMessage })
      }),
      (messages) =>
        Effect.andThen(
          begun,
          Effect.tryPromise(async () => {
            for await (const { type } of messages.status()) if (brokenStatuses.has(type)) return
          })
        ),
      (messages) => Effect.promise(() => messages.close())
    )

  /** Delivers what follows that place. It ends when the consumer does; an ordered consumer fills gaps of the stream itself. */
  const deliver = (after: number, onMessage: (message: JsMsg) => void) =>
    consume({ deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: after + 1 }, onMessage, Effect.void)

  /** Says that something new has come, and not what. `begun` is run once whatever comes from then on is said. */
  const news = (onNews: (message: JsMsg) => void, begun: Effect.Effect<void>) =>
    consume({ deliver_policy: DeliverPolicy.New, headers_only: true }, onNews, begun)

  return { goesOnFrom, last, deliver, news }
})
