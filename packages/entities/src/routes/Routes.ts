import { Busy, CommandReused, NotFound } from "@halles/engine/eventsourced/EntityErrors"
import { commandFields } from "@halles/shared/Command"
import type { CartId, CustomerId } from "@halles/shared/Ids"
import type { Question } from "@halles/shared/wire/AccessRule"
import type { Intents } from "@halles/shared/Intent"
import { type Region, regionOf } from "@halles/shared/Region"
import * as Answers from "@halles/shared/wire/Answers"
import { IdempotencyKeyReused } from "@halles/shared/wire/EdgeErrors"
import * as Headers from "@halles/shared/wire/Headers"
import { Idempotency } from "@halles/shared/wire/Idempotency"
import { type Operation, operation, Shared, Shows } from "@halles/shared/wire/Operation"
import * as Refusal from "@halles/shared/wire/Refusal"
import * as Stamp from "@halles/shared/wire/Stamp"
import * as ViewJson from "@halles/shared/wire/ViewJson"
import { Effect, Schema } from "effect"
import type { Entity } from "effect/cluster"
import type { HttpRouter, HttpServerRequest, HttpServerResponse } from "effect/http"
import { HttpApiEndpoint, HttpApiGroup, HttpApiSchema, OpenApi } from "effect/http-api"
import type { Rpc } from "effect/rpc"
import type { Reads } from "./Reads.ts"
import { DefaultRegion, Edge, type Freshness, sharedKey } from "./Edge.ts"

// A route is an endpoint of the HTTP contract with what carries it out. Domains declare theirs with `command`, `query` and
// `List.ts`, which supply headers, idempotency, versions, problems, deadline and consistency tokens; `custom` is for the rest.

type Fields = Schema.Struct.Fields
type StructOf<F extends Fields> = [F] extends [never] ? never : Schema.Struct<F>
type TypeOf<F extends Fields> = [F] extends [never] ? object : Schema.Struct.Type<F>
type PayloadOf<S extends Schema.Top> = [S] extends [never] ? object : S["Type"]

/** What routes are carried out with. */
export type Needs = Edge | Reads | Intents

type Handler = (request: never) => Effect.Effect<HttpServerResponse.HttpServerResponse, unknown>

/** An endpoint, as its type is to the client, and what carries it out. */
export interface Route<E = unknown> {
  readonly endpoint: E
  readonly handler: Effect.Effect<Handler, never, Needs>
}

/** What a callback of a route sees of a request. */
export interface Request<Params extends Fields, Query extends Fields, Payload extends Schema.Top> {
  readonly params: TypeOf<Params>
  readonly query: TypeOf<Query>
  readonly payload: PayloadOf<Payload>
  readonly headers: Readonly<Record<string, string>>
  readonly request: HttpServerRequest.HttpServerRequest
}

/** What is asked before a command is sent, by what the body says. */
type Asks<Request> = {
  readonly customer?: (request: Request) => CustomerId | undefined
  readonly cart?: (request: Request) => CartId | undefined
  readonly agreedPrices?: (request: Request) => boolean
  readonly amount?: (request: Request) => bigint
  readonly region?: (request: Request) => Region
}
const questionOf = (name: string) => (name === "customer" || name === "cart" ? "owner" : name) as Question

/** The rule, with what the route asks. */
const asking = ({ access, ...rest }: Operation, asks: object = {}): Operation => {
  const questions = Object.keys(asks).map(questionOf)
  return { ...rest, access: questions.length === 0 ? access : { ...access, asks: questions } }
}

type Method = "POST" | "PUT" | "PATCH" | "DELETE"
type Tags<Rpcs extends Rpc.Any> = Rpcs["_tag"]
type Sent<Rpcs extends Rpc.Any, Tag extends string> = Omit<
  Rpc.Payload<Rpc.ExtractTag<Rpcs, Tag>>,
  "_tag" | "commandId" | "origin" | "expectedSeq"
>
type Answered<Rpcs extends Rpc.Any, Tag extends string> = Rpc.Success<Rpc.ExtractTag<Rpcs, Tag>>
type Refusals<Rpcs extends Rpc.Any, Tag extends string> = Exclude<
  Rpc.Error<Rpc.ExtractTag<Rpcs, Tag>>,
  Busy | CommandReused
>

type AnyRpc = Rpc.AnyWithProps & { readonly payloadSchema: unknown; readonly errorSchema: Schema.Top }
const rpcOf = (contract: { readonly protocol: { readonly requests: ReadonlyMap<string, unknown> } }, tag: string) =>
  contract.protocol.requests.get(tag) as AnyRpc
