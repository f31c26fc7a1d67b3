import { Effect, Schema } from "effect"
import { setTimeout as sleep } from "node:timers/promises"

/** The process did not answer its inspector. */
class InspectorFailed extends Schema.TaggedError<InspectorFailed>()("InspectorFailed", { cause: Schema.Defect() }) {}

const Target = Schema.Array(Schema.Struct({ webSocketDebuggerUrl: Schema.String }))
const Answer = Schema.fromJsonString(
  Schema.Struct({
    id: Schema.optionalKey(Schema.Int),
    result: Schema.optionalKey(
      Schema.Struct({ result: Schema.optionalKey(Schema.Struct({ value: Schema.optionalKey(Schema.Unknown) })) })
    )
  })
)
const decodeTarget = Schema.decodeUnknownSync(Target)
const decodeAnswer = Schema.decodeUnknownSync(Answer)
const Memory = Schema.fromJsonString(Schema.Struct({ rss: Schema.Int, heapUsed: Schema.Int, external: Schema.Int }))
export type Memory = typeof Memory.Type

const deadline = "60 seconds"

/** Between two collections: what the first one's finalizers let go is taken by the second, and no pause is long. */
const restMs = 1_000

/**
 * What a process started with `--expose-gc --inspect=127.0.0.1:<port>` holds in memory after its garbage is collected. Not
 * by the inspector's own command: that collects many times over, and a runner that is frozen for so long loses its shards.
 */
export const memory = (port: number): Effect.Effect<Memory, Error> =>
  Effect.tryPromise({
    try: async (signal) => {
      const listed = await fetch(`http://127.0.0.1:${port}/json/list`, { signal })
      const socket = new WebSocket(decodeTarget(await listed.json())[0]!.webSocketDebuggerUrl)
      await new Promise<void>((resolve, reject) => {
        socket.addEventListener("open", () => resolve())
        socket.addEventListener("close", () => reject(new Error("the inspector closed the connection")))
      })
      let id = 0
      const ask = (method: string, params: object = {}) =>
        new Promise<unknown>((resolve) => {
          const own = ++id
          socket.addEventListener("message", ({ data }) => {
            const answer = decodeAnswer(data)
            if (answer.id === own) resolve(answer.result?.result?.value)
          })
          socket.send(JSON.stringify({ id: own, method, params }))
        })
      try {
        const evaluate = (expression: string) => ask("Runtime.evaluate", { expression, returnByValue: true })
        await evaluate("gc()")
        await sleep(restMs)
        await evaluate("gc()")
        await sleep(restMs)
        return await evaluate("JSON.stringify(process.memoryUsage())")
      } finally {
        socket.close()
      }
    },
    catch: (cause) => new InspectorFailed({ cause })
  }).pipe(Effect.flatMap(Schema.decodeUnknownEffect(Memory)), Effect.timeout(deadline))
