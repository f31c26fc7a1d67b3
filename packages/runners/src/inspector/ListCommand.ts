import { models, type Now } from "@halles/entities/Models"
import { RegionDatabases } from "@halles/entities/Reads"
import { regions, type Region } from "@halles/shared/Region"
import { Console, Effect, Option } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import { clockTime, output, printList } from "./Output.ts"
import { BadExpression, where } from "./Where.ts"

/** Rows of one read. */
const pageMax = 5_000
/** Entities that are shown unless more are asked for. */
const shownDefault = 100
const regionFlag = Flag.Literals("region", regions).pipe(Flag.withDescription("One region only"), Flag.optional)

interface HistoryRow {
  readonly id: string
  readonly seq: number
  readonly events: ReadonlyArray<unknown>
  readonly at: number
}
interface Found {
  readonly id: string
  readonly now: Now
  readonly at: number
}

/** Follows every history of a type in one region, page by page, and stops at the first `limit` that fit. */
const search = Effect.fnUntraced(function* (
  region: Region,
  type: string,
  fits: (state: unknown) => boolean,
  limit: number
) {
  const sql = (yield* RegionDatabases).of(region)
  const begin = models.get(type)!
  const found: Array<Found> = []
  let current: Found | null = null
  const close = () => {
    if (current !== null && fits(current.now.view)) found.push(current)
  }
  let after = { id: "", seq: 0 }
  for (;;) {
    const rows: ReadonlyArray<HistoryRow> = yield* sql<HistoryRow>`
      SELECT entity_id AS id, seq, events, (extract(epoch FROM at) * 1000)::double precision AS at FROM journal_all
      WHERE entity_type = ${type} AND (entity_id, seq) > (${after.id}, ${after.seq})
      ORDER BY entity_id, seq LIMIT ${pageMax}`
    for (const { at, events, id, seq } of rows) {
      if (current === null || current.id !== id) {
        close()
        if (found.length >= limit) return found
        current = { id, now: begin(id), at }
      }
      current = { id, now: current.now.after(events), at }
      after = { id, seq }
    }
    if (rows.length < pageMax) break
  }
  close()
  return found.slice(0, limit)
})

export const list = Command.make(
  "list",
  {
    type: Argument.Literals("type", [...models.keys()]).pipe(Argument.withDescription("The entity type")),
    where: Flag.String("where").pipe(
      Flag.withDescription('Conditions on the state, such as "status=confirmed and lines.*.sku=TEA-01"'),
      Flag.mapTryCatch(where, (cause) => (cause instanceof BadExpression ? cause.message : String(cause))),
      Flag.optional
    ),
    region: regionFlag,
    limit: Flag.Int("limit").pipe(
      Flag.withDescription("Entities of one region at the most"),
      Flag.withDefault(shownDefault)
    ),
    output
  },
  ({ limit, output, region, type, where }) =>
    Effect.gen(function* () {
      const fits = Option.getOrElse(where, () => () => true)
      const wanted = Option.match(region, { onNone: () => regions, onSome: (one) => [one] })
      const found = (yield* Effect.forEach(wanted, (one) => search(one, type, fits, limit))).flat()
      const items = found.map(({ at, id, now }) => ({
        entity: `${type}/${id}`,
        seq: now.seq,
        changed: clockTime(at),
        owes: now.owes,
        state: now.view
      }))
      yield* printList(output, items, ["entity", "seq", "changed", "owes", "state"], (item) => String(item["entity"]))
      if (output === "table" && found.length >= limit)
        yield* Console.error(`Stopped at ${limit} a region; --limit shows more.`)
    })
).pipe(
  Command.withDescription(
    "Entities of a type whose state fulfils conditions. It follows their histories, so it takes its time on a large journal"
  ),
  Command.withShortDescription("Entities whose state fulfils conditions"),
  Command.withExamples([
    { command: 'halles list Order --where "status=cancelled"' },
    { command: 'halles list Cart --where "lines.*.sku=TEA-01 and status=open" -o ids' }
  ])
)
