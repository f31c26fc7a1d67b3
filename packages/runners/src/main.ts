import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import { Layer } from "effect"
import { RunnerLive } from "./Runner.ts"

RunnerLive.pipe(Layer.launch, NodeRuntime.runMain)
