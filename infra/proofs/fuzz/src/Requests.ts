import * as fc from "fast-check"
import { around, type Bounded, boundsOf, limits } from "./Bounds.ts"
import type { Contract, JsonSchema, Parameter, Route } from "./Contract.ts"
import { hostile, isKnown, isLearned, Known, memberNames, valuesOf } from "./Values.ts"

/** How a body is sent that is not what its media type says. */
export const textBreaks = ["cut", "empty", "garbage", "deep", "large", "invalid_utf8", "aborted"] as const

/** One thing that is wrong with a request, on purpose. */
export type Break =
  | { readonly at: "parameter"; readonly pick: number; readonly value: unknown }
  | { readonly at: "absent"; readonly pick: number }
  | { readonly at: "twice"; readonly pick: number; readonly value: unknown }
  | { readonly at: "query"; readonly name: string; readonly value: string }
  | { readonly at: "header"; readonly name: string; readonly value: string }
  | {
      readonly at: "member"
      readonly pick: number
      readonly how: "replace" | "drop" | "add"
      readonly name: string
      readonly value: unknown
    }
  | { readonly at: "bound"; readonly place: Bounded["place"]; readonly value: unknown }
  | { readonly at: "size"; readonly of: "body" | "target" | "head" | "headers"; readonly to: number }
  | { readonly at: "chunked" }
  | { readonly at: "text"; readonly how: (typeof textBreaks)[number]; readonly pick: number }
  | { readonly at: "type"; readonly value: string }
  | { readonly at: "method"; readonly value: string }
  | { readonly at: "path"; readonly value: string }

/** A request before it is known what the edge has. */
export interface Plan {
  readonly route: Route
  readonly parameters: Readonly<Record<string, unknown>>
  readonly type: string | undefined
  readonly body: unknown
  /** Which of the credentials that there are. */
  readonly credential: number
  /** Where in each list of known things this request takes them from; each from another place where it is null. */
  readonly together: number | null
  readonly breaks: ReadonlyArray<Break>
}

/** `header.if-match` and the like: names of different places do not meet. */
export const key = (parameter: Parameter): string => `${parameter.in}.${parameter.name}`

/** What stands behind `/carts/` in a path is a cart's id, by whatever name; a SKU or a code is told by its name. */
const poolOf = ({ path }: Route, { in: place, name }: Parameter): string => {
  const kind = new RegExp(`([^/]+)/\\{${name}\\}`).exec(path)?.[1]
  return place !== "path" || kind === undefined || isLearned(name) ? name : `${kind}.id`
}

/** A client that waits makes the run slow, and no new path is seen by it. */
const prefers = fc.constantFrom("wait=0", "wait=1", "respond-async", "return=minimal, wait=1", "wait=1; foo=bar")

const parametersOf = (route: Route, resolve: Contract["resolve"]): fc.Arbitrary<Record<string, unknown>> => {
  const arbitrary = (parameter: Parameter): fc.Arbitrary<unknown> => {
    if (parameter.name === "prefer") return prefers
    const values = valuesOf(parameter.schema, resolve)
    if (parameter.name === "idempotency-key") return fc.uuid()
    if (parameter.name === "if-match")
      return fc.oneof({ weight: 3, arbitrary: fc.constant("*") }, fc.constantFrom('"1"', '"2"'), values)
    if (parameter.in === "path" || isKnown(parameter.name)) {
      const pool = poolOf(route, parameter)
      return fc.oneof(
        { weight: 8, arbitrary: fc.tuple(fc.nat(255), values).map(([pick, value]) => new Known(pool, pick, value)) },
        { weight: 1, arbitrary: values }
      )
    }
    return values
  }
  const record = Object.fromEntries(route.parameters.map((parameter) => [key(parameter), arbitrary(parameter)]))
  return fc.record(record, {
    requiredKeys: route.parameters.filter(({ required }) => required).map(key),
    noNullPrototype: true
  })
}

