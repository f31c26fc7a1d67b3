/** A schema of JSON Schema 2020-12, as the document has it. */
export interface JsonSchema {
  readonly [keyword: string]: unknown
}

/** What a reference stands for; a sample of it goes before what its schema would give. */
type Lookup = (reference: string) => { readonly schema: JsonSchema; readonly sample: unknown }

/** Recursive schemas end here. */
const depthMax = 12

/**
 * A value that a schema describes, the same each time: its first example, constant or choice where it names one, else put
 * together from its parts. Every part that no type alone can give a sense to (a pattern, say) needs an example of its own.
 */
export const sampleOf = (schema: JsonSchema, lookup: Lookup, depth = 0): unknown => {
  if (depth > depthMax) return null
  const inner = (part: unknown) => sampleOf(part as JsonSchema, lookup, depth + 1)
  if (typeof schema["$ref"] === "string") {
    const found = lookup(schema["$ref"])
    return found.sample ?? inner(found.schema)
  }
  const examples = schema["examples"] as ReadonlyArray<unknown> | undefined
  if (examples?.[0] !== undefined) return examples[0]
  if ("const" in schema) return schema["const"]
  const choices = (schema["enum"] ?? schema["anyOf"] ?? schema["oneOf"]) as ReadonlyArray<unknown> | undefined
  if (choices !== undefined) return "enum" in schema ? choices[0] : inner(choices[0])
  const parts = schema["allOf"] as ReadonlyArray<JsonSchema> | undefined
  if (parts !== undefined) {
    return inner(Object.assign({}, schema, { allOf: undefined }, ...parts))
  }
  switch (schema["type"]) {
    case "object": {
      const properties = Object.entries((schema["properties"] ?? {}) as Readonly<Record<string, JsonSchema>>)
      return Object.fromEntries(properties.map(([name, property]) => [name, inner(property)]))
    }
    case "array":
      return schema["items"] === undefined || schema["items"] === false ? [] : [inner(schema["items"])]
    case "integer":
    case "number":
      return Math.max(1, Number(schema["minimum"] ?? 1))
    case "boolean":
      return true
    case "null":
      return null
    default:
      return "text"
  }
}
