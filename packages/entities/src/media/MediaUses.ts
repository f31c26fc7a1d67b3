import type { JsMsg } from "@nats-io/jetstream"
import * as EntityClient from "@halles/engine/activation/EntityClient"
import * as EventConsumer from "@halles/engine/journal/EventConsumer"
import { rowsOf } from "@halles/engine/journal/EventMessage"
import { Nats } from "@halles/shared/clients/Nats"
import { CommandId } from "@halles/shared/Ids"
import type { Region } from "@halles/shared/Region"
import { Effect, Schedule, Schema, Stream } from "effect"
import { SqlClient } from "effect/sql"
import { Product } from "../catalogue/Product.ts"
import { Category } from "../category/Category.ts"
import { Media, type MediaId, ReleaseMedia, UseMedia } from "./Media.ts"
import { Change, type ShownMedia, toldBy } from "./ShownMedia.ts"

/** How long a request for messages lasts, and the rest before the consumer is opened again. */
const requestMs = 5_000
const retryEvery = "2 seconds"
/** Messages that are here before their turn. */
const fetchMax = 10
/** What a runner held that has died comes again after this. */
const ackWaitMs = 30_000
/** A message whose media could not be told comes again after this, each time later. */
const againMs = 2_000
const againMsMax = 60_000
/** Media of one entity that are told at a time. */
const tellsAtOnce = 8

/** What an entity shows at a version. */
interface Shows {
  readonly media: ShownMedia
  readonly seq: number
}

/** A type of entities that show media: how one of them is asked what it shows, and the event that tells of a change. */
interface Showing {
  readonly type: string
  readonly event: string
  readonly shows: (id: string) => Effect.Effect<Shows, unknown>
}
const makeShowing = Effect.gen(function* () {
  const product = yield* EntityClient.make(Product)
  const category = yield* EntityClient.make(Category)
  const productShows = Effect.fnUntraced(function* (id: string) {
    const { media = [], seq } = yield* product(id).View()
    return { media, seq }
  })
  const categoryShows = Effect.fnUntraced(function* (id: string) {
    const { media = [], removed, seq } = yield* category(id).View()
    return { media: removed ? [] : media, seq }
  })
  return [
    { type: "Product", event: "ProductMediaChanged", shows: productShows },
    { type: "Category", event: "CategoryMediaChanged", shows: categoryShows }
  ] as const satisfies ReadonlyArray<Showing>
})

const decodeChange = Schema.decodeUnknownEffect(Change)
const decodeRow = Schema.decodeUnknownEffect(Schema.fromJsonString(Schema.Struct({ seq: Schema.Int })))

/**
 * Tells the media that the rows of a message are about who shows them, or shows them no more. Which of the two it is, it asks the
 * entity: the row may be old. It asks again afterwards, until nothing has changed meanwhile, so that the last word is what the entity says.
 */
const makeTold = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const media = yield* EntityClient.make(Media)
  const tell = (by: string, { media: shown, seq }: Shows, id: MediaId) => {
    const isShown = shown.includes(id)
    const commandId = CommandId.make(`${toldBy}${by}:${seq}:${isShown ? "use" : "end"}`)
    const fields = { commandId, origin: { actor: "media" }, by }
    const told = isShown ? media(id).UseMedia(new UseMedia(fields)) : media(id).ReleaseMedia(new ReleaseMedia(fields))
    // What was never declared, is gone or has too many uses cannot be told: whoever shows it shows nothing.
    return Effect.catchTag(Effect.asVoid(told), ["NotFound", "MediaGone", "TooManyUses"], () => Effect.void)
  }
  /** From the journal, since a message has only the tags of a row that is too large. */
  const changed = Effect.fnUntraced(function* ({ event, type }: Showing, id: string, seq: number) {
    const rows = yield* sql<{ event: unknown }>`
      SELECT e.event FROM journal_all j, jsonb_array_elements(j.events) AS e(event)
      WHERE j.entity_type = ${type} AND j.entity_id = ${id} AND j.seq = ${seq} AND e.event ->> '_tag' = ${event}`
    const changes = yield* Effect.forEach(rows, (row) => decodeChange(row.event))
    return changes.flatMap(({ added, removed }) => [...added, ...removed])
  })
  return (showing: Showing, body: string) =>
    Effect.forEach(
      rowsOf(body).filter((row) => row.type === showing.type && row.text.includes(`"_tag":"${showing.event}"`)),
      Effect.fnUntraced(function* ({ id, text }) {
        const ids = yield* changed(showing, id, (yield* decodeRow(text)).seq)
        let now = yield* showing.shows(id)
        while (true) {
          const at = now
          yield* Effect.forEach(ids, (one) => tell(`${showing.type}:${id}`, at, one), {
            concurrency: tellsAtOnce,
            discard: true
          })
          now = yield* showing.shows(id)
          if (now.seq === at.seq) return
        }
      }),
      { discard: true }
    )
})

/** Tells the media which the rows of a message are about, as `run` does. */
export const makeHeard = Effect.map(
  Effect.all([makeShowing, makeTold]),
  ([showing, told]) =>
    (body: string) =>
      Effect.forEach(showing, (one) => told(one, body), { discard: true })
)

/** Follows the events of one type, for ever, and tells the media which they are about. */
const follow = (region: Region, showing: Showing) =>
  Effect.gen(function* () {
    const { type } = showing
    const nats = yield* Nats
    const told = yield* makeTold
    const reader = { name: `media_${type.toLowerCase()}`, entityType: type, ackWaitMs, inFlightMax: fetchMax }
    const consumer = yield* EventConsumer.open(nats, region, reader, { streamSeq: 1 })
    const hear = (message: JsMsg) =>
      told(showing, message.string()).pipe(
        Effect.tapError((error) => Effect.logWarning(`What ${type} shows could not be told, trying again`, error)),
        Effect.match({
          onSuccess: () => message.ack(),
          onFailure: () => message.nak(Math.min(againMs * message.info.deliveryCount, againMsMax))
        })
      )
    return yield* Effect.acquireUseRelease(
      Effect.tryPromise(() =>
        consumer.consume({ max_messages: fetchMax, expires: requestMs, abort_on_missing_resource: true })
      ),
      (messages) =>
        Stream.runForEach(
          Stream.fromAsyncIterable(messages, (cause) => cause),
          hear
        ),
      (messages) => Effect.promise(() => messages.close())
    )
  }).pipe(
    Effect.catchCause((cause) =>
      Effect.logWarning(`What ${showing.type} shows could not be followed, trying again`, cause)
    ),
    Effect.repeat(Schedule.spaced(retryEvery))
  )

/** Follows what the products and categories of a region show. */
export const run = (region: Region) =>
  Effect.flatMap(makeShowing, (showing) =>
    Effect.forEach(showing, (one) => follow(region, one), { concurrency: "unbounded", discard: true })
  )
