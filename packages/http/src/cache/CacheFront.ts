import { LRUCache } from "lru-cache"
import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from "node:http"
import { matches } from "./ResponseCache.ts"
import { type Answer, isFresh, isUsable } from "./CachedAnswer.ts"

/** Paths with their queries that are answered without the application; the least used is forgotten. */
const urlsMax = 10_000

/** A request with one of these may be answered otherwise than the next one: it goes the whole way. */
const telling = [
  "authorization",
  "cookie",
  "x-api-key",
  "origin",
  "consistency-token",
  "cache-control",
  "if-match",
  "if-modified-since",
  "if-unmodified-since",
  "range",
  "traceparent",
  "prefer"
] as const
/** Of one exchange alone. */
const own = new Set(["traceresponse", "server-timing", "date", "connection", "keep-alive"])

interface Known {
  readonly answer: Answer
  readonly headers: OutgoingHttpHeaders
}

export interface Front {
  /** Whether the request was answered. */
  readonly answer: (request: IncomingMessage, response: ServerResponse) => boolean
  /** Looks at what the application answers, to give the same to the next one who asks so. */
  readonly watch: (request: IncomingMessage, response: ServerResponse) => void
}

const isPlain = ({ headers, method }: IncomingMessage): boolean =>
  method === "GET" && !telling.some((name) => headers[name] !== undefined)

/**
 * Gives what `ResponseCache` has without going through the application: by the exact path and query, with the exact headers
 * and bytes that a request without credentials got. When its answer grows old here it is made anew on the long way.
 */
export const make = (answerOf: (body: Uint8Array) => Answer | undefined, now: () => number): Front => {
  const known = new LRUCache<string, Known>({ max: urlsMax })
  return {
    answer: (request, response) => {
      if (!isPlain(request)) return false
      const url = request.url ?? ""
      const found = known.get(url)
      if (found === undefined) return false
      const { answer, headers } = found
      const nowMs = now()
      if (!isFresh(answer, nowMs) && !(answer.refreshing && isUsable(answer, nowMs))) {
        if (answer.dropped) known.delete(url)
        return false
      }
      if (matches(answer.etag, request.headers["if-none-match"])) {
        const { "content-length": _, "content-type": __, ...rest } = headers
        response.writeHead(304, rest).end()
      } else {
        response.writeHead(200, headers).end(answer.body)
      }
      return true
    },
    watch: (request, response) => {
      if (!isPlain(request)) return
      const writeHead = response.writeHead.bind(response)
      const end = response.end.bind(response)
      let headers: OutgoingHttpHeaders | undefined
      // HTTP/1 has a reason between the status and the headers.
      response.writeHead = ((...given: Parameters<typeof writeHead>) => {
        const last: unknown = given.at(-1)
        headers = given[0] === 200 && typeof last === "object" ? (last as OutgoingHttpHeaders) : undefined
        return writeHead(...given)
      }) as typeof response.writeHead
      response.end = ((body?: Uint8Array) => {
        const answer = body instanceof Uint8Array ? answerOf(body) : undefined
        if (answer !== undefined && headers !== undefined && headers["set-cookie"] === undefined) {
          known.set(request.url ?? "", {
            answer,
            headers: Object.fromEntries(Object.entries(headers).filter(([name]) => !own.has(name.toLowerCase())))
          })
        }
        return body === undefined ? end() : end(body)
      }) as typeof response.end
    }
  }
}