type Send = (message?: unknown) => Effect.Effect<{ readonly seq: number }, unknown>

/** A client may know an idempotency key by another name than its entity does. */
const toKeyReused = (error: unknown) => (error instanceof CommandReused ? new IdempotencyKeyReused() : error)

/** The wire forms of what a message is refused with. */
export const refusals = <Type extends string, Rpcs extends Rpc.Any, const Tag extends string>(
  contract: Entity.Entity<Type, Rpcs>,
  message: Tag
) => Refusal.all(rpcOf(contract, message).errorSchema) as ReadonlyArray<Schema.Codec<Refusals<Rpcs, Tag>, unknown>>

/** A route whose parameters do not name the entity says which one it is. */
type Named<Params extends Fields> = "id" extends keyof TypeOf<Params> ? object : { readonly id: unknown }
/** A route whose body does not have the fields of the message says what they are. */
type Filled<Payload extends Schema.Top, Sent> = PayloadOf<Payload> extends Sent ? object : { readonly fields: unknown }

const idOfParams = ({ params }: { readonly params: object }): string => (params as { readonly id: string }).id

interface CommandOptions<
  Type extends string,
  Rpcs extends Rpc.Any,
  Tag extends string,
  Json extends Schema.Top,
  Params extends Fields,
  Query extends Fields,
  Payload extends Schema.Top,
  Refused extends Schema.Top
>
  extends Operation, Stamp.Sender {
  readonly contract: Entity.Entity<Type, Rpcs>
  /** The message of the contract that carries it out. */
  readonly message: Tag
  readonly params?: Params
  readonly query?: Query
  /** The body: `bodyOf` the message, or a struct of its own. */
  readonly payload?: Payload
  /** How the answer looks: what the message is answered with, or what `answer` makes of it. */
  readonly json: Json
  /**
   * Makes the entity's id where no path parameter `id` has it. A route that makes a new entity puts `random` into the id: nobody can
   * guess it, and a repeat with the same idempotency key gets the same.
   */
  readonly id?: (request: Request<Params, Query, Payload>, random: string) => string
  /** For a route that makes a new entity, and answers 201: what the entity is called, and the path at which clients find it. */
  readonly creates?: {
    readonly what: string
    readonly location?: (id: string, random: string) => string
    readonly status?: 202
  }
  /** Makes the command's own fields where they are not those of the body. */
  readonly fields?: (request: Request<Params, Query, Payload>, random: string) => Sent<Rpcs, Tag>
  /** Asked in this order. */
  readonly asks?: Asks<Request<Params, Query, Payload>>
  /** Asks other entities before the command is sent, and may refuse the request. If it returns a request, the route carries out that one. */
  readonly before?: Effect.Effect<
    (request: Request<Params, Query, Payload>) => Effect.Effect<Request<Params, Query, Payload> | void, unknown>,
    never,
    Needs
  >
  /** The refusals of `before`, where the contract does not declare them for the message. */
  readonly refuses?: ReadonlyArray<Refused>
  /** With `Prefer: return=minimal`: the message whose answer does not carry the view. */
  readonly minimal?: {
    readonly message: Tags<Rpcs>
    readonly fields: (request: Request<Params, Query, Payload>) => object
    readonly refusal: (error: never, request: Request<Params, Query, Payload>) => unknown
  }
  /** `required` where a repeat without a key could do harm. */
  readonly key?: "required"
  /** `required` where a change made without looking would undo somebody else's; `none` where nothing is there yet. */
  readonly version?: "required" | "none"
  readonly answer?: (view: Answered<Rpcs, Tag>, random: string) => object
}

/** The body of a route that is sent what its message says. */
export const bodyOf = <F extends Fields>({ fields }: { readonly fields: F }) => {
  const own = Object.entries(fields).filter(([name]) => name !== "_tag" && !(name in commandFields))
  return Schema.Struct(Object.fromEntries(own) as Omit<F, "_tag" | keyof typeof commandFields>)
}

const fieldsOfBody = ({ payload }: { readonly payload?: unknown }): object => payload ?? {}

/** A change of one entity. */
export const command = <
  const Name extends string,
  const M extends Method,
  const Path extends HttpRouter.PathInput,
  Type extends string,
  Rpcs extends Rpc.Any,
  const Tag extends string,
  Json extends Schema.Top,
  Params extends Fields = never,
  Query extends Fields = never,
  Payload extends Schema.Top = never,
  Refused extends Schema.Top = never
