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
/**
 * A message of a region's event stream has rows of several types of entities. Its subject has a place for each type and names
 * there those that it has rows of, so that one filter finds a type whatever else is in the message. Types may have one place
 * in common: they go in messages of their own.
 */
const eventPlaces = 16
const none = "_"
export const eventPlace = (entityType: string): number => {
  let place = 0
  for (let at = 0; at < entityType.length; at++) place = (place * 33 + entityType.charCodeAt(at)) % eventPlaces
  return place
}
const eventSubject = (region: Region | "*", types: Iterable<string>, other: string): string => {
  const places = Array.from({ length: eventPlaces }, () => other)
  for (const type of types) places[eventPlace(type)] = type
  return `halles.${region}.events.${places.join(".")}`
}
/** Of a message with rows of these types, each in a place of its own. */
export const eventMessage = (region: Region, types: Iterable<string>): string => eventSubject(region, types, none)
/** Of all messages that have rows of the type, among others. */
export const eventsOf = (region: Region | "*", entityType: string): string => eventSubject(region, [entityType], "*")
export const events = (region: Region | "*"): string => `halles.${region}.events.>`
/** Where any of the processes that search a region answers; in one queue group of this name. */
export const search = (region: Region): string => `halles.${region}.search`
export const searchers = "search"
export const eventStream = (region: Region): string => `EVENTS_${region.toUpperCase()}`
