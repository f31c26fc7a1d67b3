import { ListProduct, Product, type ProductView } from "../catalogue/Product.ts"
import { Adjust, Receive, Sku } from "../inventory/Sku.ts"
import { CommandId, skuId, WarehouseId } from "@halles/shared/Ids"
import type { Origin } from "@halles/shared/Command"
import { type Intent, Intents } from "@halles/shared/Intent"
import { given } from "@halles/shared/wire/Stamp"
import { Deferred, Effect, Result, Schedule, Semaphore, Stream } from "effect"
import { ContentRefused } from "../routes/ContentRefused.ts"
import { Edge } from "../routes/Edge.ts"
import type { ImportLine } from "./ImportApi.ts"
import * as Rows from "./ImportRows.ts"
import { type Ids, makeImportDetails } from "./ImportDetails.ts"
import { faultOf, type RowFault } from "./RowFault.ts"
import * as Spool from "./Spool.ts"
import { Unreadable } from "./Unreadable.ts"
import * as Workbook from "./Workbook.ts"
import * as Problem from "@halles/shared/wire/Problem"
import * as Refusal from "@halles/shared/wire/Refusal"

/** Rows of one import that are on their way at a time: each waits for two commits, one after the other. */
const concurrency = 256
/** What one row takes of the room of those that are under way: one with long texts as much as many others. */
const rowCharacters = 65_536
/** Rows of one import: what it knows of each stays in memory until its end. */
export const rowsMax = 500_000
/** CSV files that lie on the disk, and workbooks that are read, at a time; the next ones wait. */
export const filesMax = 8
/** Times that a count of stock is begun anew, since somebody else changed it meanwhile. */
const countsMax = 5
const progressRows = 500
const progressEvery = "1 second"
/** A row whose runner is moving waits for it: seven attempts in about half a minute. */
const patience = { times: 6, schedule: Schedule.exponential("200 millis") }

interface Taken {
  readonly row: number
  readonly product: string
  readonly fault: RowFault | null
  /** It was taken before, and its product is otherwise by now: somebody's later word stands, maybe a later row's. */
  readonly superseded: boolean
}

/** A row with its number in the file, and how many rows of its product, and receipts at its place, came before it there. */
interface Numbered {
  readonly number: number
  readonly row: Rows.Row
  /** The ids of its commands; `undefined` of a row that has none. */
  readonly ids: { readonly list: CommandId; readonly stock: CommandId; readonly details: () => Ids } | undefined
}

interface Import {
  readonly importId: string
  readonly format: Format
  readonly body: Stream.Stream<Uint8Array, unknown>
  /** First row to take, from 1. */
  readonly from: number
  /** Whether the stock of a row comes in, or is what is there from now on. */
  readonly stock: "add" | "set"
  /** Rows are read and judged, and nothing is done. */
  readonly isDryRun: boolean
  /** Who sends the import, and why, for the histories of what it changes. */
  readonly origin: Origin
}

/**
 * Takes a catalogue row by row. A row's commands are named by the import's id, its product, its content and how often its product
 * came before it: wherever the row stands in the file, it takes effect once, and with other content it is another one. A
 * receipt is named without its count, so that a corrected one is refused instead of booked beside the first. The id is the
 * shop's, not its sender's: a colleague goes on where somebody stopped.
 */