>(
  name: Name,
  method: M,
  path: Path,
  options: CommandOptions<Type, Rpcs, Tag, Json, Params, Query, Payload, Refused> &
    Named<Params> &
    Filled<Payload, Sent<Rpcs, Tag>>
) => {
  const { answer, asks, before, contract, creates, json, message, minimal, params, payload, query } = options
  const { fields = fieldsOfBody, id = idOfParams } = options
  const rpc = rpcOf(contract, message)
  const status = creates === undefined ? 200 : (creates.status ?? 201)
  const answered = status === 200 ? json : json.pipe(HttpApiSchema.status(status))
  const endpoint = HttpApiEndpoint.make(method as "POST")(name, path, {
    params,
    query,
    payload,
    headers: Headers.of(options),
    success: minimal === undefined ? answered : [answered, HttpApiSchema.NoContent],
    error: [...Refusal.all(rpc.errorSchema), ...(options.refuses ?? []).flatMap(Refusal.all)]
  } as never)
    .middleware(Idempotency)
    .annotateMerge(operation(asking(options, asks)))
    .annotate(Shows, answer === undefined ? { type: contract.type, message, json } : null)

  const encode = ViewJson.encoder(json)
  const handler = Effect.gen(function* () {
    const edge = yield* Edge
    const entity = (yield* edge.entity(contract)) as unknown as (id: string) => Readonly<Record<string, Send>>
    const check = before === undefined ? undefined : yield* before
    const messageOf = (tag: string) => rpcOf(contract, tag).payloadSchema as unknown as new (fields: object) => object
    const Message = messageOf(message)
    const Minimal = minimal === undefined ? undefined : messageOf(minimal.message)
    return Effect.fnUntraced(function* (sent: Request<Params, Query, Payload>) {
      if (asks !== undefined) {
        for (const [question, of] of Object.entries(asks)) yield* edge.ask({ [question]: of(sent as never) })
      }
      const given = (check === undefined ? undefined : yield* check(sent)) ?? sent
      const random = creates === undefined ? "" : yield* Stamp.token(creates.what)
      const to = id(given, random)
      const stamp = yield* Stamp.stamp(name, sent.headers, options)
      const send = (tag: string, message: object) => Effect.mapError(edge.call(entity(to)[tag]!(message)), toKeyReused)
      if (minimal !== undefined && Minimal !== undefined && Headers.isMinimal(sent.headers["prefer"])) {
        const { seq } = yield* Effect.mapError(
          send(minimal.message, new Minimal({ ...stamp, ...minimal.fields(given) })),
          (error) => minimal.refusal(error as never, given)
        )
        return Answers.minimal([contract.type, to, seq])
      }
      const view = yield* send(message, new Message({ ...stamp, ...fields(given, random) }))
      const body = encode(answer === undefined ? view : answer(view as never, random))
      const headers = creates?.location === undefined ? {} : { location: creates.location(to, random) }
      return Answers.written([contract.type, to, view.seq], body, { status, headers })
    })
  })
  return { endpoint, handler } as unknown as Route<
    HttpApiEndpoint.HttpApiEndpoint<
      Name,
      M,
      Path,
      StructOf<Params>,
      StructOf<Query>,
      Payload,
      Schema.Struct<typeof Headers.any>,
      Json,
      Schema.Codec<Refusals<Rpcs, Tag> | Refused["Type"]>,
      Idempotency
    >
  >
}

interface QueryOptions<
  Type extends string,
  Rpcs extends Rpc.Any,
  Json extends Schema.Top,
  Params extends Fields,
  Query extends Fields
> extends Operation {
  readonly contract: Entity.Entity<Type, Rpcs>
  readonly params: Params
  readonly query?: Query
  readonly json: Json
  /** The entity, where the parameter `id` does not name it. */
  readonly id?: (request: Request<Params, Query, never>, defaultRegion: Region) => string
  /** For a view that it refuses, the route answers 404. */
  readonly shows?: (view: Answered<Rpcs, "View">) => boolean
  /** The part of the view that is asked for; a failure where it is not there. */
  readonly part?: (
    view: Answered<Rpcs, "View">,
    request: Request<Params, Query, never>
  ) => Effect.Effect<object, unknown>
  /** The view with what stands beside the entity, and changes without it; `null` when that is not known. */
  readonly beside?: Effect.Effect<(view: Answered<Rpcs, "View">) => Effect.Effect<object | null, unknown>, never, Needs>
  /** Where the answer is the same for everybody. If `Invalidation.ts` follows the type, an event of the entity makes the cached answer old. */
  readonly shared?: Freshness
}

