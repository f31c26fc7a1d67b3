import { NodeRuntime } from "@effect/platform-node"
import { Layer } from "effect"
import { MailServer } from "./MailServer.ts"

MailServer.pipe(Layer.launch, NodeRuntime.runMain)
