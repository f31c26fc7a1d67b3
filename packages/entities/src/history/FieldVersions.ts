import { Equal, Schema } from "effect"

/**
 * Fields with the version (seq) of the entity that gave the field the value that it has. A field that is not among them has its value
 * since the first version. Two copies of an entity can be merged field by field: of each field the newer value.
 */
export const FieldVersions = Schema.Array(Schema.Tuple([Schema.String, Schema.Int]))
export type FieldVersions = typeof FieldVersions.Type

/** All fields, as clients see them. */
export const VersionsJson = Schema.Record(Schema.String, Schema.Int)
export type VersionsJson = typeof VersionsJson.Type

type Fields = Readonly<Record<string, unknown>>

/** With the version of each field that a row gave another value. */
export const changed = (versions: FieldVersions, before: Fields, after: Fields, seq: number): FieldVersions => {
  const fields = new Set([...Object.keys(after), ...Object.keys(before)])
  const others = [...fields].filter((field) => !Equal.equals(before[field], after[field]))
  if (others.length === 0) return versions
  return [
    ...versions.filter(([field]) => !others.includes(field)),
    ...others.map((field): readonly [string, number] => [field, seq])
  ]
}

/** With those fields that have their value since the first version. */
export const jsonOf = (fields: Fields, versions: FieldVersions): VersionsJson => ({
  ...Object.fromEntries(Object.keys(fields).map((field) => [field, 1])),
  ...Object.fromEntries(versions)
})
