import type { Region } from "./Region.ts"

/** NATS subjects, in one place. Tokens hold `[A-Za-z0-9_-]` only. */
export const runner = (region: string, machine: string): string => `halles.${region}.runner.${machine}`
/** One run of a runner process: nobody answers here once that has died, even when its name runs again. */
export const runnerSession = (region: string, machine: string, incarnation: string): string =>
  `${runner(region, machine)}.${incarnation}`
/** Where the runners answer one process; the last token names the connection. */
export const reply = (region: string, process: string, connection: string): string =>
  `halles.${region}.reply.${process}.${connection}`
export const heartbeat = (region: string, machine: string): string => `halles.${region}.heartbeat.${machine}`
/** What a runner tells of its work each second, and where it is asked about one entity in its memory. */
export const status = (region: string, machine: string): string => `halles.${region}.status.${machine}`
export const statuses = "halles.*.status.*"
export const activations = (region: string, machine: string): string => `halles.${region}.activations.${machine}`
export const memory = (region: string, machine: string): string => `halles.${region}.memory.${machine}`
/** Which breakers of a process are open; told while one is. */
export const breakers = (process: string): string => `halles.breakers.${process}`
export const heartbeats = "halles.*.heartbeat.*"
export const heartbeatsOf = (region: string): string => `halles.${region}.heartbeat.*`
/** News of where shards are to be, and of shards given back and taken. */
export const placement = (region: string): string => `halles.${region}.placement`
export const placements = "halles.*.placement"
export const event = (region: Region, entityType: string, entityId: string): string =>
  `halles.${region}.event.${entityType}.${entityId}`
export const events = (region: Region): string => `halles.${region}.event.>`
export const eventStream = (region: Region): string => `EVENTS_${region.toUpperCase()}`
