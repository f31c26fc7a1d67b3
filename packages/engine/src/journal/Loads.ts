import { PgTypes } from "@effect/sql-pg"
import { blamesTheData } from "@halles/shared/clients/Postgres"
import { Effect, Exit, Request, RequestResolver, Result, Semaphore } from "effect"
import type { SqlClient, SqlError } from "effect/sql"
import type { Loaded, StoreFailed } from "./JournalStore.ts"

/** Bytes of what one statement loads, but of the first entity at least; of one history. */
export const bytesMax = 32 * 1024 ** 2
const tailBytesMax = 1024 ** 2
/** Entities of one statement, and statements at a time. */
export const loadMax = 128
export const loadsAtOnce = 3

class Load extends Request.TaggedClass("Load")<
  { readonly entityType: string; readonly entityId: string },
  Loaded,
  StoreFailed
> {}

interface LoadedRow {
  readonly n: bigint | number
  readonly seq: number | null
  readonly version: number
  readonly state: unknown
  readonly commands: ReadonlyArray<string>
  readonly tail: ReadonlyArray<readonly [number, string, ReadonlyArray<unknown>, number, number]> | null
  readonly more: boolean
  readonly parked: boolean
}

/**
 * Entities that are activated in the same moment are read by one statement, and those that it had no room for by the next.
 * One that cannot be read ends its own load only.
 */
export const make = Effect.fnUntraced(function* (
  sql: SqlClient.SqlClient,
  options: {
    /** Rows of one history, and bytes of the state in a snapshot. */
    readonly rowsMax: number
    readonly stateBytesMax: number
    readonly failed: (error: SqlError.SqlError) => StoreFailed
  }
) {
  const { failed, rowsMax, stateBytesMax } = options
  const turns = yield* Semaphore.make(loadsAtOnce)
  const load = (entries: ReadonlyArray<Request.Entry<Load>>): Effect.Effect<void, StoreFailed> =>
    sql<LoadedRow>`
      SELECT n, seq, version, state, commands, tail, more, parked FROM journal_load(
        ${text(entries.map(({ request }) => request.entityType))},
        ${text(entries.map(({ request }) => request.entityId))},
        ${rowsMax}, ${tailBytesMax}::bigint, ${stateBytesMax}, ${bytesMax}::bigint)`.pipe(
      turns.withPermits(1),
      Effect.matchEffect({
        onFailure: (error) => {
          const [first, ...others] = entries
          if (!blamesTheData(error)) return Effect.fail(failed(error))
          if (others.length > 0) return Effect.forEach(entries, (entry) => load([entry]), { discard: true })
          return Effect.sync(() => first!.completeUnsafe(Exit.die(error)))
        },
        onSuccess: (rows) => {
          for (const row of rows) entries[Number(row.n) - 1]!.completeUnsafe(Exit.succeed(loaded(row)))
          return rows.length < entries.length ? load(entries.slice(rows.length)) : Effect.void
        }
      })
    )
  const resolver = RequestResolver.make<Load>(load).pipe(RequestResolver.batchN(loadMax))
  return (entityType: string, entityId: string): Effect.Effect<Loaded, StoreFailed> =>
    Effect.request(new Load({ entityType, entityId }), resolver)
})

const loaded = ({ commands, more, parked, seq, state, tail, version }: LoadedRow): Loaded => ({
  isParked: parked,
  more,
  snapshot: seq === null ? null : { seq, version, state, commands },
  tail: (tail ?? []).map(([seq, commandId, events, version, at]) => ({ seq, commandId, events, version, at }))
})

const text = (values: ReadonlyArray<string>) => Result.getOrThrow(PgTypes.array(values, PgTypes.OID.text))
