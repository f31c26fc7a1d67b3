import type { OpenAPISpec, OpenAPISpecOperation, OpenApiSpecResponse } from "effect/http-api/OpenApi"
import * as Descriptions from "./Descriptions.ts"
import { type JsonSchema, sampleOf } from "./Sample.ts"
import { samples } from "@halles/shared/wire/Named"
import * as Samples from "./Samples.ts"

const methods = ["get", "put", "post", "delete", "patch"] as const

/** Every operation of a document with where it is. */
export const operationsOf = (
  spec: OpenAPISpec
): ReadonlyArray<{ readonly method: string; readonly path: string; readonly operation: OpenAPISpecOperation }> =>
  Object.entries(spec.paths).flatMap(([path, item]) =>
    methods.flatMap((method) => {
      const operation = item[method]
      return operation === undefined ? [] : [{ method, path, operation }]
    })
  )

/** A schema by its reference, or the schema itself. */
export const resolve = (spec: OpenAPISpec, schema: JsonSchema): JsonSchema => {
  const name = typeof schema["$ref"] === "string" ? schema["$ref"].split("/").at(-1) : undefined
  return name === undefined ? schema : (spec.components.schemas[name] as JsonSchema)
}

type Responses = Readonly<Record<string, OpenApiSpecResponse>>
/** A document as it is after `complete`. */
type Shared = OpenAPISpec & { readonly components: { readonly responses?: Responses } }

/** The answers of an operation by status, those that it shares with others included. */
export const responsesOf = (spec: Shared, { responses }: Pick<OpenAPISpecOperation, "responses">): Responses =>
  Object.fromEntries(
    Object.entries(responses).map(([status, given]) => {
      const reference = (given as { readonly $ref?: string }).$ref
      return [status, reference === undefined ? given : spec.components.responses![reference.split("/").at(-1)!]!]
    })
  )

/** Only a body can be too large, and only where one may come can it be of a media type that is not taken. */
const mayAnswer = (method: string, hasBody: boolean, status: string): boolean => {
  if (status === "413") return hasBody
  return status !== "415" || hasBody || method === "post" || method === "put" || method === "patch"
}

const entityTag = { schema: { type: "string", examples: ['"7"'] }, required: true } as const

/** Views of entities carry the entity's version: the edge sends it as `ETag`, and answers 304 to who has it. */
const isVersioned = (spec: OpenAPISpec, response: OpenApiSpecResponse): boolean => {
  const schema = response.content?.["application/json"]?.schema
  return schema !== undefined && Object.hasOwn((resolve(spec, schema).properties as object | undefined) ?? {}, "seq")
}

/** One sample a schema; of alternatives one each, named after its component. */
const samplesOf = (spec: OpenAPISpec, schema: JsonSchema, own: unknown): object => {
  if (own !== undefined) return { example: own }
  const options = schema["anyOf"] as ReadonlyArray<JsonSchema> | undefined
  if (options === undefined || !options.every((option) => typeof option["$ref"] === "string")) {
    return { example: sample(spec, schema) }
  }
  const named = options.map((option) => [`${option["$ref"]}`.split("/").at(-1), { value: sample(spec, option) }])
  return { examples: Object.fromEntries(named) }
}
const sample = (spec: OpenAPISpec, schema: JsonSchema): unknown =>
  sampleOf(schema, (reference) => {
    const name = reference.split("/").at(-1)!
    return { schema: spec.components.schemas[name] as JsonSchema, sample: samples.get(name) }
  })

const response = (spec: OpenAPISpec, status: string, given: OpenApiSpecResponse): OpenApiSpecResponse => ({
  ...given,
  description: Descriptions.statuses[status] ?? given.description,
  ...(status.startsWith("2") && isVersioned(spec, given) ? { headers: { ...given.headers, etag: entityTag } } : {}),
  ...(given.content === undefined
    ? {}
    : {
        content: Object.fromEntries(
          Object.entries(given.content).map(([type, media]) => [
            type,
            { ...media, ...samplesOf(spec, media.schema, undefined) }
          ])
        )
      })
})

/** Numbers in paths, queries and headers are text to the server, and numbers to whoever reads the document. */
const asNumber = (schema: JsonSchema): JsonSchema => {
  const { maximum, minimum, type, ...rest } = schema
  return type === "string" && minimum !== undefined ? { ...rest, type: "integer", minimum, maximum } : schema
}

