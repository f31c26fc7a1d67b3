import { Effect, Schema } from "effect"

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

/** In one go, so that nothing else of the process runs between the collection and the look. */
const expression = "gc(); gc(); JSON.stringify(process.memoryUsage())"

/** What a process started with `--expose-gc --inspect=127.0.0.1:<port>` holds in memory after its garbage is collected. */
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
        return await ask("Runtime.evaluate", { expression, returnByValue: true })
      } finally {
        socket.close()
      }
    },
    catch: (cause) => new InspectorFailed({ cause })
  }).pipe(Effect.flatMap(Schema.decodeUnknownEffect(Memory)), Effect.timeout(deadline))
