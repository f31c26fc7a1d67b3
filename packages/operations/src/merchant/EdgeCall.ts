import { Config, Effect, FileSystem, Option, Redacted } from "effect"
import { HttpClient, HttpClientRequest } from "effect/http"
import { NotDone } from "../operator/Operator.ts"

const Address = Config.all({
  url: Config.NonEmptyString("HALLES_EDGE_URL"),
  token: Config.Redacted("HALLES_IMPORT_TOKEN")
})

/** Sends a request to the edge with the import token. Where the edge refuses, `NotDone` has its answer. */
export const sent = Effect.fnUntraced(function* (make: (url: string) => HttpClientRequest.HttpClientRequest) {
  const { token, url } = yield* Address
  const client = yield* HttpClient.HttpClient
  const request = HttpClientRequest.bearerToken(make(`${url}/v1`), Redacted.value(token))
  const response = yield* Effect.mapError(
    client.execute(request),
    () => new NotDone({ reason: "the edge does not answer; is the cluster running? See: npm run status", exitCode: 6 })
  )
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