const visible = fc.string({ unit: fc.integer({ min: 0x20, max: 0x7e }).map((code) => String.fromCharCode(code)) })

const breaks: fc.Arbitrary<Break> = fc.oneof(
  fc.record({ at: fc.constant("parameter" as const), pick: fc.nat(15), value: hostile }),
  fc.record({ at: fc.constant("absent" as const), pick: fc.nat(15) }),
  fc.record({ at: fc.constant("twice" as const), pick: fc.nat(15), value: visible }),
  fc.record({
    at: fc.constant("query" as const),
    name: fc.constantFrom("x", "limit", "cursor", "region", "[]", "a[b]", ...memberNames),
    value: fc.oneof(visible, fc.constantFrom("%", "%zz", "\u0000", "'"))
  }),
  fc.record({
    at: fc.constant("header" as const),
    name: fc.constantFrom(
      "idempotency-key",
      "if-match",
      "if-none-match",
      "last-event-id",
      "prefer",
      "accept",
      "accept-encoding",
      "traceparent",
      "consistency-token",
      "halles-version",
      "x-forwarded-for",
      "x-http-method-override",
      "authorization",
      "cookie",
      "content-encoding",
      "origin",
      "expect",
      "range",
      "__proto__",
      "constructor",
      "hasownproperty"
    ),
    value: fc.oneof(
      visible,
      fc.constantFrom("*", '"0"', 'W/"1"', "-1", "", "gzip", "bearer", "a".repeat(4_000), ...memberNames)
    )
  }),
  {
    weight: 5,
    arbitrary: fc.record({
      at: fc.constant("member" as const),
      pick: fc.nat(63),
      how: fc.constantFrom("replace" as const, "replace" as const, "drop" as const, "add" as const),
      name: fc.constantFrom("surplus", ...memberNames),
      value: hostile
    })
  },
  fc.record({ at: fc.constant("text" as const), how: fc.constantFrom(...textBreaks), pick: fc.nat(1_000) }),
  fc.record({
    at: fc.constant("type" as const),
    value: fc.constantFrom(
      "",
      "text/plain",
      "application/xml",
      "application/json; charset=latin1",
      "multipart/form-data; boundary=x",
      "application/x-www-form-urlencoded",
      "json",
      "application/json, text/html",
      "__proto__",
      "constructor"
    )
  }),
  fc.record({
    at: fc.constant("method" as const),
    value: fc.constantFrom("GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD")
  }),
  fc.record({
    at: fc.constant("path" as const),
    value: fc.constantFrom(
      "/",
      "//",
      "/..",
      "/.",
      "/%",
      "/%zz",
      "/%00",
      "?",
      "?&=&",
      "#",
      "/".concat("a".repeat(3_000)),
      ";x=1"
    )
  })
)

/** The whole of a request, or a part of it, just within or just beyond what any of them may have. */
const sizes: fc.Arbitrary<Break> = fc.oneof(
  fc.record({
    at: fc.constant("size" as const),
    of: fc.constant("body" as const),
    to: fc.oneof(around(limits.bodyBytes), around(limits.rowBytes))
  }),
  fc.record({ at: fc.constant("size" as const), of: fc.constant("target" as const), to: around(limits.targetBytes) }),
  fc.record({ at: fc.constant("size" as const), of: fc.constant("head" as const), to: around(limits.headBytes) }),
  fc.record({ at: fc.constant("size" as const), of: fc.constant("headers" as const), to: around(limits.headers) }),
  fc.constant({ at: "chunked" as const })
)

