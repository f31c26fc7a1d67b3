import { Schema, SchemaTransformation } from "effect"
import { HttpServerResponse, ProblemDetails } from "effect/http"
import { HttpApiSchema } from "effect/http-api"

/** When a caller that met 429 or 503 may try again, where nothing better is known: after a second. */
export const retryAfter = { "retry-after": "1" }

/** RFC 9457, with a stable `code` for programs; `context` holds the error's own fields. */
export interface Document {
  readonly type: string
  readonly title: string
  readonly status: number
  readonly code: string
  readonly detail: string
  readonly context?: object
  readonly errors?: ReadonlyArray<object>
}

/** `TooLateToCancel` is `too_late_to_cancel`. */
export const codeOf = (tag: string): string => tag.replace(/(?<=[a-z])(?=[A-Z])/g, "_").toLowerCase()

/** What a problem is whenever it happens, as its page says. */
export interface Kind {
  readonly code: string
  readonly status: number
  readonly title: string
  /** What the client may do about it; without it, what holds for every problem of the status. */
  readonly help?: string
}

const kinds = new Map<string, Kind>()
/** Every problem that this process can answer with, by code: modules declare theirs as they are loaded. */
export const catalogue: ReadonlyMap<string, Kind> = kinds

/** Throws, where the process starts, when a code means two things. */
const declare = ({ code, help, status, title }: Kind): void => {
  const known = kinds.get(code)
  if (known === undefined) kinds.set(code, { code, status, title, ...(help === undefined ? {} : { help }) })
  else if (known.status !== status || known.title !== title) throw new Error(`Two problems have the code ${code}`)
}

/** Declares a problem from outside the contract, whose detail differs each time. */
export const kind = ({ code, help, status, title }: Kind): ((detail: string) => Document) => {
  declare({ code, status, title, ...(help === undefined ? {} : { help }) })
  return (detail) => ({ type: `/problems/${code}`, code, status, title, detail })
}

/** As `kind`, with the one detail that it has. */
export const make = ({ detail, ...problem }: Kind & { readonly detail: string }): Document => kind(problem)(detail)

/** A problem from outside the contract: an unknown route, an oversize body, a defect. */
export const response = (
  document: Document,
  headers: Readonly<Record<string, string>> = {}
): HttpServerResponse.HttpServerResponse =>
  HttpServerResponse.text(JSON.stringify(document), {
    status: document.status,
    headers,
    contentType: ProblemDetails.contentType
  })

const documents = new Map<string, (error: never) => Document>()
/** The document of an error whose wire form was made (`of`). Dies with any other. */
export const documentOf = <E extends { readonly _tag: string }>(error: E): Document => {
  const document = documents.get(error._tag)
  if (document === undefined) throw new Error(`${error._tag} is no problem of the contract`)
  return document(error as never)
}

type ErrorClass = Schema.Top & {
  readonly Type: { readonly _tag: string }
  readonly fields: Schema.Struct.Fields
  new (fields: never): unknown
}

const statusOf = (schema: Schema.Top): number => schema.ast.annotations?.["httpApiStatus"] as number

/**
 * The wire form of an error class: its status from `httpApiStatus`, its code from its tag, its fields in `context`
 * (`errors`, by RFC 9457's own example, at the top). A typed client gets the class back, a reader of the contract a sample.
 */
export const of = <E extends ErrorClass>(
  error: E,
  options: {
    readonly title: string
    readonly help?: string
    readonly detail: (error: E["Type"]) => string
    /** Fields of an example; an error without fields needs none. */
    readonly sample?: object
    readonly headers?: Readonly<Record<string, string>>
  }
): Schema.Codec<E["Type"], unknown> => {
  const tag = (error.fields["_tag"] as unknown as { readonly schema: { readonly literal: string } }).schema.literal
  const code = codeOf(tag)
  const status = statusOf(error)
  const document = kind({ code, status, ...options })
  const { _tag: _, errors, ...own } = error.fields
  const hasContext = Object.keys(own).length > 0
  const encode = (value: E["Type"]) => {
    const { _tag: _, errors: faults, ...context } = value as Record<string, unknown>
    return {
      ...document(options.detail(value)),
      ...(hasContext ? { context: Object.fromEntries(Object.keys(own).map((key) => [key, context[key]])) } : {}),
      ...(errors === undefined ? {} : { errors: faults })
    }
  }
  const sampled = options.sample !== undefined || (!hasContext && errors === undefined)
  const body = Schema.Struct({
    type: Schema.tag(`/problems/${code}`),
    title: Schema.String,
    status: Schema.Literal(status),
    code: Schema.Literal(code),
    detail: Schema.String,
    ...(hasContext ? { context: Schema.toType(Schema.Struct(own)) } : {}),
    ...(errors === undefined ? {} : { errors: Schema.toType(errors as Schema.Top) })
  }).annotate({
    identifier: `${tag}Problem`,
    description: options.title,
    ...(sampled ? { examples: [encode(new error((options.sample ?? {}) as never) as E["Type"]) as never] } : {})
  })
  const decode = (document: { readonly context?: object; readonly errors?: unknown }) =>
    new error({ ...document.context, ...(errors === undefined ? {} : { errors: document.errors }) } as never)
  documents.set(tag, encode as (error: never) => Document)
  const json = HttpApiSchema.asJson({ contentType: ProblemDetails.contentType })
  const target = Schema.toType(error)
  if (options.headers === undefined) {
    return body.pipe(
      Schema.decodeTo(target, SchemaTransformation.transform({ decode, encode } as never)),
      json
    ) as never
  }
  const { headers } = options
  return target.pipe(
    HttpApiSchema.encodeToWithHeaders(
      {
        body: body.annotate({ httpApiStatus: status }).pipe(json),
        headers: Object.fromEntries(Object.keys(headers).map((name) => [name, Schema.String]))
      },
      {
        decode: (pair: { readonly body: object }) => decode(pair.body),
        encode: (value: E["Type"]) => ({ body: encode(value), headers })
      } as never
    )
  ) as never
}
