import { writeFileSync } from "node:fs"
import { join } from "node:path"
import * as Environment from "../Environment.ts"
import * as Health from "../cluster/Health.ts"
import { type Layout, logFile } from "../Layout.ts"
import { ports } from "../cluster/Ports.ts"
import type { Secrets } from "./Secrets.ts"
import type { ServerProgram } from "./ServerProgram.ts"
import type { ProcessSpec } from "../cluster/Supervised.ts"

export const natsUrl = (layout: Layout, secrets: Secrets): string =>
  `nats://halles:${secrets.nats}@127.0.0.1:${ports(layout.portBase).nats}`

/** `max_payload` is what the cluster protocol splits its frames by; the file limit bounds all event streams together. */
const configuration = (layout: Layout, secrets: Secrets): string => `listen: "127.0.0.1:${ports(layout.portBase).nats}"
server_name: "halles-${layout.portBase}"
max_payload: 1MB
max_pending: 64MB
jetstream { store_dir: ${JSON.stringify(join(layout.directory, "nats"))}, max_memory_store: 256MB, max_file_store: 10GB }
authorization { user: "halles", password: "${secrets.nats}" }
`

/** Writes the configuration, which holds the password and so is its owner's alone, and says how to run NATS with it. */
export const natsServer = (layout: Layout, secrets: Secrets, program: ServerProgram): ProcessSpec => {
  const path = join(layout.directory, "nats.conf")
  writeFileSync(path, configuration(layout, secrets), { mode: 0o600 })
  return {
    name: "nats",
    kind: "server",
    command: program.path,
    args: ["-c", path],
    env: { ...Environment.inherited(process.env), ...program.env },
    cwd: layout.directory,
    port: ports(layout.portBase).nats,
    log: logFile(layout, "nats"),
    stopSignal: "SIGTERM",
    graceMs: 10_000,
    health: Health.nats(natsUrl(layout, secrets))
  }
}
