import { Effect } from "effect"
import { HttpRouter, HttpServerRequest, HttpServerResponse } from "effect/http"
import { UnknownVersion } from "../problems/EdgeErrors.ts"
import * as Problem from "../problems/Problem.ts"
// Declares the problems of the contract.
import "../problems/Problems.ts"

/** The version that everything inside speaks, and that a client gets who names none. */
export const current = "2026-11-01"

/** What a version before the current one had otherwise, in words for programs: applied to every JSON body. */
type Difference =
  /** Amounts of money were JSON numbers. */
  | { readonly kind: "amounts_are_numbers" }
  /** A member at the top of a body had another name. */
  | { readonly kind: "renamed"; readonly now: string; readonly before: string }

interface Version {
  readonly version: string
  /** When it was superseded, and when it ends. */
  readonly deprecatedAt: Date
  readonly sunsetAt: Date
  /** From the version that came after it. */
  readonly differences: ReadonlyArray<Difference>
}

/** Versions that are still answered, the newest first. */
export const older: ReadonlyArray<Version> = [
  {
    version: "2026-09-01",
    deprecatedAt: new Date("2026-11-01T00:00:00Z"),
    sunsetAt: new Date("2027-11-01T00:00:00Z"),
    differences: [{ kind: "amounts_are_numbers" }, { kind: "renamed", now: "next", before: "next_cursor" }]
  }
]

type Json = null | boolean | number | string | ReadonlyArray<Json> | { readonly [key: string]: Json }
const isObject = (value: Json): value is { readonly [key: string]: Json } =>
  typeof value === "object" && value !== null && !Array.isArray(value)

const deep = (value: Json, change: (member: { readonly [key: string]: Json }) => Json): Json => {
  if (Array.isArray(value)) return value.map((item) => deep(item, change))
  if (!isObject(value)) return value
  return change(Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, deep(inner, change)])))
}
const amounts = (body: Json, to: (amount: Json) => Json): Json =>
  deep(body, (member) =>
    typeof member["currency"] === "string" && member["amount"] !== undefined
      ? { ...member, amount: to(member["amount"]) }
      : member
  )
const renamed = (body: Json, from: string, to: string): Json =>
  isObject(body) && Object.hasOwn(body, from)
    ? Object.fromEntries(Object.entries(body).map(([key, value]) => [key === from ? to : key, value]))
    : body

/** As the next newer version would send it. */
const up = (body: Json, difference: Difference): Json =>
  difference.kind === "renamed"
    ? renamed(body, difference.before, difference.now)
    : amounts(body, (amount) => (typeof amount === "number" ? String(amount) : amount))
/** As the version would have answered it. */
const down = (body: Json, difference: Difference): Json =>
  difference.kind === "renamed"
    ? renamed(body, difference.now, difference.before)
    : amounts(body, (amount) => (typeof amount === "string" ? Number(amount) : amount))

/** The differences between a version and the current one, in the order in which they came about, latest first. */
const differencesOf = (version: string): ReadonlyArray<Difference> =>
  older.slice(0, older.findIndex((one) => one.version === version) + 1).flatMap(({ differences }) => differences)

export const upgraded = (version: string, body: Json): Json => differencesOf(version).toReversed().reduce(up, body)
export const downgraded = (version: string, body: Json): Json => differencesOf(version).reduce(down, body)

const unknown = Problem.response(
  Problem.documentOf(new UnknownVersion({ known: [current, ...older.map(({ version }) => version)] }))
)

/** What cannot be read is left to be refused as it is. */
const mapped = (text: string, change: (body: Json) => Json): string => {
  try {
    return JSON.stringify(change(JSON.parse(text) as Json))
  } catch {
    return text
  }
}
const isJson = (contentType: string | undefined): boolean =>
  contentType === undefined || /^application\/([a-z]+\+)?json\b/i.test(contentType)

const withText = (
  request: HttpServerRequest.HttpServerRequest,
  change: (text: string) => string
): HttpServerRequest.HttpServerRequest =>
  Object.create(request, { text: { value: Effect.map(request.text, change) } }) as HttpServerRequest.HttpServerRequest

const answeredAs = (
  { deprecatedAt, sunsetAt, version }: Version,
  response: HttpServerResponse.HttpServerResponse
): HttpServerResponse.HttpServerResponse => {
  const { body, status } = response
  const old = {
    "halles-version": version,
    vary: [response.headers["vary"], "halles-version"].filter((name) => name !== undefined).join(", "),
    deprecation: `@${deprecatedAt.getTime() / 1_000}`,
    sunset: sunsetAt.toUTCString(),
    link: [response.headers["link"], '</docs>; rel="deprecation"'].filter((link) => link !== undefined).join(", ")
  }
  if (body._tag !== "Uint8Array" || !isJson(body.contentType)) return HttpServerResponse.setHeaders(response, old)
  const { "content-length": _, ...headers } = response.headers
  return HttpServerResponse.text(
    mapped(Buffer.from(body.body).toString("utf8"), (json) => downgraded(version, json)),
    { status, headers: { ...headers, ...old }, contentType: body.contentType }
  )
}

/**
 * Dated versions of the API, by `Halles-Version`. Inside there is only the current one: an older request is brought up to
 * it before it is read, and its answer down from it, by differences that are data.
 */
export const ApiVersions = HttpRouter.middleware(
  Effect.succeed((answered: Effect.Effect<HttpServerResponse.HttpServerResponse, unknown, HttpRouter.GlobalProvided>) =>
    Effect.flatMap(HttpServerRequest.HttpServerRequest, (request) => {
      const wanted = request.headers["halles-version"]
      if (wanted === undefined) return answered
      if (wanted === current) return Effect.map(answered, HttpServerResponse.setHeader("halles-version", current))
      const version = older.find((one) => one.version === wanted)
      if (version === undefined) return Effect.succeed(unknown)
      const isRead = request.method === "GET" || request.method === "DELETE"
      const upgrade = !isRead && isJson(request.headers["content-type"]) && request.url.startsWith("/v1/")
      return Effect.map(
        upgrade
          ? Effect.provideService(
              answered,
              HttpServerRequest.HttpServerRequest,
              withText(request, (text) => mapped(text, (body) => upgraded(wanted, body)))
            )
          : answered,
        (response) => answeredAs(version, response)
      )
    })
  ),
  { global: true }
)
