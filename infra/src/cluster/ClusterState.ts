import { Region } from "@halles/shared/Region"
import { Option, Schema } from "effect"
import { readFileSync, renameSync, writeFileSync } from "node:fs"
import { type Layout, stateFile } from "../Layout.ts"
import { ProcessIdentity } from "./ProcessIdentity.ts"

/** One process of the cluster as its supervisor sees it. `identity` is null while it waits to be started again. */
export class ProcessState extends Schema.Class<ProcessState>("ProcessState")({
  name: Schema.String,
  kind: Schema.Literals(["server", "partner", "runner", "edge"]),
  region: Schema.NullOr(Region),
  identity: Schema.NullOr(ProcessIdentity),
  port: Schema.Int,
  upSince: Schema.NullOr(Schema.String),
  restarts: Schema.Int,
  stopSignal: Schema.Literals(["SIGTERM", "SIGINT"])
}) {}

/** What `cluster.json` holds: never a secret. Addresses of databases are URLs without a user. */
export class ClusterState extends Schema.Class<ClusterState>("ClusterState")({
  version: Schema.Literal(1),
  phase: Schema.Literals(["starting", "ready", "stopping", "failed"]),
  /** What is being done, or why it failed. */
  message: Schema.String,
  portBase: Schema.Int,
  supervisor: ProcessIdentity,
  sources: Schema.Record(Schema.String, Schema.String),
  nats: Schema.String,
  redis: Schema.String,
  counters: Schema.String,
  databases: Schema.Record(Schema.String, Schema.String),
  processes: Schema.Array(ProcessState)
}) {}

const decode = Schema.decodeUnknownOption(Schema.fromJsonString(ClusterState))

/** The last state written; null if there is none that this version understands. */
export const read = (layout: Layout): ClusterState | null => {
  try {
    return Option.getOrNull(decode(readFileSync(stateFile(layout), "utf8")))
  } catch {
    return null
  }
}

/** Readers see the old state or the new, never half of one. */
export const write = (layout: Layout, state: ClusterState): void => {
  const path = stateFile(layout)
  writeFileSync(`${path}.new`, `${JSON.stringify(state, null, 2)}\n`, { mode: 0o600 })
  renameSync(`${path}.new`, path)
}
