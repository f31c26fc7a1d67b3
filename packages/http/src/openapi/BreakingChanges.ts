import type { OpenAPISpec, OpenAPISpecOperation } from "effect/http-api/OpenApi"
import type { JsonSchema } from "./Sample.ts"
import { parametersOf, responsesOf } from "./Shared.ts"

/** Who writes a value: the client what a request holds, the server what an answer holds. */
export type Direction = "request" | "response"

/** The document whose components a schema refers to. */
type Components = Pick<OpenAPISpec, "components">

const lowerBounds = ["minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties"]
const upperBounds = ["maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties"]

type Properties = Readonly<Record<string, JsonSchema>>
const propertiesOf = (schema: JsonSchema): Properties => (schema["properties"] as Properties | undefined) ?? {}
const requiredOf = (schema: JsonSchema): ReadonlyArray<string> =>
  (schema["required"] as ReadonlyArray<string> | undefined) ?? []

/** References followed, and `allOf` taken together: its parts never say the same keyword twice, but for `required`. */
const flat = (components: Components, schema: JsonSchema): JsonSchema => {
  const { $ref, allOf, ...own } = schema
  const parts: Array<JsonSchema> = [own]
  if (typeof $ref === "string") {
    parts.push(flat(components, components.components.schemas[$ref.split("/").at(-1)!] as JsonSchema))
  }
  for (const part of (allOf as ReadonlyArray<JsonSchema> | undefined) ?? []) parts.push(flat(components, part))
  return Object.assign({}, ...parts, { required: parts.flatMap(requiredOf) }) as JsonSchema
}

/** The alternatives that a schema allows, each without references; one that is no choice is its own. */
const alternatives = (components: Components, schema: JsonSchema): ReadonlyArray<JsonSchema> => {
  const resolved = flat(components, schema)
  const choice = (resolved["anyOf"] ?? resolved["oneOf"]) as ReadonlyArray<JsonSchema> | undefined
  return choice === undefined ? [resolved] : choice.flatMap((option) => alternatives(components, option))
}

const everyType = ["array", "boolean", "null", "number", "object", "string"]
const typesOf = (schema: JsonSchema): ReadonlyArray<string> => {
  if (schema["type"] !== undefined) return [schema["type"] as string | ReadonlyArray<string>].flat()
  const values = valuesOf(schema)
  if (values === undefined) return everyType
  return values.map((value) => (value === null ? "null" : Array.isArray(value) ? "array" : typeof value))
}
const accepts = (types: ReadonlyArray<string>, type: string): boolean =>
  types.includes(type) || (type === "integer" && types.includes("number"))

const valuesOf = (schema: JsonSchema): ReadonlyArray<unknown> | undefined =>
  "const" in schema ? [schema["const"]] : (schema["enum"] as ReadonlyArray<unknown> | undefined)

/** Constant members tell alternatives apart: the code of a problem, the type of an event. */
const tagOf = (components: Components, schema: JsonSchema): string =>
  JSON.stringify(
    Object.entries(propertiesOf(schema))
      .map(([name, property]) => [name, valuesOf(flat(components, property))] as const)
      .filter(([, values]) => values?.length === 1)
      .toSorted()
  )

/**
 * What a client of `base` would stumble over in `next`, one line each. In a request: something that was taken is refused. In
 * an answer: something that was promised is gone, or comes in a type that was not. New optional input, new output, new
 * values of an enumeration and new problems break nobody: clients expect more than they know.
 */