export const CatalogImport = Effect.gen(function* () {
  const edge = yield* Edge
  const product = yield* edge.entity(Product)
  const sku = yield* edge.entity(Sku)
  const intents = yield* Intents
  const details = yield* makeImportDetails
  const files = yield* Semaphore.make(filesMax)

  const list = (commandId: CommandId, row: Rows.ImportRow, origin: Origin) => {
    const { description, region, sku: code, title } = row
    const said = { sku: code, title, ...given("description", description), price: Rows.price(row), keepsDraft: true }
    const command = new ListProduct({ commandId, origin, ...said })
    return Effect.map(edge.call(product(skuId(region, code)).ListProduct(command)), (now) => ({
      listed: now,
      isOld: !says(now, command)
    }))
  }
  const receive = (commandId: CommandId, row: Rows.ImportRow, origin: Origin) => {
    const { region, sku: code, stock = 0 } = row
    if (stock === 0) return Effect.void
    const command = new Receive({ commandId, origin, warehouse: placeOf(row), quantity: stock })
    return Effect.asVoid(edge.call(sku(skuId(region, code)).Receive(command)))
  }
  /** What is there is read first, since a count that somebody else changes meanwhile is refused; it is read again then. */
  const set = (commandId: CommandId, row: Rows.ImportRow, onHand: number, origin: Origin) => {
    const entity = sku(skuId(row.region, row.sku))
    const warehouse = placeOf(row)
    return Effect.gen(function* () {
      const view = yield* Effect.catchTag(edge.call(entity.View()), "NotFound", () => Effect.succeed(null))
      const place = view?.warehouses.find((one) => one.warehouse === warehouse)
      if (place === undefined) return yield* receive(commandId, row, origin)
      const counted = { commandId, origin, warehouse, expectedOnHand: place.onHand, onHand, reason: "catalogue import" }
      yield* edge.call(entity.Adjust(new Adjust(counted)))
    }).pipe(Effect.retry({ times: countsMax, while: (error) => error._tag === "StockChanged" }))
  }
  /** Nothing of a row is done before all that it says is known to be right. */
  const done = (row: Rows.ReadRow, ids: Numbered["ids"], { origin, stock: mode }: Pick<Import, "origin" | "stock">) =>
    Effect.gen(function* () {
      const plan = Rows.patchOf(row) === null ? null : yield* details.planned(row, ids !== undefined)
      if (ids === undefined) return false
      // Its stock first: a row whose receipt is refused changes nothing.
      yield* mode === "set" && row.stock !== undefined
        ? set(ids.stock, row, row.stock, origin)
        : receive(ids.stock, row, origin)
      const { isOld, listed } = yield* list(ids.list, row, origin)
      if (plan === null) return isOld
      return (yield* details.changed(row, plan, listed, ids.details(), origin)) || isOld
    })
  const take = ({ ids, number, row }: Numbered, how: Pick<Import, "origin" | "stock">): Effect.Effect<Taken> => {
    if (Result.isFailure(row)) {
      return Effect.succeed({ row: number, product: "", fault: row.failure, superseded: false })
    }
    const taken = { row: number, product: skuId(row.success.region, row.success.sku) }
    return done(row.success, ids, how).pipe(
      Effect.retry({ ...patience, while: (error) => error._tag === "Unavailable" }),
      Effect.match({
        onFailure: (error) => ({ ...taken, fault: refused(error), superseded: false }),
        onSuccess: (superseded) => ({ ...taken, fault: null, superseded })
      })
    )
  }

  return ({ body, format, from, importId, isDryRun, origin, stock }: Import): Stream.Stream<ImportLine> => {
    const rows = Stream.suspend(() => {
      const inOrder = makeInOrder()
      const room = Semaphore.makeUnsafe(concurrency)
      const tally = makeTally()
      const intent = intents.of({ sender: null, method: "POST", url: "/v1/catalog/import", body: "", key: importId })
      const numbered = isDryRun ? unnumbered : makeNumbered(intent, stock)
      let read = 0
      return rowsOf(format, body).pipe(
        Stream.mapEffect((row) => {
          read += 1
          return read > rowsMax ? Effect.fail(tooManyRows) : Effect.succeed(numbered(read, row))
        }),
        Stream.filter(({ number }) => number >= from),
        Stream.mapEffect((row) => Effect.as(room.take(weightOf(row.row)), row)),
        Stream.mapEffect(
          (row) =>
            Effect.ensuring(
              Result.isFailure(row.row)
                ? take(row, { origin, stock })
                : inOrder(skuId(row.row.success.region, row.row.success.sku), take(row, { origin, stock })),
              room.release(weightOf(row.row))
            ),
          { concurrency }
        ),
        Stream.map(tally.add),
        Stream.flattenIterable,
        Stream.merge(Stream.map(Stream.drop(Stream.tick(progressEvery), 1), tally.progress), {
          haltStrategy: "left"
        }),
        Stream.concat(Stream.suspend(() => Stream.fromIterable(tally.end(importId, isDryRun)))),
        Stream.catch((error) => Stream.fromEffect(failed(error, read)))
      )
    })
    return format.type !== "ndjson"
      ? Stream.unwrap(
          Effect.as(
            Effect.acquireRelease(files.take(1), () => files.release(1)),
            rows
          )
        )
      : rows
  }
})

/** The charset and the layout of a CSV file, where its sender names them. */
export type Format =
  | { readonly type: "csv"; readonly charset: string | undefined; readonly layout: Rows.Layout }
  | { readonly type: "xlsx"; readonly columns: ReadonlyMap<string, string> }
  | { readonly type: "ndjson" }

const rowsOf = (format: Format, body: Stream.Stream<Uint8Array, unknown>): Stream.Stream<Rows.Row, unknown> => {
  if (format.type === "csv") return Rows.fromCsv(Spool.textOf(body, format.charset), format.layout)
  if (format.type === "xlsx") return Rows.fromRecords(Workbook.recordsOf(body), format.columns)
  return Rows.fromNdjson(body)
}

const weightOf = (row: Rows.Row): number => {
  if (Result.isFailure(row) || Rows.patchOf(row.success) === null) return 1
  return Math.ceil(JSON.stringify(row.success).length / rowCharacters)
}

const placeOf = ({ region, warehouse }: Rows.ImportRow): WarehouseId => warehouse ?? WarehouseId.make(`${region}-main`)

