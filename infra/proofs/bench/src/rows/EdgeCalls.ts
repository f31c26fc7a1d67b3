import { Effect, Schema } from "effect"
import { Pool } from "undici"

/** The edge answered what the row is not about. */
export class WrongAnswer extends Schema.TaggedError<WrongAnswer>()("WrongAnswer", {
  request: Schema.String,
  status: Schema.Int,
  body: Schema.String
}) {
  override get message(): string {
    return `${this.request} was answered ${this.status} ${this.body}`
  }
}

class Broken extends Schema.TaggedError<Broken>()("Broken", { cause: Schema.Defect() }) {}

interface Request {
  readonly method: "GET" | "PUT" | "POST"
  readonly path: string
  readonly headers?: Record<string, string>
  readonly body?: string
  readonly status: number
}

/** Kept connections to the edge, each of which carries one request at a time; gives the text of an answer. */
export const open = (url: string, connections: number) =>
  Effect.map(
    Effect.acquireRelease(
      Effect.sync(() => new Pool(url, { connections, pipelining: 1, bodyTimeout: 60_000, headersTimeout: 60_000 })),
      (pool) => Effect.promise(() => pool.destroy())
    ),
    (pool) =>
      ({ body, headers, method, path, status }: Request): Effect.Effect<string, WrongAnswer | Broken> =>
        Effect.tryPromise({
          try: async () => {
            const answer = await pool.request({
              method,
              path,
              headers: { ...(body === undefined ? {} : { "content-type": "application/json" }), ...headers },
              ...(body === undefined ? {} : { body })
            })
            return { status: answer.statusCode, text: await answer.body.text() }
          },
          catch: (cause) => new Broken({ cause })
        }).pipe(
          Effect.flatMap((answer) =>
            answer.status === status
              ? Effect.succeed(answer.text)
              : Effect.fail(
                  new WrongAnswer({
                    request: `${method} ${path}`,
                    status: answer.status,
                    body: answer.text.slice(0, 300)
                  })
                )
          )
        )
  )
export type Send = Effect.Success<ReturnType<typeof open>>
