import { named, samples } from "@halles/shared/wire/Named"
import type { Region } from "@halles/shared/Region"
import * as Answers from "@halles/shared/wire/Answers"
import * as Consistency from "@halles/shared/wire/Consistency"
import { Unavailable } from "@halles/shared/wire/EdgeErrors"
import * as Headers from "@halles/shared/wire/Headers"
import { type Operation, operation, Shared } from "@halles/shared/wire/Operation"
import * as ViewJson from "@halles/shared/wire/ViewJson"
import { Effect, Schema } from "effect"
import type { Entity } from "effect/cluster"
import type { HttpRouter, HttpServerRequest } from "effect/http"
import { HttpApiEndpoint } from "effect/http-api"
import type { Rpc } from "effect/rpc"
import { Reads, seqs } from "./Reads.ts"
import type { Asked, TableList } from "./TableList.ts"
import { DefaultRegion, Edge, type Freshness } from "./Edge.ts"
import type { Needs, Route } from "./Routes.ts"

type Fields = Schema.Struct.Fields
type TypeOf<F extends Fields> = [F] extends [never] ? object : Schema.Struct.Type<F>

/** Entities of which a list has not heard yet that are asked at a time. */
const concurrency = 8

interface Request<Params extends Fields, Query extends Fields> {
  readonly params: TypeOf<Params>
  readonly query: TypeOf<Query> & {
    readonly cursor?: string
    readonly limit?: number
    readonly q?: string
    readonly region?: Region
  }
  readonly request: HttpServerRequest.HttpServerRequest
}

interface ListOptions<
  Type extends string,
  Rpcs extends Rpc.Any,
  Wanted,
  Item extends { readonly seq: number },
  Json extends Schema.Top,
  Params extends Fields,
  Query extends Fields,
  Found
> extends Operation {
  readonly contract: Entity.Entity<Type, Rpcs>
  readonly params?: Params
  readonly query?: Query
  /** Asks other entities before the table is read. `wanted` and `itemOf` are given the answer. */
  readonly asks?: Effect.Effect<
    (request: Request<Params, Query>, region: Region) => Effect.Effect<Found, unknown>,
    never,
    Needs
  >
  /** Name of the page in the document, and how an item of it looks. */
  readonly page: string
  readonly json: Json
  /** The list. With `q` among the parameters (`Headers.searched`) it is searched by words. */
  readonly of: TableList<Wanted, Item>
  /** The region, and what else the list is asked with. */
  readonly wanted: (
    request: Request<Params, Query>,
    defaultRegion: Region,
    found: Found
  ) => Wanted & Pick<Asked, "region">
  /** The item of an entity that is asked itself; `null` where the list has none of it. */
  readonly itemOf: (
    view: Rpc.Success<Rpc.ExtractTag<Rpcs, "View">>,
    request: Request<Params, Query>,
    found: Found
  ) => Item | null
  /**
   * Where the answer is the same for everybody. A list follows its projection, and no event says when it has: the times are short,
   * which is enough against a stampede.
   */
  readonly shared?: Freshness
}

/**
 * A page of a read table, which follows the journal by a moment. A sender that shows the `Consistency-Token` of an earlier answer
 * finds what that one wrote: the list waits for it a little, and then asks the entities that it has not heard of themselves.
 */
export const list = <
  const Name extends string,
  const Path extends HttpRouter.PathInput,
  Type extends string,
  Rpcs extends Rpc.Any,
  Wanted,
  Item extends { readonly seq: number },
  Json extends Schema.Top,
  Params extends Fields = never,
  Query extends Fields = never,
  Found = undefined
