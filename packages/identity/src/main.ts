import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import { Layer } from "effect"
import { IdentityLive } from "./Identity.ts"

/** For `Together.ts`, which runs several programs in one process. */
export const program = IdentityLive

if (import.meta.main) program.pipe(Layer.launch, NodeRuntime.runMain)
