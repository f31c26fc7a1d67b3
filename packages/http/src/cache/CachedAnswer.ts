import type { Region } from "@halles/shared/Region"
import { Option, Schema } from "effect"

/** An answer that anybody may have, and until when. */
export interface Answer {
  readonly key: string
  /** Whose events end it. */
  readonly invalidatedBy: Region | null
  readonly etag: string
  /** But for `etag` and `cache-control`. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array
  readonly madeAtMs: number
  readonly freshUntilMs: number
  /** While a new one is made the old one may still be given. */
  readonly staleUntilMs: number
  /** An event, or its place in memory, ended it. */
  dropped: boolean
  /** Somebody is making the next one. */
  refreshing: boolean
}

export interface Times {
  readonly freshMs: number
  readonly staleMs: number
}

export const freshness = (madeAtMs: number, { freshMs, staleMs }: Times) => ({
  madeAtMs,
  freshUntilMs: madeAtMs + freshMs,
  staleUntilMs: madeAtMs + freshMs + staleMs
})
export const isFresh = (answer: Answer, nowMs: number): boolean => !answer.dropped && nowMs < answer.freshUntilMs
export const isUsable = (answer: Answer, nowMs: number): boolean => !answer.dropped && nowMs < answer.staleUntilMs

const Head = Schema.Struct({
  etag: Schema.String,
  headers: Schema.Record(Schema.String, Schema.String),
  madeAtMs: Schema.Number
})
const decodeHead = Schema.decodeUnknownOption(Schema.fromJsonString(Head))

/** In Redis: the head as one line of JSON, then the body. */
export const write = ({ body, etag, headers, madeAtMs }: Answer): Buffer =>
  Buffer.concat([Buffer.from(`${JSON.stringify({ etag, headers, madeAtMs } satisfies typeof Head.Type)}\n`), body])

/** Nothing for what is not of this form: another version of this program may have written it. */
export const read = (of: Pick<Answer, "key" | "invalidatedBy">, bytes: Buffer, times: Times): Answer | undefined => {
  const end = bytes.indexOf(0x0a)
  const head = Option.getOrUndefined(decodeHead(bytes.subarray(0, end).toString()))
  if (head === undefined) return undefined
  const { etag, headers, madeAtMs } = head
  const body = bytes.subarray(end + 1)
  return { ...of, etag, headers, body, dropped: false, refreshing: false, ...freshness(madeAtMs, times) }
}