export const schemaChanges = (
  direction: Direction,
  base: { readonly in: Components; readonly schema: JsonSchema },
  next: { readonly in: Components; readonly schema: JsonSchema },
  at = "",
  seen: ReadonlySet<string> = new Set()
): ReadonlyArray<string> => {
  const pair = `${String(base.schema["$ref"])} ${String(next.schema["$ref"])}`
  if (base.schema["$ref"] !== undefined && next.schema["$ref"] !== undefined) {
    if (seen.has(pair)) return []
    seen = new Set([...seen, pair])
  }
  const before = alternatives(base.in, base.schema)
  const after = alternatives(next.in, next.schema)
  const [given, taken] = direction === "request" ? [before, after] : [after, before]
  const known = taken.flatMap(typesOf)
  const strange = [...new Set(given.flatMap(typesOf))].filter((type) => !accepts(known, type))
  if (strange.length > 0) {
    const verb = direction === "request" ? "is no longer taken as" : "may now be"
    return [`${at || "/"} ${verb} ${strange.join(", ")}`]
  }
  return before.flatMap((old) => {
    const fitting = after.filter((option) => typesOf(old).some((type) => accepts(typesOf(option), type)))
    const tagged = fitting.filter((option) => tagOf(next.in, option) === tagOf(base.in, old))
    const candidates = tagged.length > 0 ? tagged : after.length === 1 || direction === "request" ? fitting : []
    // An alternative that an answer no longer has breaks nobody.
    if (candidates.length === 0) return []
    const found = candidates.map((option) =>
      optionChanges(direction, { in: base.in, schema: old }, { in: next.in, schema: option }, at, seen)
    )
    return found.find((changes) => changes.length === 0) ?? found[0]!
  })
}

type Placed = { readonly in: Components; readonly schema: JsonSchema }

const optionChanges = (
  direction: Direction,
  base: Placed,
  next: Placed,
  at: string,
  seen: ReadonlySet<string>
): ReadonlyArray<string> => {
  const inner = (left: JsonSchema, right: JsonSchema, name: string) =>
    schemaChanges(direction, { in: base.in, schema: left }, { in: next.in, schema: right }, `${at}/${name}`, seen)
  const before = propertiesOf(base.schema)
  const after = propertiesOf(next.schema)
  const changes =
    direction === "request" ? narrowed(base.schema, next.schema, at) : promised(base.schema, next.schema, at)
  const common = Object.keys(before).filter((name) => Object.hasOwn(after, name))
  const items = [base.schema["items"], next.schema["items"]] as ReadonlyArray<JsonSchema | undefined>
  const rest = [base.schema["additionalProperties"], next.schema["additionalProperties"]]
  return [
    ...changes,
    ...common.flatMap((name) => inner(before[name]!, after[name]!, name)),
    ...(items[0] !== undefined && items[1] !== undefined ? inner(items[0], items[1], "*") : []),
    ...(isSchema(rest[0]) && isSchema(rest[1]) ? inner(rest[0], rest[1], "*") : [])
  ]
}

const isSchema = (value: unknown): value is JsonSchema => typeof value === "object" && value !== null

/** What `next` refuses and `base` takes, but for what is inside of members. */
const narrowed = (base: JsonSchema, next: JsonSchema, at: string): ReadonlyArray<string> => {
  const place = at || "/"
  const changes: Array<string> = []
  for (const name of requiredOf(next).filter((name) => !requiredOf(base).includes(name))) {
    changes.push(`${at}/${name} is now required`)
  }
  const after = propertiesOf(next)
  if (next["additionalProperties"] === false) {
    for (const name of Object.keys(propertiesOf(base)).filter((name) => !Object.hasOwn(after, name))) {
      changes.push(`${at}/${name} is no longer taken`)
    }
    const had = base["additionalProperties"]
    if (had !== false && typesOf(base).includes("object")) changes.push(`${place} takes no other members any more`)
  }
  const values = valuesOf(next)
  const gone = values === undefined ? [] : (valuesOf(base) ?? ["anything else"]).filter((had) => !values.includes(had))
  if (gone.length > 0) changes.push(`${place} no longer takes ${gone.map(String).join(", ")}`)
  if (next["pattern"] !== undefined && next["pattern"] !== base["pattern"]) {
    changes.push(`${place} has another pattern`)
  }
  for (const [bounds, tighter] of [
    [lowerBounds, (now: number, had: number | undefined) => now > (had ?? Number.NEGATIVE_INFINITY)],
    [upperBounds, (now: number, had: number | undefined) => now < (had ?? Number.POSITIVE_INFINITY)]
  ] as const) {
    for (const bound of bounds) {
      const now = next[bound] as number | undefined
      if (now !== undefined && tighter(now, base[bound] as number | undefined))
        changes.push(`${place} has ${bound} ${now}`)
    }
  }
  return changes
}

