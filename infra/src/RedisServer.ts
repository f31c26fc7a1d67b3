import { mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import * as Environment from "./Environment.ts"
import * as Health from "./Health.ts"
import { type Layout, logFile } from "./Layout.ts"
import { ports } from "./Ports.ts"
import type { Secrets } from "./Secrets.ts"
import type { ServerProgram } from "./ServerProgram.ts"
import type { ProcessSpec } from "./Supervised.ts"

export const redisUrl = (layout: Layout, secrets: Secrets): string =>
  `redis://:${secrets.redis}@127.0.0.1:${ports(layout.portBase).redis}`

/** A cache and nothing else: nothing is written to disk, and the least used keys go first at 256 MB. */
const configuration = (layout: Layout, secrets: Secrets): string => `bind 127.0.0.1
port ${ports(layout.portBase).redis}
requirepass ${secrets.redis}
dir ${JSON.stringify(join(layout.directory, "redis"))}
save ""
appendonly no
maxmemory 256mb
maxmemory-policy allkeys-lru
daemonize no
`

/** Writes the configuration, which holds the password and so is its owner's alone, and says how to run Redis with it. */
export const redisServer = (layout: Layout, secrets: Secrets, program: ServerProgram): ProcessSpec => {
  const path = join(layout.directory, "redis.conf")
  mkdirSync(join(layout.directory, "redis"), { recursive: true, mode: 0o700 })
  writeFileSync(path, configuration(layout, secrets), { mode: 0o600 })
  return {
    name: "redis",
    kind: "server",
    command: program.path,
    args: [path],
    env: { ...Environment.inherited(process.env), ...program.env },
    cwd: layout.directory,
    port: ports(layout.portBase).redis,
    log: logFile(layout, "redis"),
    stopSignal: "SIGTERM",
    graceMs: 10_000,
    health: Health.redis(redisUrl(layout, secrets))
  }
}
