import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import { Layer } from "effect"
import { GatewayServer } from "./GatewayServer.ts"

/** For `Together.ts`, which runs several programs in one process. */
export const program = GatewayServer

if (import.meta.main) program.pipe(Layer.launch, NodeRuntime.runMain)
