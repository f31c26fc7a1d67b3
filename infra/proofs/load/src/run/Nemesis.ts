import { say } from "@halles/harness/Progress"
import * as Environment from "@halles/infra/Environment"
import { signal } from "@halles/infra/cluster/ProcessIdentity"
import { Nats } from "@halles/shared/clients/Nats"
import { Placement } from "@halles/engine/placement/Placement"
import * as Postgres from "@halles/shared/clients/Postgres"
import { regionOf } from "@halles/shared/Region"
import { Clock, Effect, Layer, Redacted } from "effect"
import { describe, type Disturbance } from "./Disturbance.ts"
import { nowMs } from "../workload/Generator.ts"
import type { Mark } from "../report/Impact.ts"
import type { Stand } from "./Stand.ts"

/** The placement of shards, as one who may state wishes. */
const placement = ({ parts }: Stand) =>
  Placement.layer.pipe(
    Layer.provide([
      Nats.layer({ url: Redacted.make(parts.addresses.nats), name: "load" }),
      Postgres.layer({
        url: Redacted.make(Environment.databaseUrl(parts, "halles_ops", "control")),
        applicationName: "halles:load:placement",
        connectionsMax: 1
      })
    ])
  )

const send = (stand: Stand, name: string, sent: NodeJS.Signals) =>
  Effect.sync(() => {
    const identity = stand.state().processes.find((process) => process.name === name)?.identity
    if (identity) signal(identity, sent)
  })

const perform = (stand: Stand, one: Disturbance) => {
  switch (one._tag) {
    case "Kill":
      return send(stand, one.process, "SIGKILL")
    case "Freeze":
      return Effect.acquireUseRelease(
        send(stand, one.process, "SIGSTOP"),
        () => Effect.sleep(one.forSeconds * 1000),
        () => send(stand, one.process, "SIGCONT")
      )
    case "Join":
      return Effect.asVoid(stand.join(one.region))
    case "Drain": {
      const wish = [regionOf(one.process), one.process, "operator"] as const
      return Effect.acquireRelease(
        Effect.flatMap(Placement, ({ leave }) => leave(...wish)).pipe(Effect.provide(placement(stand))),
        () =>
          Effect.flatMap(Placement, ({ stay }) => stay(...wish)).pipe(Effect.provide(placement(stand)), Effect.ignore)
      )
    }
  }
}

/** Does each at its time; what can be undone is undone when the scope ends. Notes in `marks` when each happened. */
export const disturb = (stand: Stand, disturbances: ReadonlyArray<Disturbance>, fromMs: number, marks: Array<Mark>) =>
  Effect.forEach(
    disturbances,
    (one) =>
      Effect.gen(function* () {
        const clock = yield* Clock.Clock
        yield* Effect.sleep(Math.max(0, Math.ceil(fromMs + one.atSeconds * 1000 - nowMs(clock))))
        yield* say(describe(one))
        marks.push({ name: describe(one), atMs: nowMs(clock) })
        yield* perform(stand, one)
      }),
    { concurrency: "unbounded", discard: true }
  )
