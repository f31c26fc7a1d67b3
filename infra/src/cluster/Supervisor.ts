import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import { Effect, Layer } from "effect"
import { Cluster } from "./Cluster.ts"
import * as Layout from "../Layout.ts"
import { Settings } from "../Settings.ts"

/** The one process behind `npm start`: it holds the cluster until SIGTERM. */
export const supervisor = Effect.gen(function* () {
  const settings = yield* Settings
  const layout = Layout.main(settings.portBase)
  return yield* Layer.launch(Cluster.layer({ layout, settings, apart: settings.apart, identity: true }))
})

if (import.meta.main) NodeRuntime.runMain(supervisor)
