import type { Addresses } from "@halles/infra/Environment"
import { Effect, type Scope } from "effect"
import * as Proxy from "./Proxy.ts"

/** The servers that a process can be cut off from. */
export type ServerName = "postgres" | "nats" | "redis" | "counters"

/** A proxy between every process and every server, so that one process can be cut off alone. */
export interface Network {
  /** Puts proxies before the servers for one process, and says where it finds them. */
  readonly through: (process: string, servers: Addresses) => Effect.Effect<Addresses, never, Scope.Scope>
  readonly between: (process: string, server: ServerName) => Proxy.Proxy | undefined
}

const endpoint = (url: string) => {
  const { hostname, port } = new URL(url)
  return { host: hostname, port: Number(port) }
}

const moved = (url: string, port: number): string => {
  const changed = new URL(url)
  changed.hostname = "127.0.0.1"
  changed.port = String(port)
  return changed.href
}

/** All databases of a cluster that is started for this are on one Postgres. */
export const make = (): Network => {
  const proxies = new Map<string, Proxy.Proxy>()
  return {
    between: (process, server) => proxies.get(`${process} ${server}`),
    through: Effect.fnUntraced(function* (process: string, servers: Addresses) {
      const stand = Effect.fnUntraced(function* (server: ServerName, url: string) {
        const proxy = yield* Proxy.make(endpoint(url))
        proxies.set(`${process} ${server}`, proxy)
        return proxy.port
      })
      const postgres = yield* stand("postgres", Object.values(servers.databases)[0] ?? "")
      const nats = yield* stand("nats", servers.nats)
      const redis = yield* stand("redis", servers.redis)
      const counters = yield* stand("counters", servers.counters)
      return {
        nats: moved(servers.nats, nats),
        redis: moved(servers.redis, redis),
        counters: moved(servers.counters, counters),
        databases: Object.fromEntries(
          Object.entries(servers.databases).map(([name, url]) => [name, moved(url, postgres)])
        )
      }
    })
  }
}
