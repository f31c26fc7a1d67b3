import { Schema } from "effect"
import * as Problem from "./Problem.ts"

/** What a person reads of a refusal beside its stable code; its status, its fields, and those of an example. */
interface Description<Fields extends Schema.Struct.Fields> {
  readonly status: number
  readonly title: string
  readonly fields?: Fields
  readonly detail: string | ((fields: Schema.Struct.Type<Fields>) => string)
  /** What the client may do about it; without it, what holds for every problem of the status. */
  readonly help?: string
  /** A refusal without fields needs none. */
  readonly sample?: object
  readonly headers?: Readonly<Record<string, string>>
}

/** An error that clients are told of as a problem (RFC 9457): what is said of it stands where it is declared, and nowhere else. */
export const Refusal =
  <Self>() =>
  <const Tag extends string, const Fields extends Schema.Struct.Fields = {}>(
    tag: Tag,
    { detail, fields, ...problem }: Description<Fields>
  ) =>
    Schema.TaggedError<Self>()(tag, (fields ?? {}) as Fields, {
      httpApiStatus: problem.status,
      problem: { ...problem, detail: typeof detail === "string" ? () => detail : detail }
    })

type ErrorClass = Parameters<typeof Problem.of>[0]

const known = new WeakMap<object, Schema.Codec<unknown, unknown>>()
/** The wire form of a refusal, or of an error that is declared elsewhere with the same annotations; `null` where it has none. */
const problemOf = (error: Schema.Top): Schema.Codec<unknown, unknown> | null => {
  const made = known.get(error)
  if (made !== undefined) return made
  const problem = error.ast.annotations?.["problem"]
  if (problem === undefined) return null
  const schema = Problem.of(error as ErrorClass, problem as Parameters<typeof Problem.of>[1])
  known.set(error, schema)
  return schema
}

type Wire<E> = E extends { readonly Type: infer A } ? Schema.Codec<A, unknown> : never

/** The wire form of a refusal. */
export const of = <E extends ErrorClass>(error: E): Wire<E> => {
  const problem = problemOf(error)
  if (problem === null) throw new Error("An error without a problem is no refusal")
  return problem as Wire<E>
}

/** The problem document of a refusal, for places where it is not the answer itself, and for code that answers without the contract. */
export const documentOf = <E extends { readonly _tag: string }>(error: E): Problem.Document => {
  // Declares it, which no contract may have done by now.
  of(error.constructor as unknown as ErrorClass)
  return Problem.documentOf(error)
}

/** The wire forms of all refusals that a contract declares for a message; what is none of a client's business has none. */
export const all = (error: Schema.Top): ReadonlyArray<Schema.Codec<unknown, unknown>> => {
  const members = "members" in error ? (error.members as ReadonlyArray<Schema.Top>) : [error]
  return members.flatMap((member) => problemOf(member) ?? [])
}
