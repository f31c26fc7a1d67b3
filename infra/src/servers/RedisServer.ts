import { mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import * as Environment from "../Environment.ts"
import * as Health from "../cluster/Health.ts"
import { type Layout, logFile } from "../Layout.ts"
import { ports } from "../cluster/Ports.ts"
import type { Secrets } from "./Secrets.ts"
import type { ServerProgram } from "./ServerProgram.ts"
import type { ProcessSpec } from "../cluster/Supervised.ts"

/** Who signs in to a Redis of ours, and the keys that are his. */
interface User {
  readonly password: string
  readonly keys: ReadonlyArray<string>
}
type Users = Readonly<Record<string, User>>

/**
 * Answers and views, which may be forgotten: at 256 MB those go first that would end soonest. Answers that are shared end
 * within a minute, what an idempotency key was answered within a day, so that who asks for many pages pushes out pages.
 */
const cache = (secrets: Secrets) => ({
  name: "redis" as const,
  memory: "256mb",
  policy: "volatile-ttl",
  users: {
    edge: { password: secrets.redisEdge, keys: ["idempotency:*", "answer:*"] },
    runner: { password: secrets.redisRunner, keys: ["order_status:*", "stock_levels:*"] },
    health: { password: secrets.redisHealth, keys: [] }
  } satisfies Users
})

/** Counts of tries and of requests, which protect somebody as long as they are there: nothing of them is pushed out. */
const counters = (secrets: Secrets) => ({
  name: "counters" as const,
  memory: "64mb",
  policy: "noeviction",
  users: {
    edge: { password: secrets.countersEdge, keys: ["limit:*"] },
    identity: { password: secrets.countersIdentity, keys: ["identity:*"] },
    health: { password: secrets.countersHealth, keys: [] }
  } satisfies Users
})

const kinds = { redis: cache, counters }
export type Store = keyof typeof kinds

export const redisUrl = (layout: Layout, store: Store): string => `redis://127.0.0.1:${ports(layout.portBase)[store]}`

/** Nobody may change settings, look at what others have, or run what takes long; scripts keep to their user's keys. */
const mayDo = "+@all -@admin -@dangerous -@pubsub -@blocking"

const configuration = (layout: Layout, store: Store, secrets: Secrets): string => {
  const { memory, policy, users } = kinds[store](secrets)
  const list: ReadonlyArray<readonly [string, User]> = Object.entries(users)
  return [
    "bind 127.0.0.1",
    `port ${ports(layout.portBase)[store]}`,
    `dir ${JSON.stringify(join(layout.directory, store))}`,
    'save ""',
    "appendonly no",
    `maxmemory ${memory}`,
    `maxmemory-policy ${policy}`,
    "daemonize no",
    "user default off",
    ...list.map(([name, { keys, password }]) =>
      keys.length === 0
        ? `user ${name} on >${password} +ping`
        : `user ${name} on >${password} ${keys.map((key) => `~${key}`).join(" ")} ${mayDo} +info`
    ),
    ""
  ].join("\n")
}

/** Writes the configuration, which holds the passwords and so is its owner's alone, and says how to run Redis with it. */
export const redisServer = (layout: Layout, store: Store, secrets: Secrets, program: ServerProgram): ProcessSpec => {
  const path = join(layout.directory, `${store}.conf`)
  mkdirSync(join(layout.directory, store), { recursive: true, mode: 0o700 })
  writeFileSync(path, configuration(layout, store, secrets), { mode: 0o600 })
  const { health } = kinds[store](secrets).users
  return {
    name: store,
    kind: "server",
    command: program.path,
    args: [path],
    env: { ...Environment.inherited(process.env), ...program.env },
    cwd: layout.directory,
    port: ports(layout.portBase)[store],
    log: logFile(layout, store),
    stopSignal: "SIGTERM",
    graceMs: 10_000,
    health: Health.redis(Environment.withLogin(redisUrl(layout, store), "health", health.password))
  }
}
