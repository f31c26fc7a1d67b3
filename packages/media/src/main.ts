import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import { Layer } from "effect"
import { MediaLive } from "./Media.ts"

MediaLive.pipe(Layer.launch, NodeRuntime.runMain)
