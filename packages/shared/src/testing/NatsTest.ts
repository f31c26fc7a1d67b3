import { createServer } from "node:net"
import { Config, Context, Effect, Layer, Redacted, Schema } from "effect"
import { Nats } from "../clients/Nats.ts"
import * as ServerProcess from "./ServerProcess.ts"

/** `nats-server` could not be started: is it installed, or named in HALLES_TEST_NATS_BIN? */
export class NatsTestFailed extends Schema.TaggedError<NatsTestFailed>()("NatsTestFailed", {
  cause: Schema.Defect()
}) {}

/** A real NATS server with JetStream, on a port and in a folder of its own, that a test may kill and start again. */
export class NatsTest extends Context.Service<
  NatsTest,
  {
    readonly url: string
    /** SIGKILL; returns when the process is gone. */
    readonly kill: Effect.Effect<void>
    /** Starts it again on the same port and data; returns when it accepts connections. */
    readonly start: Effect.Effect<void, NatsTestFailed>
  }
>()("@halles/shared/testing/NatsTest") {
  static readonly layer = Layer.effect(
    NatsTest,
    Effect.suspend(() => make)
  )

  /** A connection of its own each time it is provided with `Layer.fresh`. */
  static readonly layerConnection = (name: string) =>
    Layer.unwrap(Effect.map(NatsTest, ({ url }) => Nats.layer({ url: Redacted.make(url), name })))
}

const make = Effect.gen(function* () {
  const program = yield* Config.String("HALLES_TEST_NATS_BIN").pipe(Config.withDefault("nats-server"))
  const folder = yield* ServerProcess.folder("nats")
  const port = yield* freePort
  const { kill, start } = yield* ServerProcess.make({
    program,
    args: ["-a", "127.0.0.1", "-p", String(port), "-js", "-sd", folder],
    isReady: /Server is ready/,
    failed: (cause) => new NatsTestFailed({ cause })
  })
  return NatsTest.of({ url: `nats://127.0.0.1:${port}`, kill, start })
})

/** A port that was free a moment ago. */
const freePort = Effect.promise(
  () =>
    new Promise<number>((resolve, reject) => {
      const server = createServer()
      server.once("error", reject)
      server.listen(0, "127.0.0.1", () => {
        const address = server.address()
        server.close(() =>
          typeof address === "object" && address !== null ? resolve(address.port) : reject(new Error("no port"))
        )
      })
    })
)
