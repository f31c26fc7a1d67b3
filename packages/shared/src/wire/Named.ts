import type { Schema } from "effect"

/** By the name of a schema: a value of it as the document shows it, and each is held against its schema by a test. */
const collected = new Map<string, unknown>()
export const samples: ReadonlyMap<string, unknown> = collected

/** A schema that the document names, with a sample of it. */
export const named =
  (identifier: string, sample: unknown) =>
  <S extends Schema.Top>(schema: S): S["Rebuild"] => {
    collected.set(identifier, sample)
    return schema.annotate({ identifier })
  }
