import { NodeRuntime } from "@effect/platform-node"
import { Layer } from "effect"
import { IdentityLive } from "./Identity.ts"

IdentityLive.pipe(Layer.launch, NodeRuntime.runMain)
