import { Nats } from "@halles/shared/clients/Nats"
import { Effect, Layer, Redacted } from "effect"
import { layerServer, makeSeen } from "./TransportFixture.ts"

/** A runner that a test can kill: `runnerProcess.ts <runner id> <NATS url>`. */
const [runnerId = "", url = ""] = process.argv.slice(2)

await Effect.gen(function* () {
  const seen = yield* makeSeen
  yield* Layer.build(
    layerServer(runnerId, seen).pipe(Layer.provide(Nats.layer({ url: Redacted.make(url), name: runnerId })))
  )
  process.stdout.write("ready\n")
  return yield* Effect.never
}).pipe(Effect.scoped, Effect.runPromise)