>(
  name: Name,
  path: Path,
  options: ListOptions<Type, Rpcs, Wanted, Item, Json, Params, Query, Found>
) => {
  const { contract, itemOf, json, of, page, params, shared, wanted } = options
  const { compare, idOf, table } = of
  const item = samples.get(String(json.ast.annotations?.["identifier"]))
  const success = Schema.Struct({ items: Schema.Array(json), next: Schema.NullOr(Headers.Cursor) }).pipe(
    named(page, { items: [item], next: null })
  )
  const endpoint = HttpApiEndpoint.get(name, path, {
    params,
    query: { ...options.query, ...Headers.paged },
    headers: Consistency.header,
    success
  } as never)
    .annotateMerge(operation(options))
    .annotate(Shared, shared !== undefined)

  const encode = ViewJson.encoder(json)
  const handler = Effect.gen(function* () {
    const edge = yield* Edge
    const reads = yield* Reads
    const defaultRegion = yield* DefaultRegion
    const ask = options.asks === undefined ? undefined : yield* options.asks
    const entity = (yield* edge.entity(contract)) as unknown as (id: string) => {
      readonly View: () => Effect.Effect<never, { readonly _tag: string }>
    }
    const answer = Effect.fnUntraced(function* (
      given: Request<Params, Query> & { readonly headers: { readonly "consistency-token"?: string } }
    ) {
      const found = ask === undefined ? (undefined as Found) : yield* ask(given, given.query.region ?? defaultRegion)
      const asked = wanted(given, defaultRegion, found)
      const { region } = asked
      const seen = yield* Consistency.seenOf(given.headers["consistency-token"], contract.type)
      const here = new Map([...seen].filter(([id]) => id.startsWith(`${region}_`)))
      const behind = yield* edge.call(Consistency.behind(here, (ids) => reads.read(region, seqs(table, ids))))
      const { cursor, limit = Headers.limitDefault, q } = given.query
      // Which words an entity has only the table knows.
      if (behind.length > 0 && q !== undefined) return yield* new Unavailable()
      const { items, next } = yield* edge
        .call(
          Effect.tapErrorTag(reads.read(region, of.page({ ...asked, limit, cursor, q })), "SqlError", (error) =>
            Effect.logWarning(`${name} could not be read`, error)
          )
        )
        .pipe(Effect.catchTag("BadCursor", () => Effect.fail(Answers.badCursor)))
      if (behind.length === 0) return Answers.listed(given.request, { items: items.map(encode), next })
      const views = yield* Effect.forEach(
        behind,
        (id) =>
          Effect.map(
            Effect.catchTag(edge.call(entity(id).View()), "NotFound", () => Effect.succeed(null)),
            (view) => [id, view === null ? null : itemOf(view, given, found)] as const
          ),
        { concurrency }
      )
      const newer = new Map(views)
      const [first] = items
      const last = items.at(-1)
      /** On this page, by where it would stand; without a next page all that follows is on this one. */
      const isHere = (one: Item): boolean =>
        (next === null || last === undefined || compare(one, last) <= 0) &&
        (cursor === undefined || (first !== undefined && compare(one, first) >= 0))
      const known = items.filter((one) => !newer.has(idOf(one)))
      const added = [...newer.values()].filter((one) => one !== null && isHere(one)) as ReadonlyArray<Item>
      return Answers.listed(given.request, { items: [...known, ...added].toSorted(compare).map(encode), next })
    })
    if (shared === undefined) return answer
    return (given: Parameters<typeof answer>[0]) =>
      // Its links repeat what was asked.
      edge.shared(given.request, { key: `list:${given.request.url}`, invalidatedBy: null, ...shared }, answer(given))
  })
  return { endpoint, handler } as unknown as Route<
    HttpApiEndpoint.HttpApiEndpoint<
      Name,
      "GET",
      Path,
      [Params] extends [never] ? never : Schema.Struct<Params>,
      Schema.Struct<[Query] extends [never] ? typeof Headers.paged : Query & typeof Headers.paged>,
      never,
      Schema.Struct<typeof Consistency.header>,
      Schema.Struct<{ readonly items: Schema.$Array<Json>; readonly next: Schema.NullOr<typeof Headers.Cursor> }>
    >
  >
}
