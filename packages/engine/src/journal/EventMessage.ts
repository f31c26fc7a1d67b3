import type { Region } from "@halles/shared/Region"
import * as Subject from "@halles/shared/Subject"
import { isWithinBytes } from "@halles/shared/Bytes"

/**
 * Bytes of one message of the event stream. A row that comes to more is told of by its tags, and whoever needs more reads it
 * in the journal: so nothing that an entity decides can be too large for the bus, whose servers take 1 MiB unless they are
 * told otherwise, and those who follow never hold much in memory (a projection takes 500 messages at a time, and a server
 * cuts off who owes it 64 MiB).
 */
export const messageBytesMax = 64 * 1024

/** A row of the journal as it is about to be published. */
export interface Row {
  readonly entity_type: string
  readonly entity_id: string
  readonly seq: number
  readonly command_id: string
  readonly position: bigint
  /** JSON, or `null` when it is known to be too large for a message. */
  readonly events: string | null
  /** Of `events`, when these are `null`: JSON. */
  readonly tags?: string | null
  readonly meta: string
  /** Unix milliseconds. */
  readonly at: number | string
  /** Names a publication that an operator asked for: the stream would leave out what it knows. */
  readonly again?: string | null
}

export interface EventMessage {
  readonly row: Pick<Row, "entity_type" | "entity_id" | "seq">
  readonly subject: string
  readonly id: string
  readonly body: string
  /** Why it cannot be published whoever tries. */
  readonly malformed: string | null
}

/** What may stand in a subject, and needs no escape in JSON. */
const isToken = (text: string): boolean => /^[A-Za-z0-9_-]{1,100}$/u.test(text)

/** The kinds of events in a row, each once: all that most readers want of it. */
const tagsOf = (events: string): string => {
  const tags = new Set<string>()
  const parsed: unknown = JSON.parse(events)
  for (const event of Array.isArray(parsed) ? parsed : []) {
    const tag: unknown = event?._tag
    if (typeof tag === "string") tags.add(tag)
  }
  return JSON.stringify([...tags].map((_tag) => ({ _tag })))
}

/** Texts that are JSON already are put together: events are encoded once, for the row and for this. */
const bodyOf = (row: Row, events: string, rest: string): string =>
  `{"type":"${row.entity_type}","id":"${row.entity_id}","seq":${row.seq},` +
  `"commandId":${JSON.stringify(row.command_id)},"at":${Math.round(Number(row.at))},` +
  `"position":${row.position},"events":${events},"meta":${row.meta}${rest}}`

/**
 * The message that tells of a row: whole, or with `"inJournal":true` and its tags only where it is too large. `bytesMax` is
 * never more than the server takes.
 */
export const messageOf = (region: Region, row: Row, bytesMax = messageBytesMax): EventMessage => {
  const { entity_id, entity_type, seq } = row
  const again = row.again === undefined || row.again === null ? "" : `:${row.again}`
  const named = {
    row: { entity_type, entity_id, seq },
    subject: Subject.event(region, entity_type, entity_id),
    id: `${entity_type}:${entity_id}:${seq}${again}`
  }
  if (!isToken(entity_type) || !isToken(entity_id)) {
    return { ...named, body: "", malformed: "its type or id fits in no subject" }
  }
  const whole = row.events === null ? null : bodyOf(row, row.events, "")
  if (whole !== null && isWithinBytes(whole, bytesMax)) return { ...named, body: whole, malformed: null }
  const body = bodyOf(row, row.events === null ? (row.tags ?? "[]") : tagsOf(row.events), `,"inJournal":true`)
  const malformed = isWithinBytes(body, bytesMax) ? null : `it is over ${bytesMax} bytes without its events`
  return { ...named, body: malformed === null ? body : "", malformed }
}
