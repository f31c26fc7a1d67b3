import { NodeRuntime } from "@effect/platform-node"
import { Layer } from "effect"
import { RunnerLive } from "./Runner.ts"

RunnerLive.pipe(Layer.launch, NodeRuntime.runMain)
