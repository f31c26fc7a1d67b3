import { Config, Effect, Layer } from "effect"
import { mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { SMTPServer } from "smtp-server"

const MailConfig = Config.all({
  port: Config.Port("PORT"),
  directory: Config.NonEmptyString("DIRECTORY")
}).pipe(Config.nested("HALLES_MAIL"))

/** Messages that are kept; the oldest go first. A larger message is refused. */
const keptMax = 500
const bytesMax = 1_000_000

/** A mail server for one machine: it delivers nothing, and leaves each message as a file that mail programs open. */
export const MailServer = Layer.effectDiscard(
  Effect.gen(function* () {
    const { directory, port } = yield* MailConfig
    mkdirSync(directory, { recursive: true, mode: 0o700 })
    let count = 0
    const keep = (text: string) => {
      const name = `${new Date().toISOString().replaceAll(":", "-")}-${String(count++).padStart(4, "0")}.eml`
      writeFileSync(join(directory, name), text, { mode: 0o600 })
      const kept = readdirSync(directory).sort()
      for (const old of kept.slice(0, Math.max(0, kept.length - keptMax))) rmSync(join(directory, old))
    }
    const server = new SMTPServer({
      authOptional: true,
      disabledCommands: ["STARTTLS", "AUTH"],
      size: bytesMax,
      onData: (stream, _session, done) => {
        const chunks: Array<Buffer> = []
        stream.on("data", (chunk: Buffer) => {
          if (!stream.sizeExceeded) chunks.push(chunk)
        })
        stream.on("end", () => {
          if (stream.sizeExceeded) return done(new Error("the message is too large"))
          keep(Buffer.concat(chunks).toString("utf8"))
          return done()
        })
      }
    })
    yield* Effect.acquireRelease(
      Effect.callback<void>((resume) => {
        server.on("error", (error) => resume(Effect.die(error)))
        server.listen(port, "127.0.0.1", () => resume(Effect.void))
      }),
      () => Effect.callback<void>((resume) => server.close(() => resume(Effect.void)))
    )
    yield* Effect.logInfo(`Listening on smtp://127.0.0.1:${port}`)
  })
)