/** An entity as it is now, with its version. */
export const query = <
  const Name extends string,
  const Path extends HttpRouter.PathInput,
  Type extends string,
  Rpcs extends Rpc.Any,
  Json extends Schema.Top,
  Params extends Fields = never,
  Query extends Fields = never
>(
  name: Name,
  path: Path,
  options: QueryOptions<Type, Rpcs, Json, Params, Query> & Named<Params>
) => {
  const { beside, contract, id = idOfParams, json, params, part, shared, shows = () => true } = options
  const endpoint = HttpApiEndpoint.get(name, path, {
    params,
    query: options.query,
    success: json,
    error: Refusal.all(rpcOf(contract, "View").errorSchema)
  } as never)
    .annotateMerge(operation(options))
    .annotate(Shared, shared !== undefined)
    .annotate(Shows, part === undefined ? { type: contract.type, message: "View", json } : null)

  const encode = ViewJson.encoder(json)
  const handler = Effect.gen(function* () {
    const edge = yield* Edge
    const entity = (yield* edge.entity(contract)) as unknown as (id: string) => { readonly View: Send }
    const look = beside === undefined ? undefined : yield* beside
    const region = yield* DefaultRegion
    return (given: Request<Params, Query, never>) => {
      const to = id(given, region)
      const none = () => new NotFound({ entity: contract.type, id: to })
      const viewed = Effect.filterOrFail(edge.call(entity(to).View()), (view) => shows(view as never), none)
      if (shared !== undefined) {
        return edge.shared(
          given.request,
          { key: sharedKey(contract.type, to), invalidatedBy: regionOf(to), ...shared },
          Effect.map(viewed, (view) => Answers.versioned(view.seq, encode(view)))
        )
      }
      return Effect.flatMap(viewed, (view) => {
        const fresh = (body: object) => Answers.fresh(given.request, view.seq, () => encode(body))
        if (part !== undefined) return Effect.map(part(view as never, given), fresh)
        if (look === undefined) return Effect.succeed(fresh(view))
        return Effect.map(look(view as never), (both) =>
          both === null ? fresh(view) : Answers.freshBeside(given.request, view.seq, encode(both))
        )
      })
    }
  })
  return { endpoint, handler } as unknown as Route<
    HttpApiEndpoint.HttpApiEndpoint<
      Name,
      "GET",
      Path,
      StructOf<Params>,
      StructOf<Query>,
      never,
      never,
      Json,
      Schema.Codec<Refusals<Rpcs, "View">>
    >
  >
}

/** A route with a handler of its own. */
export const custom = <E extends HttpApiEndpoint.ConstraintRequest, Failure>(
  endpoint: E,
  options: Operation,
  handler: Effect.Effect<
    (request: HttpApiEndpoint.Request<E>) => Effect.Effect<HttpServerResponse.HttpServerResponse, Failure>,
    never,
    Needs
  >
): Route<E> => ({
  endpoint: (endpoint as unknown as HttpApiEndpoint.Top).annotateMerge(operation(options)) as unknown as E,
  handler: handler as never
})

/** The routes of a domain, as its manifest knows them. */
export interface AnyGroup {
  readonly name: string
  readonly api: object
  readonly handlers: Effect.Effect<Readonly<Record<string, Handler>>, never, Needs>
}

/** The routes of a domain, with the types of a client. */
export interface Group<Name extends string, E> extends AnyGroup {
  readonly name: Name
  readonly api: HttpApiGroup.HttpApiGroup<
    Name,
    Extract<HttpApiEndpoint.AddPrefix<E, "/v1">, HttpApiEndpoint.Constraint>
  >
}

export const group = <const Name extends string, const Routes extends ReadonlyArray<Route>>(
  name: Name,
  { about, title }: { readonly title: string; readonly about: string },
  routes: Routes
): Group<Name, Routes[number]["endpoint"]> => {
  const [first, ...others] = routes.map(({ endpoint }) => endpoint as HttpApiEndpoint.Top)
  return {
    name,
    api: HttpApiGroup.make(name)
      .add(first!, ...others)
      .prefix("/v1")
      .annotate(OpenApi.Title, title)
      .annotate(OpenApi.Description, about) as never,
    handlers: Effect.map(
      Effect.forEach(routes, ({ endpoint, handler }) =>
        Effect.map(handler, (made) => [(endpoint as HttpApiEndpoint.Top).identifier, made] as const)
      ),
      Object.fromEntries
    )
  }
}
