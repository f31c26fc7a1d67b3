import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from "node:http"
import { STATUS_CODES } from "node:http"
import {
  HeadersTooLarge,
  MalformedRequest,
  RequestTimeout,
  TargetTooLong,
  TooManyAtOnce,
  Unavailable,
  UnsupportedMediaType
} from "../wire/EdgeErrors.ts"
import { type Document, retryAfter } from "../wire/Problem.ts"
import { documentOf } from "../wire/Refusal.ts"

/** What every answer carries. A browser that is shown our JSON runs nothing in it, frames it nowhere and guesses no type. */
export const always = {
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
  "referrer-policy": "no-referrer",
  "cross-origin-resource-policy": "same-origin",
  "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=()"
} as const

/** An answer that is known before the request is: its document is made once. */
export interface Refusal {
  readonly document: Document
  readonly body: Buffer
}

export const of = (error: { readonly _tag: string }, detail?: string): Refusal => {
  const known = documentOf(error)
  const document = detail === undefined ? known : { ...known, detail }
  return { document, body: Buffer.from(JSON.stringify(document)) }
}

export const malformed = (detail: string): Refusal => of(new MalformedRequest(), detail)
export const targetTooLong = (bytesMax: number): Refusal =>
  of(new TargetTooLong(), `They have at most ${bytesMax} bytes.`)
export const headersTooLarge = of(new HeadersTooLarge())
export const tooSlow = of(new RequestTimeout())
export const encodedBody = of(new UnsupportedMediaType(), "Send the body as it is, text of it in UTF-8.")
export const tooManyAtOnce = of(new TooManyAtOnce())
export const notReady = of(new Unavailable())

/** A body of more than this is not read to its end for the sake of the connection, in bytes. */
const unreadMax = 65_536

const headersOf = ({ body, document }: Refusal): OutgoingHttpHeaders => ({
  "content-type": "application/problem+json",
  "content-length": body.length,
  "cache-control": "no-store",
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
  ...(document.status === 503 ? retryAfter : {}),
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
