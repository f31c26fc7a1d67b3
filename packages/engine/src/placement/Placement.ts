import { Context, Effect, Latch, Layer, Schema } from "effect"
import { SqlClient, type SqlError } from "effect/sql"
import { link, Nats } from "@halles/shared/clients/Nats"
import { Notice } from "@halles/shared/Notice"
import type { Region } from "@halles/shared/Region"
import * as Shard from "@halles/shared/Shard"
import * as Subject from "@halles/shared/Subject"

/** Without a word over NATS the tables are read again after this; without a connection on which it could come, after that. */
const rereadMs = 3_000
const rereadUnheardMs = 500
/** Between two reads, whatever the news: many pieces of it are one read. */
const minMs = 5
/** Until the next try when the database does not answer. */
const failedMs = 200

/** Who has which shard, as it was read last. */
export interface View {
  /** Rises with each change. */
  readonly version: number
  readonly shards: ReadonlyArray<Placed>
  /** Runners that are to have no shards. */
  readonly leaving: ReadonlySet<string>
  /** The runner that an operator gave a shard to, by the name of its group, `eu/17`. */
  readonly pins: ReadonlyMap<string, string>
}

export interface Placed {
  readonly region: Region
  readonly shard: number
  /** Who is to have it. */
  readonly runner: string | null
  /** Who took it last. */
  readonly holder: string | null
}

/** The tables as they are read. */
interface Rows {
  readonly shards: ReadonlyArray<Placed>
  readonly leaving: ReadonlyArray<string>
  readonly pins: ReadonlyArray<{ readonly region: Region; readonly shard: number; readonly runner: string }>
}

/** What is said about the placement over NATS: it changed; a shard was given back; one was taken. */
export const News = Schema.Literals(["placed", "released", "taken"])
export type News = typeof News.Type
const isNews = Schema.is(News)

/** The name of a runner's sessions in `halles_control`: when none is left, its process has ended. */
export const controlSession = (runnerId: string): string => `halles:${runnerId}:control`

/**
 * Which runner is to have which shard: rows in `halles_control`, followed by every process of the cluster. News over
 * NATS make all of them read the rows at once; without news they are read every `rereadMs`.
 */
export class Placement extends Context.Service<
  Placement,
  {
    readonly view: () => View
    /** The view as soon as it is another than that version, or the same one after `withinMs`. */
    readonly changedSince: (version: number, withinMs: number) => Effect.Effect<View>
    /** Waits for any news, `withinMs` at the most. */
    readonly news: (withinMs: number) => Effect.Effect<void>
    readonly tell: (region: Region, news: News) => void
    /** Notes that the runner has these shards now. */
    readonly taken: (
      region: Region,
      runnerId: string,
      shards: ReadonlyArray<number>
    ) => Effect.Effect<void, SqlError.SqlError>
    /** The runner is to have no shards from now on, until `stay`: an operator's wish, or until it starts anew. */
    readonly leave: (
      region: Region,
      runnerId: string,
      wish: "operator" | "stopping"
    ) => Effect.Effect<void, SqlError.SqlError>
    /**
     * As `leave` by an operator's wish, unless none of `others` would stay to take the shards: the answer is from the
     * table, which the view follows, and of several drains at the same time the last is refused.
     */
    readonly drain: (
      region: Region,
      runnerId: string,
      others: ReadonlyArray<string>
    ) => Effect.Effect<boolean, SqlError.SqlError>
    /** Runners that are to have no shards, as it is now. */
    readonly leaving: Effect.Effect<ReadonlySet<string>, SqlError.SqlError>
    readonly stay: (
      region: Region,
      runnerId: string,
      wish: "operator" | "stopping"
    ) => Effect.Effect<void, SqlError.SqlError>
    /** The shard is to be on that runner as long as it is there and may have shards, until `unpin`: an operator's wish. */
    readonly pin: (region: Region, shard: number, runnerId: string) => Effect.Effect<void, SqlError.SqlError>
    /** False if nobody had wished for anything. */
    readonly unpin: (region: Region, shard: number) => Effect.Effect<boolean, SqlError.SqlError>
  }
>()("@halles/engine/Placement") {
  static readonly layer: Layer.Layer<Placement, never, Nats | SqlClient.SqlClient> = Layer.effect(
    Placement,
    Effect.suspend(() => make)
  )
}

