import type { IncomingMessage } from "node:http"
import * as ListenerRefusal from "./ListenerRefusal.ts"

/** Bytes of path and query, and headers, of one request. All of its head together is bounded by Node. */
export const targetBytesMax = 8_192
export const headersMax = 100

/** What a second one of would make two readers see two requests. Node gives the first of some, and both of others in one. */
const singletons = new Set([
  "authorization",
  "content-encoding",
  "content-length",
  "content-type",
  "host",
  "idempotency-key",
  "if-match",
  "import-id",
  "last-event-id",
  "origin",
  "transfer-encoding",
  "x-api-key",
  ":authority",
  ":method",
  ":path",
  ":scheme"
])

const twice = new Map([...singletons].map((name) => [name, ListenerRefusal.malformed(`${name} stands twice.`)]))
const version = ListenerRefusal.malformed("The version of HTTP is not spoken here.")
const noHost = ListenerRefusal.malformed("Host is missing.")
const badHost = ListenerRefusal.malformed("Host is no name or address with a port.")
const badTarget = ListenerRefusal.malformed("The target is a path that begins with a slash, with or without a query.")
const badEscape = ListenerRefusal.malformed("The target has a percent sign that stands for no character.")
const badLength = ListenerRefusal.malformed("The length of the body is not clear.")
const tooLong = ListenerRefusal.targetTooLong(targetBytesMax)

/** RFC 3986: a name of letters, digits, `-`, `.`, `_`, `~`, an IPv4 address, or an IPv6 one in brackets; and a port. */
const host = /^(?:[a-z0-9._~-]{1,255}|\[[0-9a-f:.]{2,45}\])(?::([0-9]{1,5}))?$/i
const isHost = (text: string): boolean => {
  const found = host.exec(text)
  return found !== null && Number(found[1] ?? 0) <= 65_535
}

/** What may stand in a target: no space, no control, nothing beyond ASCII, no fragment. */
const target = /^\/[\x21\x22\x24-\x7e]*$/
const isUtf8 = (text: string): boolean => {
  if (!text.includes("%")) return true
  try {
    decodeURIComponent(text)
    return true
  } catch {
    return false
  }
}

/** JSON and forms are UTF-8, whatever they say; who says otherwise has sent something else. */
const foreign = /^application\/(?:[\w.+-]*json|x-www-form-urlencoded)\s*;.*\bcharset\s*=/i
const utf8 = /;\s*charset\s*=\s*"?(?:utf-?8|us-ascii)"?\s*(?:;|$)/i

/**
 * Why a request is not handed on, if so: what leaves open whom it is for, where it ends, or who sends it (RFC 9112).
 *
 * **Details**
 *
 * The absolute form is for proxies, of which we are none: a request in it could be routed, logged and answered for
 * another host than the one it names.
 */
export const faultOf = (request: IncomingMessage): ListenerRefusal.Refusal | undefined => {
  const { headers, httpVersion, rawHeaders, url = "" } = request
  const isHttp2 = "stream" in request
  if (!isHttp2 && httpVersion !== "1.1" && httpVersion !== "1.0") return version
  if (rawHeaders.length > headersMax * 2) return ListenerRefusal.headersTooLarge
  if (url.length > targetBytesMax) return tooLong
  if (!target.test(url)) return badTarget
  if (!isUtf8(url)) return badEscape
  let seen: Set<string> | undefined
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at]!.toLowerCase()
    if (!singletons.has(name)) continue
    if (seen?.has(name) === true) return twice.get(name)
    seen = (seen ?? new Set()).add(name)
  }
  const authority = headers[":authority"] ?? headers.host
  if (authority === undefined) {
    if (httpVersion !== "1.0") return noHost
  } else if (!isHost(String(authority))) return badHost
  if (isHttp2 && headers.host !== undefined && headers.host !== authority) return badHost
  const coding = headers["transfer-encoding"]
  if (coding !== undefined) {
    // What is coded otherwise cannot be read, and HTTP/1.0 knows no coding.
    if (httpVersion !== "1.1" || coding.toLowerCase() !== "chunked") return badLength
    if (headers["content-length"] !== undefined) return badLength
  }
  // Of other methods nobody reads a body, and of HTTP/2 it need not say how long it is.
  const hasBody = isHttp2 || coding !== undefined || Number(headers["content-length"] ?? 0) > 0
  if (!hasBody || !/^P(?:OST|UT|ATCH)$/.test(request.method ?? "")) return undefined
  const encoding = headers["content-encoding"] ?? ""
  if (encoding !== "" && encoding.toLowerCase() !== "identity") return ListenerRefusal.encodedBody
  const type = headers["content-type"]
  return type !== undefined && foreign.test(type) && !utf8.test(type) ? ListenerRefusal.encodedBody : undefined
}
