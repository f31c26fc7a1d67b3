import type { OpenAPISpec, OpenAPISpecOperation, OpenApiSpecResponse } from "effect/http-api/OpenApi"
import * as Descriptions from "./Descriptions.ts"
import { eachOperation } from "./Operations.ts"
import { type JsonSchema, sampleOf } from "./Sample.ts"
import { samples } from "@halles/shared/wire/Named"
import { shared } from "./Shared.ts"
import * as Samples from "./Samples.ts"

/** A schema by its reference, or the schema itself. */
export const resolve = (spec: OpenAPISpec, schema: JsonSchema): JsonSchema => {
  const name = typeof schema["$ref"] === "string" ? schema["$ref"].split("/").at(-1) : undefined
  return name === undefined ? schema : (spec.components.schemas[name] as JsonSchema)
}

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
