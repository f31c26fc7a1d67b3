import type { Region } from "@halles/shared/Region"
import * as Subject from "@halles/shared/Subject"
import { isWithinBytes } from "@halles/shared/Bytes"

/**
 * Bytes of one message of the event stream, which holds many rows. Of a row that is larger the message has only the tags of the events, and
 * a reader that needs more reads the journal. So no row is too large for NATS, whose servers take messages of 1 MiB by
 * default, and no reader holds much in memory: a projection takes 100 messages at a time, and the server closes a connection
 * that is 64 MiB behind.
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

/** A row as a message carries it. */
export interface Line {
  readonly row: Pick<Row, "entity_type" | "entity_id" | "seq" | "position"> & { readonly again: string | null }
  /** JSON, on one line. */
  readonly text: string
  readonly bytes: number
  /** Why it cannot be published whoever tries. */
  readonly malformed: string | null
}

/** Rows that were committed together, in the order of their positions: one line each. */
export interface EventMessage {
  readonly lines: ReadonlyArray<Line>
  readonly subject: string
  readonly id: string
  /** Of its only line: such a line goes with no other one. */
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
const textOf = (row: Row, events: string, rest: string): string =>
  `{"type":"${row.entity_type}","id":"${row.entity_id}","seq":${row.seq},` +
  `"commandId":${JSON.stringify(row.command_id)},"at":${Math.round(Number(row.at))},` +
  `"position":${row.position},"events":${events},"meta":${row.meta}${rest}}`

/**
 * The line that tells of a row: whole, or with `"inJournal":true` and its tags only where it is too large. `bytesMax` is
 * never more than the server takes.
 */
export const lineOf = (row: Row, bytesMax = messageBytesMax): Line => {
  const { again = null, entity_id, entity_type, position, seq } = row
  const named = { entity_id, entity_type, seq, position, again }
  const malformed = (why: string): Line => ({ row: named, text: "", bytes: 0, malformed: why })
  if (!isToken(entity_type) || !isToken(entity_id)) return malformed("its type or id fits in no subject")
  const whole = row.events === null ? null : textOf(row, row.events, "")
  if (whole !== null && isWithinBytes(whole, bytesMax)) {
    return { row: named, text: whole, bytes: Buffer.byteLength(whole), malformed: null }
  }
  const text = textOf(row, row.events === null ? (row.tags ?? "[]") : tagsOf(row.events), `,"inJournal":true`)
  return isWithinBytes(text, bytesMax)
    ? { row: named, text, bytes: Buffer.byteLength(text), malformed: null }
    : malformed(`it is over ${bytesMax} bytes without its events`)
}

/**
 * The message id follows from the rows, so that the stream drops a message that is published again after a crash. Where a batch is
 * cut into other messages than before, the ids differ: readers pass over rows that they have seen.
 */
const idOf = (lines: ReadonlyArray<Line>): string => {
  const { again, entity_id, entity_type, seq } = lines[0]!.row
  const first = `${entity_type}:${entity_id}:${seq}`
  const rest = lines.length === 1 ? "" : `:${lines.length}:${lines.at(-1)!.row.position}`
  return `${first}${rest}${again === null ? "" : `:${again}`}`
}

const messageOf = (region: Region, lines: ReadonlyArray<Line>): EventMessage => ({
  lines,
  subject: Subject.eventMessage(region, new Set(lines.map(({ row }) => row.entity_type))),
  id: idOf(lines),
  malformed: lines[0]!.malformed
})

/** As few messages as take the lines, in their order. */
export const messagesOf = (
  region: Region,
  lines: ReadonlyArray<Line>,
  bytesMax = messageBytesMax
): ReadonlyArray<EventMessage> => {
  const messages: Array<EventMessage> = []
  let together: Array<Line> = []
  let bytes = 0
  /** The entity type at each place of the subject. */
  let places = new Map<number, string>()
  for (const line of lines) {
    if (line.malformed !== null) {
      messages.push(messageOf(region, [line]))
      continue
    }
    const { entity_type } = line.row
    const place = Subject.eventPlace(entity_type)
    const isFree = (places.get(place) ?? entity_type) === entity_type
    if (together.length > 0 && (!isFree || bytes + line.bytes + 1 > bytesMax)) {
      messages.push(messageOf(region, together))
      together = []
      bytes = 0
      places = new Map()
    }
    together.push(line)
    bytes += line.bytes + 1
    places.set(place, entity_type)
  }
  if (together.length > 0) messages.push(messageOf(region, together))
  return messages
}

/** One message for each row of a message that the stream does not take: the fault may be that of one row. */
export const oneByOne = (region: Region, { lines }: EventMessage): ReadonlyArray<EventMessage> =>
  lines.map((line) => messageOf(region, [line]))

export const bodyOf = ({ lines }: EventMessage): string => lines.map(({ text }) => text).join("\n")

/** A row as a reader finds it in a message, not parsed yet. Type and id are empty where the line is not one of `textOf`. */
export interface Carried {
  readonly type: string
  readonly id: string
  /** JSON. */
  readonly text: string
}

/** Lines as `textOf` begins them. */
const beginning = /^\{"type":"([A-Za-z0-9_-]{1,100})","id":"([A-Za-z0-9_-]{1,100})",/

/** The rows of a message, unparsed: most readers want few of them. */
export const rowsOf = (body: string): ReadonlyArray<Carried> =>
  body.split("\n").map((text) => {
    const [, type = "", id = ""] = beginning.exec(text) ?? []
    return { type, id, text }
  })
