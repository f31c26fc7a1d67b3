import * as Countries from "@halles/shared/Countries"
import * as Email from "@halles/shared/Email"
import { maybeCopy, maybeLine, maybeParagraph } from "@halles/shared/Text"
import { Ajv2020 } from "ajv/dist/2020.js"
import { ChangeReason } from "@halles/shared/wire/Headers"
import { Option, Schema } from "effect"

/** A schema of JSON Schema 2020-12, as the document has it. */
export interface JsonSchema {
  readonly [keyword: string]: unknown
}

export interface Parameter {
  readonly name: string
  readonly in: "path" | "query" | "header"
  readonly required: boolean
  readonly schema: JsonSchema
  readonly example?: unknown
}

export interface Media {
  readonly schema: JsonSchema
  readonly example?: unknown
}

/** A value against a schema of the document: what is wrong with it, or nothing. */
export type Fits = (value: unknown) => string | undefined

export interface Answer {
  /** By media type; none for an answer without a body. */
  readonly content: Readonly<
    Record<string, { readonly fits: Fits; readonly lines: "json" | "ndjson" | "sse" | "text" }>
  >
  readonly headers: ReadonlyArray<string>
}

/** One operation of the document. */
export interface Route {
  readonly name: string
  readonly method: string
  readonly path: string
  /** The kind of thing that it is about: `carts` of `/v1/carts/{id}`. */
  readonly kind: string
  readonly parameters: ReadonlyArray<Parameter & { readonly fits: Fits }>
  readonly bodies: Readonly<Record<string, Media & { readonly fits: Fits }>>
  readonly answers: Readonly<Record<string, Answer>>
}

export interface Contract {
  readonly routes: ReadonlyArray<Route>
  /** What a reference stands for. */
  readonly resolve: (schema: JsonSchema) => JsonSchema
}

interface Answered {
  readonly content?: Readonly<Record<string, Media>>
  readonly headers?: Readonly<Record<string, unknown>>
}
/** As it stands at its operation: operations may share it. */
type Shared<A> = A | { readonly $ref: string }
const found = <A extends object>(given: Shared<A>, components: Readonly<Record<string, A>>): A =>
  "$ref" in given ? components[given.$ref.split("/").at(-1)!]! : given

interface Operation {
  readonly parameters?: ReadonlyArray<Shared<Parameter>>
  readonly requestBody?: { readonly content: Readonly<Record<string, Media>> }
  readonly responses: Readonly<Record<string, Shared<Answered>>>
}
interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
  readonly components: {
    readonly schemas: Readonly<Record<string, JsonSchema>>
    readonly responses: Readonly<Record<string, Answered>>
    readonly parameters: Readonly<Record<string, Parameter>>
  }
}

/** More than any of them may have. */
const charactersMax = 100_000
const keptBy = (schema: Schema.Codec<string, string>) => {
  const decode = Schema.decodeUnknownOption(schema)
  return (text: string): string | undefined => Option.getOrUndefined(decode(text))
}

/** Formats of texts, with what is kept of one that is taken: the document's lengths are of that. */
const kept: Readonly<Record<string, (text: string) => string | undefined>> = {
  line: keptBy(maybeLine(charactersMax)),
  paragraph: keptBy(maybeParagraph(charactersMax)),
  copy: keptBy(maybeCopy(charactersMax)),
  "percent-encoded-paragraph": keptBy(ChangeReason),
  "idn-email": Email.canonical,
  "iso-3166-1-alpha-2": (text) => (Countries.isCountry(text) ? text : undefined)
}
/** What a value can be checked by; a format that is not here allows everything. */
const formats = Object.fromEntries(
  Object.entries(kept).map(([name, keep]) => [name, (text: string) => keep(text) !== undefined])
)

const maxLength = {
  keyword: "maxLength",
  type: "string",
  schemaType: "number",
  error: { message: "is too long" },
  compile: (max: number, { format }: JsonSchema) => {
    const keep = Object.hasOwn(kept, String(format)) ? kept[String(format)]! : (text: string) => text
    return (text: string) => [...(keep(text) ?? text)].length <= max
  }
} as const

const methods = new Set(["get", "put", "post", "delete", "patch"])

const linesOf = (type: string) => {
  if (type === "text/event-stream") return "sse"
  if (type === "application/x-ndjson") return "ndjson"
  return /\bjson$/.test(type) ? "json" : "text"
}

const mapped = <A, B>(record: Readonly<Record<string, A>>, f: (value: A, key: string) => B): Record<string, B> =>
  Object.fromEntries(Object.entries(record).map(([key, value]) => [key, f(value, key)]))

/** Reads an OpenAPI 3.1 document; validators are compiled when they are first asked. */
export const parse = (text: string): Contract => {
  const document = JSON.parse(text) as Document
  const ajv = new Ajv2020({ strict: false, unicodeRegExp: true, unicode: true, logger: false, formats })
  ajv.removeKeyword("maxLength").addKeyword(maxLength)
  ajv.addSchema({ ...document, $id: "contract" })
  const validator = (schema: JsonSchema): Fits => {
    let compiled: ReturnType<typeof ajv.compile> | undefined
    return (value) => {
      // A schema that refers to components is read in place, so that its references are the document's.
      compiled ??= ajv.compile(
        JSON.parse(JSON.stringify(schema).replaceAll('"#/components/', '"contract#/components/'))
      )
      return compiled(value) ? undefined : ajv.errorsText(compiled.errors)
    }
  }
  const resolve = (schema: JsonSchema): JsonSchema => {
    const name = typeof schema["$ref"] === "string" ? schema["$ref"].split("/").at(-1) : undefined
    return name === undefined ? schema : document.components.schemas[name]!
  }
  return {
    resolve,
    routes: Object.entries(document.paths).flatMap(([path, item]) =>
      Object.entries(item)
        .filter(([method]) => methods.has(method))
        .map(([method, operation]) => ({
          name: `${method.toUpperCase()} ${path}`,
          method: method.toUpperCase(),
          path,
          kind: path.split("/").find((part) => part !== "" && !/^v\d+$/.test(part)) ?? "",
          parameters: (operation.parameters ?? []).map((given) => {
            const parameter = found(given, document.components.parameters)
            return { ...parameter, fits: validator(parameter.schema) }
          }),
          bodies: mapped(operation.requestBody?.content ?? {}, (media) => ({
            ...media,
            fits: validator(media.schema)
          })),
          answers: mapped(operation.responses, (given) => {
            const { content = {}, headers = {} } = found(given, document.components.responses)
            return {
              content: mapped(content, (media, type) => ({ fits: validator(media.schema), lines: linesOf(type) })),
              headers: Object.keys(headers)
            }
          })
        }))
    )
  }
}
