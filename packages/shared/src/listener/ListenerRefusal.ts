import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from "node:http"
import { STATUS_CODES } from "node:http"

/** What every answer carries. A browser that is shown our JSON runs nothing in it, frames it nowhere and guesses no type. */
export const always = {
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
  "referrer-policy": "no-referrer",
  "cross-origin-resource-policy": "same-origin",
  "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=()"
} as const

/** A problem document (RFC 9457) with a stable code. */
export interface Document {
  readonly type: string
  readonly code: string
  readonly status: number
  readonly title: string
  readonly detail: string
}

/** An answer that is known before the request is: its document is made once. */
export interface Refusal {
  readonly document: Document
  readonly body: Buffer
}

export const make = (options: Omit<Document, "type">): Refusal => {
  const document = { type: `/problems/${options.code}`, ...options }
  return { document, body: Buffer.from(JSON.stringify(document)) }
}

export const malformed = (detail: string): Refusal =>
  make({ code: "malformed_request", status: 400, title: "The request is no clear HTTP", detail })
export const targetTooLong = (bytesMax: number): Refusal =>
  make({
    code: "target_too_long",
    status: 414,
    title: "The path and query are too long",
    detail: `They have at most ${bytesMax} bytes.`
  })
export const headersTooLarge = make({
  code: "headers_too_large",
  status: 431,
  title: "The headers are too large",
  detail: "Headers have at most 16 KiB and are at most 100."
})
export const tooSlow = make({
  code: "request_timeout",
  status: 408,
  title: "The request took too long to arrive",
  detail: "Send headers within ten seconds and the body without pauses."
})
export const encodedBody = make({
  code: "unsupported_media_type",
  status: 415,
  title: "A media type that is not taken here",
  detail: "Send the body as it is, text of it in UTF-8."
})
export const tooManyAtOnce = make({
  code: "too_many_at_once",
  status: 503,
  title: "Too many requests of one connection are under way",
  detail: "Wait for answers before you send more, or open another connection."
})
export const notReady = make({
  code: "unavailable",
  status: 503,
  title: "Not available at the moment",
  detail: "Try again after a moment, with the same idempotency key."
})

/** A body of more than this is not read to its end for the sake of the connection, in bytes. */
const unreadMax = 65_536

const headersOf = ({ body, document }: Refusal): OutgoingHttpHeaders => ({
  "content-type": "application/problem+json",
  "content-length": body.length,
  "cache-control": "no-store",
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
  ...(document.status === 503 ? { "retry-after": "1" } : {}),
  ...always
})

/** Ends the exchange without anything of the application having run. */
export const answer = (
  request: IncomingMessage,
  response: ServerResponse,
  refusal: Refusal,
  headers: OutgoingHttpHeaders = {}
): void => {
  const unread =
    request.headers["transfer-encoding"] !== undefined || Number(request.headers["content-length"]) > unreadMax
  response.writeHead(refusal.document.status, {
    ...headersOf(refusal),
    ...headers,
    ...(unread && request.httpVersionMajor === 1 ? { connection: "close" } : {})
  })
  response.end(request.method === "HEAD" ? undefined : refusal.body)
}

/** The whole answer, for a connection whose request could not be read. */
export const bytesOf = (refusal: Refusal): Buffer => {
  const { status } = refusal.document
  const headers = Object.entries({ ...headersOf(refusal), date: new Date().toUTCString(), connection: "close" })
  const head = headers.map(([name, value]) => `${name}: ${String(value)}\r\n`).join("")
  return Buffer.concat([Buffer.from(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${head}\r\n`), refusal.body])
}
