import { NodeRuntime } from "@effect/platform-node"
import { Layer } from "effect"
import { GatewayServer } from "./GatewayServer.ts"

GatewayServer.pipe(Layer.launch, NodeRuntime.runMain)
