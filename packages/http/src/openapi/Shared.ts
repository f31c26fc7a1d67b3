import type { OpenAPISpec, OpenAPISpecOperation, OpenApiSpecResponse } from "effect/http-api/OpenApi"
import { eachOperation, operationsOf } from "./Operations.ts"
import type { JsonSchema } from "./Sample.ts"

// What several operations have in common stands once, below `components`: most refusals and parameters are those of every route, and
// would be most of the document.

type Parameter = OpenAPISpecOperation["parameters"][number]
type Responses = Readonly<Record<string, OpenApiSpecResponse>>
/** A document as it is after `shared`. */
type Shared = OpenAPISpec & {
  readonly components: { readonly responses?: Responses; readonly parameters?: Readonly<Record<string, Parameter>> }
}

/** What a reference stands for, or what stands there itself. */
const found = <A>(given: A, components: Readonly<Record<string, A>> | undefined): A => {
  const { $ref } = given as { readonly $ref?: string }
  return $ref === undefined ? given : components![$ref.split("/").at(-1)!]!
}

/** The answers of an operation by status, those that it shares with others included. */
export const responsesOf = (spec: Shared, { responses }: Pick<OpenAPISpecOperation, "responses">): Responses =>
  Object.fromEntries(
    Object.entries(responses).map(([status, given]) => [status, found(given, spec.components.responses)])
  )
/** The parameters of an operation, those that it shares with others included. */
export const parametersOf = (
  spec: Shared,
  { parameters }: Pick<OpenAPISpecOperation, "parameters">
): ReadonlyArray<Parameter> => parameters.map((given) => found(given, spec.components.parameters))

/** `404.NotFound`: the status, and what the body may be. */
const responseName = (status: string, { content = {} }: OpenApiSpecResponse): string => {
  const bodies = Object.values(content).flatMap(({ schema }) => {
    const options = (schema["anyOf"] as ReadonlyArray<JsonSchema> | undefined) ?? [schema]
    return options.map((option) =>
      `${option["$ref"] ?? ""}`
        .split("/")
        .at(-1)!
        .replace(/Problem$/, "")
    )
  })
  return [status, ...bodies].filter((part) => part !== "").join(".")
}

/** Of several things with one name, the second is `name-2`. What only one operation has stays where it is. */
class Pool<A extends object> {
  readonly components: Record<string, A> = {}
  private readonly kind: string
  private readonly counts = new Map<string, number>()
  private readonly names = new Map<string, string>()

  constructor(kind: string) {
    this.kind = kind
  }

  count(one: A): void {
    const key = JSON.stringify(one)
    this.counts.set(key, (this.counts.get(key) ?? 0) + 1)
  }

  placed(one: A, wanted: string): A {
    const key = JSON.stringify(one)
    if (this.counts.get(key) === 1) return one
    let name = this.names.get(key) ?? wanted
    if (!this.names.has(key)) {
      for (let n = 2; Object.hasOwn(this.components, name); n += 1) name = `${wanted}-${n}`
      this.names.set(key, name)
      this.components[name] = one
    }
    return { $ref: `#/components/${this.kind}/${name}` } as unknown as A
  }
}

export const shared = (spec: OpenAPISpec): OpenAPISpec => {
  const responses = new Pool<OpenApiSpecResponse>("responses")
  const parameters = new Pool<Parameter>("parameters")
  for (const { operation } of operationsOf(spec)) {
    for (const response of Object.values(operation.responses)) responses.count(response)
    for (const parameter of operation.parameters) parameters.count(parameter)
  }
  const paths = eachOperation(spec, (_, operation) => ({
    ...operation,
    parameters: operation.parameters.map((one) => parameters.placed(one, `${one.in}.${one.name}`)),
    responses: Object.fromEntries(
      Object.entries(operation.responses).map(([status, one]) => [
        status,
        responses.placed(one, responseName(status, one))
      ])
    ) as OpenAPISpecOperation["responses"]
  }))
  const components = { ...spec.components, responses: responses.components, parameters: parameters.components }
  return { ...spec, paths, components: components as OpenAPISpec["components"] }
}
