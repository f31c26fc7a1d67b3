import { type Region, regions } from "@halles/shared/Region"
import { Effect } from "effect"
import { readdirSync, readFileSync, readlinkSync } from "node:fs"
import { createServer } from "node:net"
import { PortBlocked, PortTaken } from "../InfraErrors.ts"

/** The ports of a cluster, all on 127.0.0.1; 20 to 39 are those of further runners, and 42 to 44 belong to the servers of the tests. */
export const ports = (portBase: number) => ({
  edge: portBase,
  ops: portBase + 1,
  postgres: portBase + 2,
  nats: portBase + 3,
  redis: portBase + 4,
  gateway: portBase + 5,
  carrier: portBase + 6,
  identity: portBase + 7,
  mail: portBase + 8,
  webhooks: portBase + 9,
  counters: portBase + 14,
  edgeMetrics: portBase + 15,
  opsMetrics: portBase + 16,
  identityMetrics: portBase + 17,
  webhooksMetrics: portBase + 18,
  edgeTls: portBase + 19,
  media: portBase + 46,
  mediaMetrics: portBase + 47
})

/** Health and metrics of what searches a region: behind the ports of every cluster that may run beside. */
export const searchPort = (portBase: number, region: Region): number => portBase + 70 + regions.indexOf(region)

/** Health and metrics of a runner, counted over all regions: the first four before the ports above, others behind them. */
export const runnerPort = (portBase: number, index: number): number => portBase + (index < 4 ? 10 : 16) + index

const isFree = (port: number): Effect.Effect<boolean> =>
  Effect.callback((resume) => {
    const server = createServer()
    server.once("error", () => resume(Effect.succeed(false)))
    server.listen({ host: "127.0.0.1", port, exclusive: true }, () => {
      server.close(() => resume(Effect.succeed(true)))
    })
  })

/** What `fetch` never calls, as browsers do not (the Fetch Standard's bad ports, of those that need no root). */
export const blocked: ReadonlyArray<number> = [
  1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061, 6000, 6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697, 10_080
]

/** Fails with the first port that cannot be called, or that somebody else listens on. */
export const requireFree = (
  wanted: ReadonlyArray<{ readonly name: string; readonly port: number }>,
  portBase: number
): Effect.Effect<void, PortBlocked | PortTaken> =>
  Effect.forEach(
    wanted,
    ({ name, port }): Effect.Effect<void, PortBlocked | PortTaken> => {
      if (blocked.includes(port)) return Effect.fail(new PortBlocked({ name, port, portBase }))
      return Effect.flatMap(isFree(port), (free) =>
        free ? Effect.void : Effect.fail(new PortTaken({ name, port, holder: holder(port), portBase }))
      )
    },
    { discard: true }
  )

/** The socket inodes that listen on a port, read from the text of `/proc/net/tcp`. */
export const listeners = (table: string, port: number): ReadonlyArray<string> =>
  table
    .split("\n")
    .map((line) => line.trim().split(/\s+/))
    .filter((fields) => fields[3] === "0A" && Number.parseInt(fields[1]?.split(":")[1] ?? "", 16) === port)
    .flatMap((fields) => fields[9] ?? [])

/** `process 123 (node)`, as far as the system lets us see; else null. */
const holder = (port: number): string | null => {
  const inodes = ["/proc/net/tcp", "/proc/net/tcp6"].flatMap((path) => listeners(read(path), port))
  const links = new Set(inodes.map((inode) => `socket:[${inode}]`))
  const pid = list("/proc")
    .filter((name) => /^\d+$/.test(name))
    .find((name) => list(`/proc/${name}/fd`).some((fd) => links.has(link(`/proc/${name}/fd/${fd}`))))
  return pid === undefined ? null : `process ${pid} (${read(`/proc/${pid}/comm`).trim()})`
}

const quietly =
  <A>(attempt: (path: string) => A, otherwise: A) =>
  (path: string): A => {
    try {
      return attempt(path)
    } catch {
      return otherwise
    }
  }
const read = quietly((path) => readFileSync(path, "utf8"), "")
const list = quietly((path) => readdirSync(path), [])
const link = quietly((path) => readlinkSync(path), "")
