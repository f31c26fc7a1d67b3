import { type Region, regions } from "@halles/shared/Region"
import { Config, Console, Effect, FileSystem, Option, Redacted, Schema } from "effect"
import { Flag } from "effect/cli"
import { HttpClient, HttpClientRequest, type HttpClientResponse } from "effect/http"
import { tree } from "../inspector/Output.ts"
import { NotDone } from "../operator/Operator.ts"

const Address = Config.all({
  url: Config.NonEmptyString("HALLES_EDGE_URL"),
  token: Config.Redacted("HALLES_IMPORT_TOKEN")
})

type Make = (url: string) => HttpClientRequest.HttpClientRequest

const answerTo = Effect.fnUntraced(function* (make: Make) {
  const { token, url } = yield* Address
  const client = yield* HttpClient.HttpClient
  const request = HttpClientRequest.bearerToken(make(`${url}/v1`), Redacted.value(token))
  return yield* Effect.mapError(
    client.execute(request),
    () => new NotDone({ reason: "the edge does not answer; is the cluster running? See: npm run status", exitCode: 6 })
  )
})

/** Sends a request to the edge with the import token. Where the edge refuses, `NotDone` has its answer. */
export const sent = (make: Make) => Effect.flatMap(answerTo(make), unlessRefused)

const unlessRefused = Effect.fnUntraced(function* (response: HttpClientResponse.HttpClientResponse) {
  if (response.status < 300) return response
  const text = yield* Effect.orElseSucceed(response.text, () => "")
  const exitCode = response.status === 401 || response.status === 403 ? 4 : 1
  return yield* new NotDone({ reason: `the edge says ${response.status}: ${text.slice(0, 2_000)}`, exitCode })
})

/** The bytes of a file that a person names. `NotDone` where there is none. */
export const bytesOf = Effect.fnUntraced(function* (file: string) {
  const files = yield* FileSystem.FileSystem
  if (yield* Effect.orElseSucceed(files.exists(file), () => false)) return files.stream(file)
  return yield* new NotDone({ reason: `there is no file ${file}`, exitCode: 1 })
})

/** Query parameters for the flags that a person gave: a switch is `true` where it is on. */
export const given = (
  flags: Readonly<Record<string, Option.Option<string> | boolean>>
): ReadonlyArray<[string, string]> =>
  Object.entries(flags).flatMap(([name, value]): ReadonlyArray<[string, string]> => {
    if (typeof value === "boolean") return value ? [[name, "true"]] : []
    return Option.isSome(value) ? [[name, value.value]] : []
  })

const unread = () => new NotDone({ reason: "the answer broke off", exitCode: 6 })
/** The body of an answer. */
export const read = <A>(response: HttpClientResponse.HttpClientResponse, schema: Schema.ConstraintCodec<A, unknown>) =>
  Effect.mapError(Effect.flatMap(response.json, Schema.decodeUnknownEffect(schema)), unread)

export const Item = Schema.Record(Schema.String, Schema.Unknown)
/** One page of a list. */
export const Items = Schema.Struct({ items: Schema.Array(Item) })

export const region = Flag.Literals("region", regions).pipe(
  Flag.withDescription("The region that it is about"),
  Flag.withDefault("eu" as Region)
)
export const limit = Flag.String("limit").pipe(Flag.withDescription("How many, at most 100"), Flag.withDefault("20"))
export const json = Flag.Boolean("json").pipe(
  Flag.withDefault(false),
  Flag.withDescription("As JSON, for programs and for `put`")
)
/** One thing, as a tree for eyes or as JSON. */
export const show = (isJson: boolean, item: unknown) => Console.log(isJson ? JSON.stringify(item, null, 2) : tree(item))

/** Asks a path of the edge below `/v1`. */
export const get = <A>(
  path: string,
  params: ReadonlyArray<[string, string]>,
  schema: Schema.ConstraintCodec<A, unknown>
) =>
  Effect.flatMap(
    sent((url) => HttpClientRequest.setUrlParams(HttpClientRequest.get(`${url}${path}`), params)),
    (response) => read(response, schema)
  )

/** How a change says which version it is for, and why it is made. */
export const changing = {
  version: Flag.String("version-seen").pipe(
    Flag.withDescription("The `seq` that the change is for; without it the one that is there now"),
    Flag.optional
  ),
  reason: Flag.String("reason").pipe(Flag.withDescription("Why, for its history"), Flag.optional)
}
interface Change {
  readonly region: Region
  readonly version: Option.Option<string>
  readonly reason: Option.Option<string>
}

/** The version of what is there, as the edge names it. */
const versionOf = Effect.fnUntraced(function* (path: string, region: Region) {
  const response = yield* answerTo((url) =>
    HttpClientRequest.setUrlParams(HttpClientRequest.get(`${url}${path}`), { region })
  )
  if (response.status === 404) return '"0"'
  return (yield* unlessRefused(response)).headers["etag"] ?? "*"
})

/** Changes what is at a path. `seenAt` is where its version is read, unless the change names one; `null` where it is for any. */
export const change = Effect.fnUntraced(function* (
  method: "PUT" | "DELETE",
  path: string,
  { reason, region, version }: Change,
  body: string | null,
  seenAt: string | null = path
) {
  const seen = seenAt === null ? Effect.succeed("*") : versionOf(seenAt, region)
  const ifMatch = Option.isSome(version) ? `"${version.value}"` : yield* seen
  const response = yield* sent((url) =>
    HttpClientRequest.make(method)(`${url}${path}`).pipe(
      HttpClientRequest.setUrlParams({ region }),
      HttpClientRequest.setHeaders({
        "if-match": ifMatch,
        ...(Option.isSome(reason) ? { "change-reason": encodeURIComponent(reason.value) } : {})
      }),
      body === null ? (request) => request : HttpClientRequest.bodyText(body, "application/json")
    )
  )
  return yield* read(response, Item)
})

/** The text of a file with JSON. */
export const textOf = Effect.fnUntraced(function* (file: string) {
  const files = yield* FileSystem.FileSystem
  return yield* Effect.mapError(
    files.readFileString(file),
    () => new NotDone({ reason: `there is no file ${file}`, exitCode: 1 })
  )
})