const says = (view: ProductView, { description = view.description, price, title }: ListProduct): boolean =>
  view.status !== "archived" &&
  view.title === title &&
  view.description === description &&
  view.price.amount === price.amount &&
  view.price.currency === price.currency &&
  view.price.taxRate === price.taxRate

const refused = (error: { readonly _tag: string }): RowFault => {
  if (error._tag === "CommandReused") return alreadyReceived
  if (error instanceof ContentRefused) return faultOf(error.errors, Problem.codeOf(error._tag))
  const { code, detail } = Refusal.documentOf(error)
  return { code, detail }
}
const alreadyReceived: RowFault = {
  code: "already_received",
  detail: "Another quantity was received for this row under the same import-id. Adjust the count, or use another id"
}

const tooManyRows = new Unreadable({
  code: "too_many_rows",
  detail: `An import has at most ${rowsMax} rows: send the rest as another one`
})

const commandOf = ({ name }: Intent, purpose: string, about: unknown): CommandId =>
  CommandId.make(`import:${purpose}:${name(purpose, about)}`)

/** Of a dry run: no row has a command. */
const unnumbered = (number: number, row: Rows.Row): Numbered => ({ number, row, ids: undefined })

/** Counts rows of a product, and receipts at a place, as they come. */
const makeNumbered = (intent: Intent, mode: Import["stock"]) => {
  const counts = new Map<string, number>()
  const next = (key: string): number => {
    const count = (counts.get(key) ?? 0) + 1
    counts.set(key, count)
    return count
  }
  return (number: number, row: Rows.Row): Numbered => {
    if (Result.isFailure(row)) return { number, row, ids: undefined }
    const { cells, stock = 0, warehouse: _, ...said } = row.success
    const listed = cells === undefined ? said : { ...said, cells: [...cells] }
    const product = skuId(listed.region, listed.sku)
    const place = placeOf(row.success)
    const nth = next(product)
    const nthThere = stock === 0 && mode === "add" ? 0 : next(`${product}/${place}`)
    return {
      number,
      row,
      ids: {
        list: commandOf(intent, "list", [nth, listed]),
        // Most rows have none.
        details: () => ({
          describe: commandOf(intent, "describe", [nth, listed]),
          translate: commandOf(intent, "translate", [nth, listed]),
          name: commandOf(intent, "name", [nth, listed])
        }),
        stock:
          mode === "set"
            ? commandOf(intent, "set", [nthThere, product, place, stock])
            : commandOf(intent, "receive", [nthThere, product, place])
      }
    }
  }
}

/** The body ended early, or is not what it says; what was taken stays taken. */
const failed = (error: unknown, read: number): Effect.Effect<ImportLine> =>
  error instanceof Unreadable
    ? Effect.succeed({ type: "failed", row: error.row ?? read, code: error.code, detail: error.detail })
    : Effect.as(Effect.logWarning("CatalogImport: the body could not be read", error), {
        type: "failed",
        row: read,
        code: "body_unreadable",
        detail: "The rest of the body did not arrive"
      } as const)

/** Rows of one product run in the order of the file, so that the last one wins, here and in every repeat. */
const makeInOrder = () => {
  const last = new Map<string, Deferred.Deferred<void>>()
  return <A, E, R>(key: string, effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    Effect.suspend(() => {
      const before = last.get(key)
      const mine = Deferred.makeUnsafe<void>()
      last.set(key, mine)
      const ended = Effect.suspend(() => {
        if (last.get(key) === mine) last.delete(key)
        return Deferred.succeed(mine, undefined)
      })
      return Effect.ensuring(before === undefined ? effect : Effect.andThen(Deferred.await(before), effect), ended)
    })
}

const makeTally = () => {
  let rows = 0
  let rejected = 0
  /** The last row of each product that says something else than what is listed. */
  const superseded = new Map<string, number>()
  const counts = () => ({ rows, accepted: rows - rejected - superseded.size, rejected })
  const progress = (): ImportLine => ({ type: "progress", ...counts() })
  const add = ({ fault, product, row, superseded: isOld }: Taken): ReadonlyArray<ImportLine> => {
    rows += 1
    if (fault !== null) rejected += 1
    else if (isOld) superseded.set(product, row)
    else superseded.delete(product)
    const error: ReadonlyArray<ImportLine> = fault === null ? [] : [{ type: "error", row, ...fault }]
    return rows % progressRows === 0 ? [...error, progress()] : error
  }
  const end = (importId: string, isDryRun: boolean): ReadonlyArray<ImportLine> => [
    ...Array.from(superseded.values(), (row): ImportLine => ({ type: "error", row, ...outdated })),
    {
      type: "done",
      importId,
      ...counts(),
      ...(isDryRun ? { dryRun: true } : {}),
      ...(superseded.size === 0 ? {} : { superseded: superseded.size })
    }
  ]
  return { add, end, progress }
}
const outdated = {
  code: "row_superseded",
  detail:
    "Taken before under the same import-id, and the product was changed since. Use another id to list it like this again"
}