/** What `base` promises and `next` does not, but for what is inside of members. */
const promised = (base: JsonSchema, next: JsonSchema, at: string): ReadonlyArray<string> => {
  const after = propertiesOf(next)
  const changes = Object.keys(propertiesOf(base))
    .filter((name) => !Object.hasOwn(after, name))
    .map((name) => `${at}/${name} is gone`)
  for (const name of requiredOf(base)) {
    if (Object.hasOwn(after, name) && !requiredOf(next).includes(name)) changes.push(`${at}/${name} may now be absent`)
  }
  const had = valuesOf(base)
  const values = valuesOf(next)
  if (had !== undefined && values === undefined) changes.push(`${at || "/"} may now be anything`)
  if (had !== undefined && values !== undefined && !had.some((value) => values.includes(value))) {
    changes.push(`${at || "/"} is now another constant`)
  }
  return changes
}

const verbs = ["get", "put", "post", "delete", "patch"] as const

/** Everything in `next` that a client written for `base` would stumble over. */
export const breakingChanges = (base: OpenAPISpec, next: OpenAPISpec): ReadonlyArray<string> =>
  Object.entries(base.paths).flatMap(([path, item]) =>
    verbs.flatMap((method) => {
      const before = item[method]
      if (before === undefined) return []
      const route = `${method.toUpperCase()} ${path}`
      const after = next.paths[path]?.[method]
      if (after === undefined) return [`${route} is gone`]
      return operationChanges(base, next, before, after).map((change) => `${route}: ${change}`)
    })
  )

const key = ({ in: place, name }: { readonly in: string; readonly name: string }) => `${place} parameter ${name}`

const operationChanges = (
  base: OpenAPISpec,
  next: OpenAPISpec,
  before: OpenAPISpecOperation,
  after: OpenAPISpecOperation
): ReadonlyArray<string> => {
  const compared = (direction: Direction, what: string, left: JsonSchema, right: JsonSchema) =>
    schemaChanges(direction, { in: base, schema: left }, { in: next, schema: right }).map((found) => `${what} ${found}`)
  const parameters = new Map(parametersOf(base, before).map((parameter) => [key(parameter), parameter]))
  const changes: Array<string> = []
  const taken = parametersOf(next, after)
  for (const parameter of taken) {
    const had = parameters.get(key(parameter))
    if (parameter.required && had?.required !== true) changes.push(`${key(parameter)} is now required`)
    if (had !== undefined) {
      changes.push(...compared("request", key(parameter), had.schema as JsonSchema, parameter.schema as JsonSchema))
    }
  }
  const kept = new Set(taken.map(key))
  // A header that nobody reads any more harms nobody; a query parameter that is not known is refused.
  for (const [name, { in: place }] of parameters) {
    if (place === "query" && !kept.has(name)) changes.push(`${name} is no longer taken`)
  }
  if (before.requestBody === undefined && after.requestBody !== undefined) changes.push("a body is now required")
  for (const [type, { schema }] of Object.entries(before.requestBody?.content ?? {})) {
    const now = after.requestBody?.content[type]
    if (now === undefined) changes.push(`${type} is no longer taken`)
    else changes.push(...compared("request", "body", schema, now.schema))
  }
  const answers = responsesOf(next, after)
  for (const [status, response] of Object.entries(responsesOf(base, before))) {
    const now = answers[status]
    if (now === undefined) {
      changes.push(`status ${status} is gone`)
      continue
    }
    for (const [type, { schema }] of Object.entries(response.content ?? {})) {
      const media = now.content?.[type]
      if (media === undefined) changes.push(`status ${status} is no longer ${type}`)
      else changes.push(...compared("response", `status ${status}`, schema, media.schema))
    }
    for (const [name, header] of Object.entries(response.headers ?? {})) {
      if (header.required && now.headers?.[name] === undefined) changes.push(`status ${status} has no ${name} any more`)
    }
  }
  if (before.security.length === 0 && after.security.length > 0) changes.push("credentials are now required")
  return changes
}
