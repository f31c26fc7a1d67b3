import * as ParkedEvents from "@halles/engine/journal/ParkedEvents"
import { RegionDatabases } from "@halles/entities/routes/Reads"
import { type Region, regions } from "@halles/shared/Region"
import * as Subject from "@halles/shared/Subject"
import { Effect } from "effect"
import type { SqlClient, SqlError } from "effect/sql"
import type { Unavailable } from "@halles/shared/wire/EdgeErrors"
import type * as Json from "../OperatorJson.ts"
import { unavailable } from "../OperatorFailures.ts"

type Letter = typeof Json.DeadLetter.Encoded
interface Named extends ParkedEvents.Key {
  readonly region: Region
}

/** `parked:eu:outbox:Cart:eu_7f3a:3`: whatever stands in a row, its id is one. */
const idOf = ({ consumer, entity_id, entity_type, region, seq }: Named): string =>
  ["parked", region, consumer, entity_type, entity_id, seq].map(encodeURIComponent).join(":")

const parsed = (id: string): Named | null => {
  const [, region, consumer, type, entity, seq] = id.split(":")
  try {
    const known = regions.find((one) => one === region)
    if (known === undefined || seq === undefined || !/^\d{1,9}$/.test(seq)) return null
    const [entity_type, entity_id] = [decodeURIComponent(type!), decodeURIComponent(entity!)]
    return { region: known, consumer: decodeURIComponent(consumer!), entity_type, entity_id, seq: Number(seq) }
  } catch {
    return null
  }
}

const letterOf = (event: ParkedEvents.Listed): Letter => ({
  id: idOf(event),
  stream: Subject.eventStream(event.region),
  consumer: event.consumer,
  subject: `${event.entity_type}/${event.entity_id} seq ${event.seq}`.slice(0, 200),
  at: event.at,
  tries: event.tries,
  cause: event.bytes === null ? event.cause : `${event.cause} (${event.bytes} bytes)`
})

/** Events that the outbox or a read table set aside, as dead letters: they lie in the databases of the regions. */
export const make = Effect.gen(function* () {
  const databases = yield* RegionDatabases

  const act =
    (run: (sql: SqlClient.SqlClient, key: ParkedEvents.Key) => Effect.Effect<boolean, SqlError.SqlError>) =>
    (id: string): Effect.Effect<number, Unavailable> => {
      const named = parsed(id)
      return named === null
        ? Effect.succeed(0)
        : run(databases.of(named.region), named).pipe(Effect.map(Number), Effect.mapError(unavailable))
    }

  return {
    /** The newest first, behind a cursor `at|key`. */
    page: (cursor: string, limit: number) =>
      Effect.gen(function* () {
        const at = cursor.indexOf("|")
        const after = at === -1 ? null : { at: Number(cursor.slice(0, at)) || 0, key: cursor.slice(at + 1) }
        const found = yield* Effect.forEach(
          regions,
          (region) => ParkedEvents.list(databases.of(region), region, limit, after),
          { concurrency: "unbounded" }
        )
        const items = found
          .flat()
          .toSorted((a, b) => b.at - a.at || (a.key < b.key ? 1 : -1))
          .slice(0, limit)
        const last = items.at(-1)
        return { items: items.map(letterOf), next: last === undefined ? null : `${last.at}|${last.key}` }
      }).pipe(Effect.mapError(unavailable)),
    /** Of a region's event stream. */
    ofStream: (stream: string, limit: number) => {
      const region = regions.find((one) => Subject.eventStream(one) === stream)
      return region === undefined
        ? Effect.succeed<ReadonlyArray<string>>([])
        : ParkedEvents.list(databases.of(region), region, limit).pipe(
            Effect.map((found) => found.toReversed().map(idOf)),
            Effect.mapError(unavailable)
          )
    },
    retry: act(ParkedEvents.retry),
    resolve: act(ParkedEvents.resolve)
  }
})
