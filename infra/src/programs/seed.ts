import { Effect, Schedule } from "effect"
import { demoCatalogue } from "./DemoCatalogue.ts"
import { SeedFailed } from "../InfraErrors.ts"

/** Repeating an import under its id writes nothing. */
const importId = "demo-1"

/** Puts the demo catalogue on sale through the public edge. A cluster that has just started may refuse for some seconds. */
export const seed = (edgeUrl: string, importToken: string): Effect.Effect<void, SeedFailed> =>
  post(edgeUrl, importToken).pipe(
    Effect.retry({ schedule: Schedule.spaced("1 second"), times: 20 }),
    Effect.withSpan("Seed.seed")
  )

const post = (edgeUrl: string, importToken: string) =>
  Effect.tryPromise({
    try: async () => {
      const response = await fetch(`${edgeUrl}/v1/catalog/import`, {
        method: "POST",
        headers: {
          authorization: `Bearer ${importToken}`,
          "content-type": "application/x-ndjson",
          "import-id": importId
        },
        body: demoCatalogue.map((row) => `${JSON.stringify(row)}\n`).join(""),
        signal: AbortSignal.timeout(30_000)
      })
      const text = await response.text()
      if (!response.ok) throw new Error(`the edge answers ${response.status} ${text.slice(0, 500)}`)
      requireDone(text)
    },
    catch: (cause) => new SeedFailed({ reason: cause instanceof Error ? cause.message : String(cause) })
  })

/** The answer is lines of JSON: progress and errors as they come, and `done` when everything is written. */
const requireDone = (answer: string): void => {
  const lines = answer
    .split("\n")
    .filter((line) => line.trim() !== "")
    .map((line) => JSON.parse(line) as { readonly type?: string; readonly rejected?: number })
  const done = lines.find(({ type }) => type === "done")
  if (done === undefined) throw new Error(`the import ended early: ${answer.slice(-500)}`)
  if ((done.rejected ?? 0) > 0) throw new Error(`${done.rejected} rows were refused: ${answer.slice(0, 500)}`)
}
