import * as Catalogue from "@halles/harness/Catalogue"
import * as EdgeClient from "@halles/harness/EdgeClient"
import { Config, Context, Effect, Layer, Redacted, Schema } from "effect"
import { type EdgeLost, Refused } from "./LoadErrors.ts"
import { Phases } from "./Phases.ts"
import { check, fault, insist, later } from "./Retry.ts"

const deadlineMs = 15_000
/** Connections to the edge; more requests than that wait for a free one. */
const connectionsMax = 256

/** One request; what changes something carries a key, and is repeated under it. */
export interface Tell extends Pick<EdgeClient.Request, "method" | "path" | "body" | "key"> {
  /** The most seconds that the edge may wait for an outcome before it answers 202. */
  readonly waitSeconds?: number
}
/** A request whose answer matters beyond that it came. */
export interface Ask<A> extends Tell {
  readonly answer: Schema.ConstraintDecoder<A>
}

/** The shop's public edge, and all that a replay knows of the shop. */
export class Edge extends Context.Service<
  Edge,
  {
    /** Sends a request until it is accepted: through outages, under the same key. */
    readonly tell: (request: Tell) => Effect.Effect<void, Refused | EdgeLost>
    /** As `tell`, with what it was answered. */
    readonly ask: <A>(request: Ask<A>) => Effect.Effect<A, Refused | EdgeLost>
    /** As `ask`, with 404 as undefined. */
    readonly find: <A>(request: Ask<A>) => Effect.Effect<A | undefined, Refused | EdgeLost>
    /** Imports rows under an id, again from the start if the answer breaks off; nothing is written twice. */
    readonly importCatalogue: (
      importId: string,
      rows: ReadonlyArray<Catalogue.Row>
    ) => Effect.Effect<ReturnType<typeof Catalogue.imported>, Refused | EdgeLost>
  }
>()("@halles/load/Edge") {
  static readonly layer = Layer.effect(
    Edge,
    Effect.gen(function* () {
      const { token: redacted, url } = yield* EdgeConfig
      const token = Redacted.value(redacted)
      const send = yield* EdgeClient.open(url.href, connectionsMax)
      const { retried } = yield* Phases
      /** One try at a request; the answer's text. */
      const once = (request: EdgeClient.Request) =>
        send({ ...request, token }).pipe(
          Effect.mapError(({ code }) => later(code)),
          Effect.flatMap((answer) => check(request, answer))
        )
      const tell = ({ waitSeconds, ...request }: Tell) => {
        const withinMs = deadlineMs + (waitSeconds ?? 0) * 1000
        const headers = waitSeconds === undefined ? {} : { prefer: `wait=${waitSeconds}` }
        const attempt = once({ ...request, headers, withinMs, isAbortable: true }).pipe(
          Effect.timeoutOrElse({ duration: withinMs, orElse: () => Effect.fail(later("deadline")) })
        )
        return insist(request, attempt, retried)
      }
      const ask = <A>({ answer, ...request }: Ask<A>): Effect.Effect<A, Refused | EdgeLost> => {
        const decode = Schema.decodeUnknownEffect(Schema.fromJsonString(answer))
        const name = `${request.method} ${request.path}`
        const unexpected = (cause: unknown) =>
          new Refused({ request: name, status: 200, code: "unexpected_answer", detail: String(cause) })
        return Effect.flatMap(tell(request), (text) => Effect.mapError(decode(text), unexpected))
      }
      return Edge.of({
        tell: (request) => Effect.asVoid(tell(request)),
        ask,
        find: <A>(request: Ask<A>) =>
          Effect.catchIf(
            ask(request) as Effect.Effect<A | undefined, Refused | EdgeLost>,
            (error) => error._tag === "Refused" && error.status === 404,
            () => Effect.succeed(undefined)
          ),
        importCatalogue: (importId, rows) => {
          let aliveMs = 0
          const onPart = () => void (aliveMs = Date.now())
          const request = { ...Catalogue.importOf(importId, token, rows), onPart }
          const attempt = Effect.flatMap(once(request), (text) => {
            const imported = Catalogue.imported(text)
            const failed = imported.refused.find(({ type }) => type === "failed")
            if (failed !== undefined) return Effect.fail(fault(`${failed.code}: ${failed.detail}`))
            return imported.accepted === null
              ? Effect.fail(later("the import's answer broke off"))
              : Effect.succeed(imported)
          })
          return insist(request, attempt, retried, () => aliveMs)
        }
      })
    })
  )
}

/** The whole environment of a replay. */
const EdgeConfig = Config.all({ url: Config.URL("HALLES_EDGE_URL"), token: Config.Redacted("HALLES_IMPORT_TOKEN") })
