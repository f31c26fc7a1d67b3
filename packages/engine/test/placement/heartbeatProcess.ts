import { Nats } from "@halles/shared/clients/Nats"
import * as RunnerPresence from "@halles/engine/placement/RunnerPresence"
import { Effect, Layer, Redacted } from "effect"

/** A runner that says that it is there, and does nothing else for `busyMs` of every second: `heartbeatProcess.ts <id> <NATS url> <busyMs>`. */
const [id = "", url = "", busyMs = "0"] = process.argv.slice(2)

setInterval(() => {
  const until = performance.now() + Number(busyMs)
  while (performance.now() < until);
}, 1_000)

await Effect.gen(function* () {
  yield* Layer.build(
    RunnerPresence.layerHeartbeat({ id, region: "eu", version: "1" }).pipe(
      Layer.provide(Nats.layer({ url: Redacted.make(url), name: id }))
    )
  )
  return yield* Effect.never
}).pipe(Effect.scoped, Effect.runPromise)
