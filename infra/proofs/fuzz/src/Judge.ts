import { limits } from "./Bounds.ts"
import type { Answer, Fits } from "./Contract.ts"
import type { Received, Sent } from "./Wire.ts"

/** What no answer may show: where in the code, what of our machinery, addresses of servers. */
const secrets = [
  /\n\s+at .+:\d+:\d+/,
  /\bat .+\(.+:\d+:\d+\)/,
  /\.ts:\d+/,
  /node_modules|file:\/\//,
  /\b(SqlError|PgClient|Postgres|JetStream|ioredis|ECONNREFUSED|TypeError|RangeError|SyntaxError)\b/,
  /(postgres|postgresql|nats|redis):\/\//,
  /halles_(owner|runner|edge|reader|identity|control|eu|am|ap)\b/
]

/** Answers that a path or a method that the document does not have may get. */
const notRouted = new Set([
  200, 201, 202, 204, 207, 304, 400, 401, 403, 404, 405, 409, 412, 408, 413, 414, 415, 422, 428, 429, 431, 503
])
/** What Node's server says of a head that it does not take, before a route is chosen. */
const beforeRouting = new Set([417])
/** What a refusal of the form says; the document allows the request, so it must not be said. */
const formCodes = new Set(["invalid_request", "malformed_id", "idempotency_key_required"])

/** As far as it is looked into. A cursor or a token is opaque: that one was not given out is no matter of form. */
interface Problem {
  readonly code?: string
  readonly status?: number
  readonly errors?: ReadonlyArray<{ readonly parameter?: string; readonly header?: string }>
}
const opaqueNames = new Set(["cursor", "consistency-token"])

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

const linesFit = (fits: Fits, lines: ReadonlyArray<string>): string | undefined => {
  for (const line of lines) {
    const wrong = fits(parsed(line))
    if (wrong !== undefined) return `${wrong} in ${line.slice(0, 200)}`
  }
  return undefined
}

/** A body against what the document promises for its status and media type. */
const bodyFault = (answer: Answer, received: Received): string | undefined => {
  const type = String(received.headers["content-type"] ?? "").split(";", 1)[0]!
  const types = Object.keys(answer.content)
  if (types.length === 0) return received.text === "" ? undefined : `a body of ${type} where none is documented`
  const media = answer.content[type]
  if (media === undefined) return `${type || "no media type"} where ${types.join(", ")} is documented`
  const { fits, lines } = media
  switch (lines) {
    case "json":
      return fits(parsed(received.text))
    case "ndjson":
      return linesFit(
        fits,
        received.text.split("\n").filter((line) => line !== "")
      )
    case "sse": {
      const whole = received.text.slice(0, received.text.lastIndexOf("\n\n") + 1)
      return linesFit(
        fits,
        whole
          .split("\n")
          .filter((line) => line.startsWith("data: "))
          .map((line) => JSON.stringify({ data: line.slice(6), event: "message" }))
      )
    }
    case "text":
      return undefined
  }
}

/** Node adds up a head with a little more in it than names and values. */
const headSlack = 16

/** A refusal for its size of what is within the bound. */
const sizeFault = ({ body, head, target }: Sent, status: number): string | undefined => {
  const bodyBytes = body?.length ?? 0
  if (status === 413 && bodyBytes <= limits.bodyBytes) return `413 of a body of ${bodyBytes} bytes`
  if (status === 414 && target.length <= limits.targetBytes) return `414 of a target of ${target.length} bytes`
  const isLarge = head.bytes > limits.headBytes - headSlack || head.count > limits.headers
  return status === 431 && !isLarge ? `431 of a head of ${head.bytes} bytes and ${head.count} headers` : undefined
}

/** What is wrong with an answer, or nothing. */
export const judge = (sent: Sent, received: Received | null): string | undefined => {
  if (received === null) return sent.aborted ? undefined : "no answer within the deadline"
  const { headers, status, text } = received
  if (status >= 500 && status !== 503) return `${status}: ${text.slice(0, 300)}`
  const leak = secrets.find((pattern) => pattern.test(text))
  if (leak !== undefined) return `the body shows ${leak}: ${text.slice(0, 300)}`
  if (
    (status === 429 || status === 503) &&
    headers["retry-after"] === undefined &&
    !sent.route.path.startsWith("/health")
  ) {
    return `${status} without Retry-After`
  }
  const size = sizeFault(sent, status)
  if (size !== undefined) return size
  if (beforeRouting.has(status) && text === "") return undefined
  if (!sent.routed) {
    if (!notRouted.has(status)) return `${status} of a route that is not documented`
    return status >= 400 && text !== "" && !String(headers["content-type"]).includes("json")
      ? `${status} without a problem document: ${text.slice(0, 200)}`
      : undefined
  }
  const answer = sent.route.answers[String(status)]
  if (answer === undefined) return `${status} is not documented: ${text.slice(0, 300)}`
  const wrong = bodyFault(answer, received)
  if (wrong !== undefined) return `the body of ${status} is not as documented: ${wrong}; ${text.slice(0, 300)}`
  const problem = status >= 400 ? (parsed(text) as Problem | undefined) : undefined
  if (problem?.status !== undefined && problem.status !== status)
    return `a problem of ${problem.status} under ${status}`
  const opaque = problem?.errors?.every(({ header, parameter }) => opaqueNames.has(header ?? parameter ?? "")) === true
  if (sent.by === "contract" && formCodes.has(problem?.code ?? "") && !opaque) {
    return `refused by form what the document allows: ${text.slice(0, 300)}`
  }
  if (sent.by === "violation" && status < 300) return `accepted with ${status} what the document forbids`
  return undefined
}