const make = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const nats = yield* Nats
  let view: View = { version: 0, shards: [], leaving: new Set(), pins: new Map() }
  let text = ""
  const reread = Latch.makeUnsafe(true)
  const heard = new Notice()
  const changed = new Notice()

  // One text for all of it: as long as it is the one of before nothing is made of it.
  const read = Effect.gen(function* () {
    const [row] = yield* sql<{ text: string }>`
      SELECT json_build_object(
        'shards', (SELECT coalesce(json_agg(p ORDER BY region, shard), '[]')
          FROM (SELECT region, shard, runner, holder FROM shard_placement) p),
        'leaving', (SELECT coalesce(json_agg(DISTINCT runner ORDER BY runner), '[]') FROM runner_leaving),
        'pins', (SELECT coalesce(json_agg(p ORDER BY region, shard), '[]')
          FROM (SELECT region, shard, runner FROM shard_pin) p))::text AS text`
    if (row!.text === text) return
    text = row!.text
    const { leaving, pins, shards }: Rows = JSON.parse(text)
    view = {
      version: view.version + 1,
      shards,
      leaving: new Set(leaving),
      pins: new Map(pins.map(({ region, runner, shard }) => [Shard.groupOf(region, shard), runner]))
    }
    changed.give()
  })

  const link_ = yield* link(nats, () => reread.openUnsafe())
  yield* Effect.acquireRelease(
    Effect.sync(() =>
      nats.subscribe(Subject.placements, {
        callback: (error, message) => {
          if (error !== null || !isNews(message.string())) return
          if (message.string() !== "released") reread.openUnsafe()
          heard.give()
        }
      })
    ),
    (subscription) => Effect.sync(() => subscription.unsubscribe())
  )
  yield* Effect.gen(function* () {
    yield* Effect.timeoutOption(reread.await, link_.up ? rereadMs : rereadUnheardMs)
    reread.closeUnsafe()
    yield* read
  }).pipe(
    Effect.catch((error) =>
      Effect.andThen(
        Effect.logWarning("The placement of shards could not be read, trying again", error.reason._tag),
        Effect.sleep(failedMs)
      )
    ),
    Effect.andThen(Effect.sleep(minMs)),
    Effect.forever,
    Effect.forkScoped
  )

  const tell = (region: Region, news: News) => {
    if (link_.up && !nats.isClosed()) nats.publish(Subject.placement(region), news)
  }
  return Placement.of({
    view: () => view,
    changedSince: (version, withinMs) =>
      Effect.suspend(() =>
        view.version === version ? Effect.timeoutOption(changed.next(), withinMs) : Effect.void
      ).pipe(Effect.map(() => view)),
    news: (withinMs) => Effect.asVoid(Effect.suspend(() => Effect.timeoutOption(heard.next(), withinMs))),
    tell,
    taken: (region, runnerId, shards) =>
      sql`SELECT placement_taken(${region}, ${runnerId}, ${[...shards]}::integer[])`.pipe(
        Effect.map(() => tell(region, "taken"))
      ),
    leave: (region, runnerId, wish) =>
      sql`SELECT placement_leave(${runnerId}, ${wish})`.pipe(Effect.map(() => tell(region, "placed"))),
    drain: (region, runnerId, others) =>
      sql<{ done: boolean }>`SELECT placement_drain(${runnerId}, ${[...others]}::text[]) AS done`.pipe(
        Effect.map(([row]) => {
          if (row?.done !== true) return false
          tell(region, "placed")
          return true
        })
      ),
    leaving: Effect.map(
      sql<{ runner: string }>`SELECT DISTINCT runner FROM runner_leaving`,
      (rows) => new Set(rows.map(({ runner }) => runner))
    ),
    stay: (region, runnerId, wish) =>
      sql`SELECT placement_stay(${runnerId}, ${wish})`.pipe(Effect.map(() => tell(region, "placed"))),
    pin: (region, shard, runnerId) =>
      sql`SELECT placement_pin(${region}, ${shard}, ${runnerId})`.pipe(Effect.map(() => tell(region, "placed"))),
    unpin: (region, shard) =>
      sql<{ found: boolean }>`SELECT placement_unpin(${region}, ${shard}) AS found`.pipe(
        Effect.map(([row]) => {
          tell(region, "placed")
          return row?.found === true
        })
      )
  })
})
