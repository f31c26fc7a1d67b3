import * as fc from "fast-check"
import { limits } from "./Bounds.ts"
import { parse, type Route } from "./Contract.ts"
import { judge } from "./Judge.ts"
import { type Plan, requests } from "./Requests.ts"
import { prepare, type Received, send, type Sent } from "./Wire.ts"
import { type Credential, World } from "./World.ts"

/** A request beyond this hangs; the edge's own deadline is 3 s, and a client may ask to wait 1 s. */
const deadlineMsUsual = 5_000
/** A refused body of more than this is not read to its end. */
const unreadBytes = 65_536
/** Different failures that are looked for before it is enough. */
const failuresMax = 20
/** Requests that a failure is shrunk by, and for how long: who gets no answer waits for each. */
const shrinksMax = 200
const shrinkMsMax = 20_000

export interface Failure {
  readonly seed: number
  readonly reason: string
  /** The smallest request that fails so, as it was sent. */
  readonly request: string
}

export interface Report {
  readonly requests: number
  readonly failures: ReadonlyArray<Failure>
  /** Answers by route and status; `none` where the request broke off on purpose. */
  readonly answers: Readonly<Record<string, Readonly<Record<string, number>>>>
  /** Routes that never answered 2xx: nothing is known of what they do. */
  readonly neverOk: ReadonlyArray<string>
  readonly slowestMs: number
}

/** As a person would type it. */
export const requestText = ({ body, credential, headers, method, target }: Sent): string =>
  [
    `${method} ${target.slice(0, 500)}`,
    ...headers.map(
      ([name, value]) => `${name}: ${/authorization|key$/i.test(name) ? `(${credential})` : value.slice(0, 200)}`
    ),
    ...(body === undefined
      ? []
      : ["", `${body.toString("utf8").slice(0, 2_000)}${body.length > 2_000 ? ` … ${body.length} bytes` : ""}`])
  ].join("\n")

/** Sends `count` requests that follow from the seed and from what the edge answers; each failure is shrunk before it is told. */
export const run = async (options: {
  readonly url: string
  readonly document: string
  readonly seed: number
  readonly count: number
  readonly credentials: ReadonlyArray<Credential>
  readonly world?: World
  readonly deadlineMs?: number
  /** No request is begun later than this after the first; the report then has fewer than `count`. */
  readonly withinMs?: number
  /** Requests under way at a time. */
  readonly lanes?: number
  readonly onProgress?: (done: number) => void
}): Promise<Report> => {
  const { count, credentials, lanes = 8, seed, url, withinMs = Number.POSITIVE_INFINITY } = options
  const { deadlineMs = deadlineMsUsual } = options
  const startedAt = performance.now()
  const contract = parse(options.document)
  const world = options.world ?? new World()
  const answers: Record<string, Record<string, number>> = Object.fromEntries(
    contract.routes.map(({ name }) => [name, {}])
  )
  const failures: Array<Failure> = []
  let done = 0
  let slowestMs = 0

  const note = (route: Route, received: Received | null) => {
    const status = received === null ? "none" : String(received.status)
    const counts = answers[route.name]!
    counts[status] = (counts[status] ?? 0) + 1
    slowestMs = Math.max(slowestMs, received?.ms ?? 0)
  }
  const once = async (plan: Plan): Promise<{ readonly sent: Sent; readonly wrong: string | undefined }> => {
    const sent = prepare(plan, world, credentials, new URL(url).host)
    // A kept connection may be closed by the server while it is taken up again: that is no answer to this request.
    const received = await send(url, sent, deadlineMs)
      .catch(() => send(url, sent, deadlineMs))
      .catch((error: Error) => error)
    if (received instanceof Error) {
      // Who is told that the body is too large while it sends may see the connection go before the answer.
      const cut = (sent.body?.length ?? 0) > unreadBytes || sent.head.bytes >= limits.headBytes
      return { sent, wrong: cut ? undefined : `the connection broke: ${received.message}` }
    }
    const wrong = judge(sent, received)
    if (sent.routed) note(plan.route, received)
    if (received !== null && received.status < 300) {
      const token = received.headers["consistency-token"]
      if (token !== undefined) world.learn("consistency-token", token)
      try {
        world.harvest(plan.route, JSON.parse(received.text))
      } catch {
        // Streams and texts tell no ids.
      }
    }
    return { sent, wrong }
  }

  /** Failures of one kind are shrunk and told once. */
  const kinds = new Set<string>()
  const lane = async (at: number) => {
    const own = Math.floor(count / lanes) + (at < count % lanes ? 1 : 0)
    let sentHere = 0
    for (let again = 0; again <= failuresMax; again++) {
      const late = performance.now() - startedAt > withinMs
      if (late || sentHere >= own || failures.length >= failuresMax) return
      let shrunk = 0
      let shrinkUntil = Number.POSITIVE_INFINITY
      let last: { readonly sent: Sent; readonly wrong: string; readonly kind: string } | undefined
      const property = fc.asyncProperty(requests(contract), async (plan) => {
        const now = performance.now()
        if (shrunk > shrinksMax || now > shrinkUntil || now - startedAt > withinMs) return
        const { sent, wrong } = await once(plan)
        done += 1
        sentHere += 1
        if (done % 500 === 0) options.onProgress?.(done)
        const kind = `${sent.route.name} ${wrong?.slice(0, 40)}`
        // What is being shrunk stays what it is, and is small enough after a while.
        const other = last !== undefined && (last.kind !== kind || ++shrunk > shrinksMax)
        if (wrong === undefined || kinds.has(kind) || other) return
        if (last === undefined) shrinkUntil = performance.now() + shrinkMsMax
        last = { sent, wrong, kind }
        throw new Error(wrong)
      })
      await fc.check(property, { seed: seed + at + again * lanes, numRuns: own - sentHere, verbose: 0 })
      if (last === undefined) return
      kinds.add(last.kind)
      failures.push({ seed, reason: last.wrong, request: requestText(last.sent) })
    }
  }
  await Promise.all(Array.from({ length: lanes }, (_, at) => lane(at)))
  const neverOk = Object.entries(answers)
    .filter(([, counts]) => !Object.keys(counts).some((status) => status.startsWith("2")))
    .map(([name]) => name)
  return { requests: done, failures, answers, neverOk, slowestMs: Math.round(slowestMs) }
}
