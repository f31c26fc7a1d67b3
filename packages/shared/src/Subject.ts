import type { Region } from "./Region.ts"

/** NATS subjects, in one place. Tokens hold `[A-Za-z0-9_-]` only. */
export const runner = (region: string, machine: string): string => `halles.${region}.runner.${machine}`
export const heartbeat = (region: string, machine: string): string => `halles.${region}.heartbeat.${machine}`
export const event = (region: Region, entityType: string, entityId: string): string =>
  `halles.${region}.event.${entityType}.${entityId}`
export const events = (region: Region): string => `halles.${region}.event.>`
export const eventStream = (region: Region): string => `EVENTS_${region.toUpperCase()}`
