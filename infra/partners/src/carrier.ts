import { NodeRuntime } from "@effect/platform-node"
import { Layer } from "effect"
import { CarrierServer } from "./CarrierServer.ts"

CarrierServer.pipe(Layer.launch, NodeRuntime.runMain)