const operation = (
  spec: OpenAPISpec,
  method: string,
  { description, ...given }: OpenAPISpecOperation,
  examples: ReadonlyMap<string, unknown>
): OpenAPISpecOperation => {
  const responses = Object.entries(given.responses).filter(([status]) =>
    mayAnswer(method, given.requestBody !== undefined, status)
  )
  const conditional = method === "get" && responses.some(([, found]) => isVersioned(spec, found))
  return {
    ...given,
    ...(description === undefined ? {} : { description }),
    parameters: [
      ...given.parameters.map((parameter) => ({
        ...parameter,
        schema: asNumber(parameter.schema as JsonSchema),
        ...(parameter.description === undefined && Descriptions.parameters[parameter.name] !== undefined
          ? { description: Descriptions.parameters[parameter.name] }
          : {}),
        example: Samples.parameters[parameter.name] ?? sample(spec, asNumber(parameter.schema as JsonSchema))
      })),
      ...(conditional && !given.parameters.some(({ name }) => name === "if-none-match")
        ? [
            {
              name: "if-none-match",
              in: "header" as const,
              required: false,
              schema: { type: "string" },
              description: Descriptions.parameters["if-none-match"]!,
              example: '"6"'
            }
          ]
        : [])
    ],
    ...(given.requestBody === undefined
      ? {}
      : {
          requestBody: {
            ...given.requestBody,
            content: Object.fromEntries(
              Object.entries(given.requestBody.content).map(([type, media]) => [
                type,
                { ...media, ...samplesOf(spec, media.schema, examples.get(given.operationId) ?? Samples.ofType(type)) }
              ])
            )
          }
        }),
    responses: Object.fromEntries([
      ...responses.map(([status, found]) => [status, response(spec, status, found)]),
      ...(conditional && !responses.some(([status]) => status === "304")
        ? [["304", { description: Descriptions.statuses["304"], headers: { etag: entityTag } }]]
        : [])
    ]) as OpenAPISpecOperation["responses"]
  }
}

/** `404.NotFound`: the status, and which problems have it. */
const nameOf = (status: string, { content = {} }: OpenApiSpecResponse): string => {
  const problems = Object.values(content).flatMap(({ schema }) => {
    const options = (schema["anyOf"] as ReadonlyArray<JsonSchema> | undefined) ?? [schema]
    return options.map((option) =>
      `${option["$ref"] ?? ""}`
        .split("/")
        .at(-1)!
        .replace(/Problem$/, "")
    )
  })
  return [status, ...problems].filter((part) => part !== "").join(".")
}

/**
 * What several operations refuse alike stands once, below `components`: most refusals are those of every route, and would take four fifths of the
 * document. Of refusals with one name, the second is `name-2`.
 */
const shared = (spec: OpenAPISpec): OpenAPISpec => {
  const counts = new Map<string, number>()
  for (const { operation } of operationsOf(spec)) {
    for (const [status, given] of Object.entries(operation.responses)) {
      const key = `${status}${JSON.stringify(given)}`
      counts.set(key, (counts.get(key) ?? 0) + 1)
    }
  }
  const names = new Map<string, string>()
  const responses: Record<string, OpenApiSpecResponse> = {}
  const placed = (status: string, given: OpenApiSpecResponse): object => {
    const key = `${status}${JSON.stringify(given)}`
    if (Number(status) < 400 || counts.get(key) === 1) return given
    let name = names.get(key)
    if (name === undefined) {
      const first = nameOf(status, given)
      name = first
      for (let n = 2; Object.hasOwn(responses, name); n += 1) name = `${first}-${n}`
      names.set(key, name)
      responses[name] = given
    }
    return { $ref: `#/components/responses/${name}` }
  }
  const paths = eachOperation(spec, (_, operation) => ({
    ...operation,
    responses: Object.fromEntries(
      Object.entries(operation.responses).map(([status, given]) => [status, placed(status, given)])
    ) as OpenAPISpecOperation["responses"]
  }))
  return { ...spec, paths, components: { ...spec.components, responses } as OpenAPISpec["components"] }
}

const eachOperation = (
  spec: OpenAPISpec,
  change: (method: string, operation: OpenAPISpecOperation) => OpenAPISpecOperation
): OpenAPISpec["paths"] =>
  Object.fromEntries(
    Object.entries(spec.paths).map(([path, item]) => [
      path,
      {
        ...item,
        ...Object.fromEntries(
          methods.flatMap((method) => {
            const given = item[method]
            return given === undefined ? [] : [[method, change(method, given)]]
          })
        )
      }
    ])
  )

/**
 * What the contract's types do not say: where the server is, what each operation and group is for, what the middleware
 * may answer, and an example of every body.
 */
export const complete = (spec: OpenAPISpec, examples: ReadonlyMap<string, unknown>): OpenAPISpec =>
  shared({
    ...spec,
    servers: [{ url: "/", description: "The edge that serves this document" }],
    paths: eachOperation(spec, (method, given) => operation(spec, method, given, examples))
  })
