import { type Intent, Intents } from "@halles/shared/Intent"
import { CommandId } from "@halles/shared/Ids"
import { Effect, Option, Schema } from "effect"
import { type Dispatcher, Pool } from "undici"

/** No answer, or none that says what happened; by what code. */
export class NoAnswer extends Schema.TaggedError<NoAnswer>()("NoAnswer", { code: Schema.String }) {
  override get message(): string {
    return this.code
  }
}

export interface Request {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE"
  readonly path: string
  /** The idempotency key: a request that is repeated under it is one command. */
  readonly key?: string
  readonly token?: string
  readonly headers?: Readonly<Record<string, string>>
  /** Sent as JSON; a text as it is. */
  readonly body?: unknown
  /** After so long without a byte there is no answer. */
  readonly withinMs?: number
  /** The connection is free again as soon as the caller stops waiting. Such a request costs a tenth more processor time. */
  readonly isAbortable?: boolean
  /** Hears the parts of a long answer as they come. */
  readonly onPart?: (text: string) => void
}

export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | ReadonlyArray<string> | undefined>>
  readonly text: string
}

/** Sends a request to the edge; gives whatever the edge answers. */
export type Send = (request: Request) => Effect.Effect<Answer, NoAnswer>

const deadlineMs = 10_000

/** The name that Node or undici gives to what broke. */
const causeOf = (error: unknown): string =>
  error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : String(error).slice(0, 80)

const read = async (body: Dispatcher.ResponseData["body"], onPart: Request["onPart"]): Promise<string> => {
  if (onPart === undefined) return body.text()
  let text = ""
  for await (const part of body.setEncoding("utf8") as AsyncIterable<string>) {
    text += part
    onPart(part)
  }
  return text
}

const textOf = (body: unknown): string => (typeof body === "string" ? body : JSON.stringify(body))

/** The public edge over HTTP/1.1 with kept connections, by undici itself: a proof's own work is to be small. */
export const open = (url: string, connections: number) =>
  Effect.map(
    Effect.acquireRelease(
      Effect.sync(() => new Pool(url, { connections, pipelining: 1 })),
      (pool) => Effect.promise(() => pool.destroy())
    ),
    (pool): Send =>
      ({ body, headers, isAbortable = false, key, method, onPart, path, token, withinMs = deadlineMs }) => {
        const sent = async (signal?: AbortSignal): Promise<Answer> => {
          const answer = await pool.request({
            method,
            path,
            headers: {
              ...(body === undefined ? {} : { "content-type": "application/json" }),
              ...(key === undefined ? {} : { "idempotency-key": key }),
              ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
              ...headers
            },
            body: body === undefined ? null : textOf(body),
            headersTimeout: withinMs,
            bodyTimeout: withinMs,
            ...(signal === undefined ? {} : { signal })
          })
          return { status: answer.statusCode, headers: answer.headers, text: await read(answer.body, onPart) }
        }
        return Effect.tryPromise({
          try: isAbortable ? (signal) => sent(signal) : () => sent(),
          catch: (cause) => new NoAnswer({ code: causeOf(cause) })
        })
      }
  )

/** The intent that the edge makes of a request without a token. */
export const intentOf = (intents: Intents["Service"], { body, key = "", method, path }: Request): Intent =>
  intents.of({ sender: null, method, url: path, body: body === undefined ? "" : textOf(body), key })

/** The id of the command that the edge makes of a request without a token. */
export const commandIdOf = (intents: Intents["Service"], operation: string, request: Request): CommandId =>
  CommandId.make(`${operation}:${intentOf(intents, request).name(operation)}`)

/** RFC 9457, as far as anybody reads it. */
const Problem = Schema.fromJsonString(
  Schema.Struct({
    code: Schema.String,
    detail: Schema.optionalKey(Schema.String),
    title: Schema.optionalKey(Schema.String),
    context: Schema.optionalKey(Schema.Record(Schema.String, Schema.Unknown))
  })
)
const decodeProblem = Schema.decodeUnknownOption(Problem)
/** The problem by which a request was refused; of a text that is no problem document its first characters. */
export const problemOf = (text: string): typeof Problem.Type =>
  Option.getOrElse(decodeProblem(text), () => ({ code: "no_problem_document", detail: text.slice(0, 300) }))
