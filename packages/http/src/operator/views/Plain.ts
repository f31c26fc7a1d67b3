import type { Schema } from "effect"

/** As JSON has it: without `undefined`, and numbers that it cannot hold as text. */
export const plain = (value: unknown): Schema.Json =>
  JSON.parse(
    JSON.stringify(value ?? null, (_, inner: unknown) => (typeof inner === "bigint" ? inner.toString() : inner))
  )
