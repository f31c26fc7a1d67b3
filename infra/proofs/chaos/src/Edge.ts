import * as Catalogue from "@halles/harness/Catalogue"
import * as EdgeClient from "@halles/harness/EdgeClient"
import { Context, Effect, Layer, Schedule } from "effect"
import type { Answer } from "./Call.ts"
import { refusalCodes } from "./Direct.ts"

/** The edge answers within 3 s, or 503. */
const deadlineMs = 5_000
const connectionsMax = 128

export interface Request extends Omit<EdgeClient.Request, "withinMs"> {
  /** How long to wait for the answer; without it longer than the edge itself waits. */
  readonly withinMs?: number
  /** What a success shows, from its body. */
  readonly read: (body: unknown) => unknown
}

/** The public edge. A 429, a 5xx or no answer leaves open whether the command ran. */
export class Edge extends Context.Service<
  Edge,
  {
    readonly call: (request: Request) => Effect.Effect<Answer>
    /** Puts rows on sale; repeated until all are accepted. */
    readonly sell: (rows: ReadonlyArray<Catalogue.Row>, token: string) => Effect.Effect<void>
  }
>()("@halles/chaos/Edge") {
  static readonly layer = (base: string) =>
    Layer.effect(
      Edge,
      Effect.map(EdgeClient.open(base, connectionsMax), (send) =>
        Edge.of({
          call: ({ read, withinMs = deadlineMs, ...request }) =>
            send({ ...request, isAbortable: true }).pipe(
              Effect.map((answer) => toAnswer(request, answer, read)),
              Effect.timeout(withinMs),
              Effect.catch((error) =>
                Effect.succeed<Answer>({ _tag: "Unknown", reason: error._tag === "NoAnswer" ? error.code : error._tag })
              )
            ),
          sell: (rows, token) =>
            send(Catalogue.importOf("chaos", token, rows)).pipe(
              Effect.map(({ text }) => Catalogue.imported(text).accepted),
              Effect.filterOrFail(
                (accepted) => accepted === rows.length,
                () => new EdgeClient.NoAnswer({ code: "not all are accepted" })
              ),
              Effect.timeout("20 seconds"),
              Effect.retry({ times: 10, schedule: Schedule.spaced("500 millis") }),
              Effect.orDie,
              Effect.asVoid
            )
        })
      )
    )
}

/** Throws at what the edge's contract does not have: a fault, to be seen. */
const toAnswer = (
  { method, path }: EdgeClient.Request,
  { headers, status, text }: EdgeClient.Answer,
  read: Request["read"]
): Answer => {
  if (status === 429 || status >= 500) return { _tag: "Unknown", reason: `${status} ${text.slice(0, 200)}` }
  // What was answered first, and so shows a state from before this call.
  if (headers["idempotent-replayed"] !== undefined) return { _tag: "Unknown", reason: "replayed" }
  if (status < 300) return { _tag: "Replied", reply: read(JSON.parse(text)) }
  const { code, context = {} } = EdgeClient.problemOf(text)
  if (code === "request_in_progress") return { _tag: "Unknown", reason: code }
  if (!refusalCodes.has(code)) throw new Error(`${method} ${path}: ${status} ${code}`)
  const { entity: _entity, id: _id, ...detail } = context
  return { _tag: "Refused", code, detail }
}