/** One or two places of the request at or beyond their bounds, or all of it. */
const beyond = (
  route: Route,
  type: string | undefined,
  resolve: Contract["resolve"]
): fc.Arbitrary<ReadonlyArray<Break>> => {
  const parameters = route.parameters.map((parameter) => [key(parameter), parameter] as const)
  const bounded = boundsOf(parameters, type === undefined ? undefined : route.bodies[type], resolve)
  const places = bounded.map(({ place, values }) =>
    fc.record({ at: fc.constant("bound" as const), place: fc.constant(place), value: values })
  )
  const one: fc.Arbitrary<Break> =
    places.length === 0
      ? sizes
      : fc.oneof({ weight: 1, arbitrary: sizes }, { weight: 4, arbitrary: fc.oneof(...places) })
  return fc.array(one, { minLength: 1, maxLength: 2 })
}

/** The document's example of a body, about things that are there. */
const filled = (value: unknown, pick: number, route: Route, name = ""): unknown => {
  if (typeof value === "string") return isKnown(name) ? new Known(name, pick, value, route.name) : value
  if (Array.isArray(value)) return value.map((item) => filled(item, pick, route, name))
  if (typeof value !== "object" || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, filled(member, pick, route, key)]))
}

const firstTypeOf = ({ bodies }: Route): string | undefined => Object.keys(bodies)[0]

/** As the reference shows it, with nothing that could be left out: what most clients send first, and what should succeed. */
const byExample = (route: Route, breaks: fc.Arbitrary<ReadonlyArray<Break>>): fc.Arbitrary<Plan> => {
  const type = firstTypeOf(route)
  return fc.tuple(fc.uuid(), fc.nat(255), fc.nat(255), breaks).map(([uuid, credential, pick, breaks]) => {
    const example = type === undefined ? undefined : route.bodies[type]!.example
    const given = ({ example, name }: Parameter) => {
      if (name === "idempotency-key") return uuid
      return name === "if-match" ? "*" : example
    }
    const parameters = route.parameters
      .filter(({ name, required }) => required || name === "if-match")
      .map((parameter) => {
        const value = given(parameter)
        const inPath = parameter.in === "path"
        return [key(parameter), inPath ? new Known(poolOf(route, parameter), pick, value, route.name) : value]
      })
    return {
      route,
      parameters: Object.fromEntries(parameters),
      type,
      body: filled(example, pick, route),
      credential,
      together: pick,
      breaks
    }
  })
}

/** Requests to one route: three of five as the document wants them, the others with something wrong. */
const requestsTo = (route: Route, resolve: Contract["resolve"]): fc.Arbitrary<Plan> => {
  const types = Object.keys(route.bodies)
  const typed =
    types.length === 0
      ? fc.constant({ type: undefined, body: undefined })
      : fc.oneof(
          ...types.map((type) => {
            const { example, schema } = route.bodies[type]!
            const json = /\bjson$/.test(type) && schema["type"] !== "string"
            return fc.record({
              type: fc.constant(type as string | undefined),
              body: json ? valuesOf(schema as JsonSchema, resolve) : fc.constant(example)
            })
          })
        )
  return fc
    .record({
      parameters: parametersOf(route, resolve),
      typed,
      credential: fc.nat(255),
      together: fc.option(fc.nat(255)),
      breaks: fc.oneof(
        { weight: 3, arbitrary: fc.constant<ReadonlyArray<Break>>([]) },
        { weight: 2, arbitrary: fc.array(breaks, { minLength: 1, maxLength: 2 }) }
      )
    })
    .map(({ typed, ...rest }) => ({ route, ...rest, ...typed }))
}

/** Requests to all routes, each as often as the others: as the document allows, by its example, and by that with sizes at every bound. */
export const requests = ({ resolve, routes }: Contract): fc.Arbitrary<Plan> =>
  fc.oneof(
    ...routes.map((route) =>
      fc.oneof(
        { weight: 4, arbitrary: requestsTo(route, resolve) },
        { weight: 1, arbitrary: byExample(route, fc.constant([])) },
        { weight: 3, arbitrary: byExample(route, beyond(route, firstTypeOf(route), resolve)) }
      )
    )
  )
