import { ListProduct, Product } from "@halles/entities/Product"
import { Receive, Sku } from "@halles/entities/Sku"
import { CommandId, skuId, WarehouseId } from "@halles/shared/Ids"
import { Context, Deferred, Effect, Layer, Result, Schedule, Stream } from "effect"
import type { ImportLine } from "./CatalogApi.ts"
import * as Rows from "./CatalogImport/ImportRows.ts"
import * as Edge from "./Edge.ts"
import * as Problem from "./Problem.ts"
import * as Upstreams from "./Upstreams.ts"

/** Rows of one import that are on their way at a time. */
const concurrency = 32
const progressRows = 500
const progressEvery = "1 second"
/** A row whose runner is moving waits for it: seven attempts in about half a minute. */
const patience = { times: 6, schedule: Schedule.exponential("200 millis") }

const origin = { actor: "edge:import" } as const

interface Taken {
  readonly row: number
  readonly fault: Rows.RowFault | null
}

/** Takes a catalogue row by row; repeating one with its id writes nothing. */
export class CatalogImport extends Context.Service<
  CatalogImport,
  {
    readonly run: (options: {
      readonly importId: string
      readonly format: "csv" | "ndjson"
      readonly body: Stream.Stream<Uint8Array, unknown>
      /** First row to take, from 1. */
      readonly from: number
    }) => Stream.Stream<ImportLine>
  }
>()("@halles/http/CatalogImport") {
  static readonly layer = Layer.effect(
    CatalogImport,
    Effect.gen(function* () {
      const product = yield* Upstreams.entity(Product)
      const sku = yield* Upstreams.entity(Sku)

      const list = (importId: string, number: number, row: Rows.ImportRow) => {
        const { description = "", region, sku: code, title } = row
        const commandId = CommandId.make(`import:${importId}:${number}:list`)
        const command = new ListProduct({
          commandId,
          origin,
          sku: code,
          title,
          description,
          price: Rows.price(row)
        })
        return Edge.call(product(skuId(region, code)).ListProduct(command))
      }
      const receive = (importId: string, number: number, row: Rows.ImportRow) => {
        const { region, sku: code, stock = 0, warehouse = WarehouseId.make(`${region}-main`) } = row
        if (stock === 0) return Effect.void
        const commandId = CommandId.make(`import:${importId}:${number}:receive`)
        return Edge.call(
          sku(skuId(region, code)).Receive(new Receive({ commandId, origin, warehouse, quantity: stock }))
        )
      }
      const take = (importId: string, number: number, row: Rows.ImportRow): Effect.Effect<Rows.RowFault | null> =>
        Effect.andThen(list(importId, number, row), receive(importId, number, row)).pipe(
          Effect.retry({ ...patience, while: (error) => error._tag === "Unavailable" }),
          Effect.match({
            onFailure: (error) => ({ code: Problem.codeOf(error._tag), detail: "The row was refused" }),
            onSuccess: () => null
          })
        )

      const run: CatalogImport["Service"]["run"] = ({ body, format, from, importId }) =>
        Stream.suspend(() => {
          const inOrder = makeInOrder()
          const tally = makeTally()
          let read = 0
          const rows: Stream.Stream<Rows.Row, unknown> = format === "csv" ? Rows.fromCsv(body) : Rows.fromNdjson(body)
          return rows.pipe(
            Stream.map((row) => ({ number: ++read, row })),
            Stream.filter(({ number }) => number >= from),
            Stream.mapEffect(
              ({ number, row }): Effect.Effect<Taken> =>
                Result.isFailure(row)
                  ? Effect.succeed({ row: number, fault: row.failure })
                  : Effect.map(
                      inOrder(skuId(row.success.region, row.success.sku), take(importId, number, row.success)),
                      (fault) => ({ row: number, fault })
                    ),
              { concurrency }
            ),
            Stream.map(tally.add),
            Stream.flattenIterable,
            Stream.merge(Stream.map(Stream.drop(Stream.tick(progressEvery), 1), tally.progress), {
              haltStrategy: "left"
            }),
            Stream.concat(Stream.sync((): ImportLine => ({ type: "done", importId, ...tally.counts() }))),
            Stream.catch((error) => Stream.fromEffect(failed(error, read)))
          )
        })
      return { run }
    })
  )
}

/** The body ended early, or is not what it says; what was taken stays taken. */
const failed = (error: unknown, row: number): Effect.Effect<ImportLine> =>
  error instanceof Rows.Unreadable
    ? Effect.succeed({ type: "failed", row, code: error.code, detail: error.detail })
    : Effect.as(Effect.logWarning("CatalogImport: the body could not be read", error), {
        type: "failed",
        row,
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
  const counts = () => ({ rows, accepted: rows - rejected, rejected })
  const progress = (): ImportLine => ({ type: "progress", ...counts() })
  const add = ({ fault, row }: Taken): ReadonlyArray<ImportLine> => {
    rows += 1
    if (fault !== null) rejected += 1
    const error: ReadonlyArray<ImportLine> = fault === null ? [] : [{ type: "error", row, ...fault }]
    return rows % progressRows === 0 ? [...error, progress()] : error
  }
  return { add, counts, progress }
}
