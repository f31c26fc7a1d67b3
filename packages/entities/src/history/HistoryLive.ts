import { codecsOf } from "@halles/engine/eventsourced/Codecs"
import { NotFound } from "@halles/engine/eventsourced/EntityErrors"
import { type Evolve, evolved } from "@halles/engine/eventsourced/Model"
import { Journal } from "@halles/engine/journal/Journal"
import type { Recorded } from "@halles/engine/journal/JournalStore"
import { bounded } from "@halles/shared/Page"
import * as ViewJson from "@halles/shared/wire/ViewJson"
import { Effect, Equal, Layer, type Schema, Semaphore, Struct } from "effect"
import { type Entry, HistoryTooLong, NoSuchMoment, pageBytesMax, readsMax } from "./History.ts"

/** Histories that one runner reads at a time for each entity type. */
const readersMax = 4

type Fields = Readonly<Record<string, unknown>>

interface Described<Id, State, Event, Edited> {
  readonly model: {
    readonly type: string
    readonly Event: Schema.Codec<Event, unknown>
    readonly initial: State
    readonly evolve: Evolve<State, Event>
  }
  /** What merchants are shown of it; `null` where there is nothing yet. */
  readonly edited: (id: Id, state: State, seq: number) => Edited | null
  /** How that looks to clients. */
  readonly json: Schema.Top
  /** Of the JSON, where the fields of the entity are not its own members. */
  readonly fields?: (json: Fields) => Fields
  /** Why a row that nobody sent was written. */
  readonly reason?: (events: ReadonlyArray<Event>, before: State) => string | undefined
}

/** Members of the JSON that are no fields: what the entity is called, and its versions. */
const unversioned = ["region", "code", "sku", "seq", "versions"]

interface Self<Id, State> {
  readonly id: Id
  readonly committed: Effect.Effect<{ readonly state: State; readonly seq: number }>
}

const changesOf = (before: Fields, after: Fields): Entry["changes"] =>
  [...new Set([...Object.keys(before), ...Object.keys(after)])].flatMap((field) =>
    Equal.equals(before[field], after[field])
      ? []
      : [{ field, before: (before[field] ?? null) as Schema.Json, after: (after[field] ?? null) as Schema.Json }]
  )

/** The handlers of `History.messages`: they fold the journal from its first row on. */
const handlers = <Id extends string, State, Event, Edited extends object>({
  edited,
  fields = (json) => json,
  json,
  model,
  reason
}: Described<Id, State, Event, Edited>) => {
  const { decodeEvents } = codecsOf(model)
  const encode = ViewJson.encoder(json)
  const notFound = (id: Id) => new NotFound({ entity: model.type, id })
  const fieldsOf = (id: Id, state: State, seq: number): Fields => {
    const shown = edited(id, state, seq)
    return shown === null ? {} : Struct.omit(fields(encode(shown) as Fields), unversioned)
  }
  return Effect.map(Journal, (journal) => {
    const readers = Semaphore.makeUnsafe(readersMax)

    interface Step {
      readonly row: Recorded
      readonly events: ReadonlyArray<Event>
      readonly before: State
      readonly after: State
    }
    /** Goes through the rows up to the version `to`, until `take` has had enough. */
    const follow = Effect.fnUntraced(function* (id: Id, to: number, take: (step: Step) => boolean) {
      let state = model.initial
      let seq = 0
      for (let reads = 0; seq < to; reads += 1) {
        if (reads === readsMax) return yield* new HistoryTooLong({ reads })
        const rows = yield* journal.history(model.type, id, seq)
        if (rows.length === 0) return
        for (const row of rows) {
          if (row.seq > to) return
          const events = decodeEvents(row.events)
          const before = state
          state = evolved(model, state, events, row.seq)
          seq = row.seq
          if (!take({ row, events, before, after: state })) return
        }
      }
    }, readers.withPermits(1))

    const entryOf = (id: Id, { after, before, events, row }: Step): Entry => ({
      seq: row.seq,
      at: row.at,
      author: row.author ?? row.actor ?? "unknown",
      reason: row.reason ?? reason?.(events, before) ?? null,
      changes: changesOf(fieldsOf(id, before, row.seq - 1), fieldsOf(id, after, row.seq))
    })

    return {
      Edited: Effect.fnUntraced(function* (
        self: Self<Id, State>,
        { at = Number.POSITIVE_INFINITY, version }: { readonly version?: number; readonly at?: number }
      ) {
        const now = yield* self.committed
        let then = now
        if (at !== Number.POSITIVE_INFINITY || (version !== undefined && version !== now.seq)) {
          then = { state: model.initial, seq: 0 }
          yield* follow(self.id, Math.min(version ?? now.seq, now.seq), ({ after, row }) => {
            if (row.at > at) return false
            then = { state: after, seq: row.seq }
            return true
          })
          const isThere = then.seq > 0 && (version === undefined || version === then.seq)
          if (now.seq > 0 && !isThere) return yield* new NoSuchMoment({ seq: now.seq })
        }
        const shown = edited(self.id, then.state, then.seq)
        return shown ?? (yield* notFound(self.id))
      }),
      History: Effect.fnUntraced(function* (
        self: Self<Id, State>,
        asked: { readonly before: number | null; readonly limit: number }
      ) {
        const { seq } = yield* self.committed
        if (seq === 0) return yield* notFound(self.id)
        const to = Math.min(seq, (asked.before ?? seq + 1) - 1)
        const from = Math.max(1, to - bounded(asked.limit) + 1)
        const page: Array<{ readonly entry: Entry; readonly bytes: number }> = []
        let bytes = 0
        yield* follow(self.id, to, (step) => {
          if (step.row.seq < from) return true
          const entry = entryOf(self.id, step)
          const size = Buffer.byteLength(JSON.stringify(entry))
          page.push({ entry, bytes: size })
          bytes += size
          while (bytes > pageBytesMax && page.length > 1) bytes -= page.shift()!.bytes
          return true
        })
        const items = page.map(({ entry }) => entry).toReversed()
        return { items, more: (items.at(-1)?.seq ?? 1) > 1 }
      })
    }
  })
}

/** Hosts entities that answer `History.messages`. */
export const layer = <Id extends string, State, Event, Edited extends object, E, R>(
  described: Described<Id, State, Event, Edited>,
  host: (made: Effect.Success<ReturnType<typeof handlers<Id, State, Event, Edited>>>) => Layer.Layer<never, E, R>
) => Layer.unwrap(Effect.map(handlers(described), host))
