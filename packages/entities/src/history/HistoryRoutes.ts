import { NotFound } from "@halles/engine/eventsourced/EntityErrors"
import * as Page from "@halles/shared/Page"
import { Region } from "@halles/shared/Region"
import { looks, ofCatalogue } from "@halles/shared/wire/AccessRule"
import * as Answers from "@halles/shared/wire/Answers"
import * as Headers from "@halles/shared/wire/Headers"
import { named } from "@halles/shared/wire/Named"
import * as Refusal from "@halles/shared/wire/Refusal"
import * as ViewJson from "@halles/shared/wire/ViewJson"
import { WholeNumber } from "@halles/shared/wire/WholeNumber"
import { Effect, Schema } from "effect"
import type { Entity } from "effect/cluster"
import { HttpApiEndpoint } from "effect/http-api"
import type { HttpRouter, HttpServerRequest } from "effect/http"
import type { Rpc } from "effect/rpc"
import { Edge } from "../routes/Edge.ts"
import * as Routes from "../routes/Routes.ts"
import { Entry, HistoryTooLong, NoSuchMoment } from "./History.ts"
import { Instant } from "../catalogue/Schedule.ts"

type Fields = Schema.Struct.Fields

interface Options<Type extends string, Rpcs extends Rpc.Any, Params extends Fields> {
  readonly contract: Entity.Entity<Type, Rpcs>
  readonly params: Params
  readonly id: (request: {
    readonly params: Schema.Struct.Type<Params>
    readonly query: { readonly region: Region }
  }) => string
}

const Version = WholeNumber({ minimum: 1 })
const refusals = [Refusal.of(NotFound), Refusal.of(NoSuchMoment), Refusal.of(HistoryTooLong)] as const
const access = { ...looks, ...ofCatalogue }
/** Each answer may read thousands of rows. */
const traffic = { priority: "browse", cost: 5 } as const
const editedQuery = { region: Region, version: Schema.optionalKey(Version), at: Schema.optionalKey(Instant) }
const historyQuery = { region: Region, ...Headers.paged }

/** What a handler sees of a request; the parameters only `id` knows. */
interface Given {
  readonly params: never
  readonly query: {
    readonly region: Region
    readonly version?: number
    readonly at?: number
    readonly cursor?: string
    readonly limit?: number
  }
  readonly request: HttpServerRequest.HttpServerRequest
}
type Asks = (id: string) => {
  readonly Edited: (moment: object) => Effect.Effect<object, unknown>
  readonly History: (
    asked: object
  ) => Effect.Effect<{ readonly items: ReadonlyArray<Entry>; readonly more: boolean }, unknown>
}

/** An entity as merchants edit it, as it is or as it was at a moment. */
export const edited = <
  const Name extends string,
  const Path extends HttpRouter.PathInput,
  Type extends string,
  Rpcs extends Rpc.Any,
  Params extends Fields,
  Json extends Schema.Top
>(
  name: Name,
  path: Path,
  {
    about,
    contract,
    id,
    json,
    params,
    seq,
    summary
  }: Options<Type, Rpcs, Params> & {
    readonly json: Json
    readonly summary: string
    readonly about: string
    readonly seq: (edited: never) => number
  }
) =>
  Routes.custom(
    HttpApiEndpoint.get(name, path, { params, query: editedQuery, success: json, error: refusals }),
    {
      access,
      traffic,
      summary,
      about: `${about} With \`version\` the answer is what that version was, with \`at\` what it was at that time, with both that version if it was there by then: the entity folds its journal up to there.`
    },
    Effect.gen(function* () {
      const edge = yield* Edge
      const entity = (yield* edge.entity(contract)) as unknown as Asks
      const encode = ViewJson.encoder(json)
      return Effect.fnUntraced(function* (given: Given) {
        const { at, version } = given.query
        const moment = { ...(at === undefined ? {} : { at }), ...(version === undefined ? {} : { version }) }
        const shown = yield* edge.call(entity(id(given)).Edited(moment))
        return Answers.fresh(given.request, seq(shown as never), () => encode(shown))
      }) as never
    })
  )

const Cursor = Page.Cursor("history", [Schema.Int])
const History = Schema.Struct({ items: Schema.Array(Entry), next: Schema.NullOr(Headers.Cursor) }).pipe(
  named("History", {
    items: [
      {
        seq: 4,
        at: 1_796_619_600_000,
        author: "Zk3vXr8Kd0ZtWbYp5nLc2A",
        reason: "Winter sale",
        changes: [
          { field: "price", before: { amount: "495", currency: "GBP" }, after: { amount: "445", currency: "GBP" } }
        ]
      }
    ],
    next: null
  })
)

/** The changes of an entity, the newest first. */
export const history = <
  const Name extends string,
  const Path extends HttpRouter.PathInput,
  Type extends string,
  Rpcs extends Rpc.Any,
  Params extends Fields
>(
  name: Name,
  path: Path,
  {
    about = "",
    contract,
    id,
    of,
    params,
    what
  }: Options<Type, Rpcs, Params> & {
    readonly what: string
    readonly about?: string
    /** What is asked for beside the page. */
    readonly of?: (params: Schema.Struct.Type<Params>) => object
  }
) =>
  Routes.custom(
    HttpApiEndpoint.get(name, path, { params, query: historyQuery, success: History, error: refusals }),
    {
      access,
      traffic,
      summary: `Who changed a ${what}, when, why, and what`,
      about:
        "The newest change first, a page at a time; `next` of one page is `cursor` of the page after it. `author` is an account, a partner or a tool as the audit log names it, or `timer` for a scheduled change. `reason` is what the author sent as `Change-Reason`. `changes` has each field that the change gave another value. A page that would be too large has fewer items than `limit`." +
        about
    },
    Effect.gen(function* () {
      const edge = yield* Edge
      const entity = (yield* edge.entity(contract)) as unknown as Asks
      return Effect.fnUntraced(function* (given: Given) {
        const { cursor, limit = Headers.limitDefault } = given.query
        const after = yield* Effect.mapError(Page.decodeCursor(Cursor, cursor), () => Answers.badCursor)
        const before = after === null ? null : after[1]
        const { items, more } = yield* edge.call(entity(id(given)).History({ before, limit, ...of?.(given.params) }))
        const next = more ? Page.encodeCursor(["history", items.at(-1)!.seq]) : null
        return Answers.listed(given.request, { items, next })
      }) as never
    })
  )

/** Both routes of an entity that is shown under `path`. */
export const routes = <
  const Thing extends string,
  const Path extends `/${string}`,
  Type extends string,
  Rpcs extends Rpc.Any,
  Params extends Fields,
  Json extends Schema.Top
>(
  thing: Thing,
  path: Path,
  { json, what, ...options }: Options<Type, Rpcs, Params> & { readonly json: Json; readonly what: string }
) =>
  [
    edited(`getEdited${thing}` as const, `${path}/details` as const, {
      ...options,
      json,
      seq: ({ seq }: { readonly seq: number }) => seq,
      summary: `One ${what} as merchants edit it`,
      about: "With the version of each field: the `seq` that gave it the value that it has."
    }),
    history(`get${thing}History` as const, `${path}/history` as const, { ...options, what })
  ] as const
