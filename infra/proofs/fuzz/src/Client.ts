import type { Request, Send } from "@halles/harness/EdgeClient"
import { Effect } from "effect"
import { randomUUID } from "node:crypto"
import { setTimeout } from "node:timers/promises"

/** Of one request that is answered 503, half a second apart. */
const busyTriesMax = 20

/** As far as it is looked into. */
export interface AnswerBody {
  readonly id: string
  readonly status: string
  readonly seq: number
  readonly messageId: string
  readonly returnId: string
  readonly secret: string
  /** Of a list. */
  readonly items: ReadonlyArray<{ readonly id: string; readonly url: string }>
  readonly warehouses: ReadonlyArray<{ readonly warehouse: string; readonly onHand: number }>
}

export interface AskOptions {
  readonly token?: string | undefined
  readonly type?: string
  readonly headers?: Readonly<Record<string, string>>
}

export type Ask = (
  method: Request["method"],
  path: string,
  body?: object | string,
  options?: AskOptions
) => Promise<AnswerBody>

/** Connections of those who prepare and look after a run, beside the requests of the run itself. */
export const connectionsMax = 64

/** Asks an edge as a client does that means well; what is refused throws. Answers that are no JSON tell nothing. */
export const client =
  (send: Send): Ask =>
  async (method, path, body, { headers = {}, token, type = "application/json" } = {}) => {
    const request: Request = {
      method,
      path,
      key: randomUUID(),
      headers: body === undefined ? headers : { "content-type": type, ...headers },
      ...(body === undefined ? {} : { body }),
      ...(token === undefined ? {} : { token })
    }
    let answer = await Effect.runPromise(send(request))
    // The edge asks its clients to send the same request again a moment later.
    for (let tries = 1; answer.status === 503 && tries < busyTriesMax; tries += 1) {
      await setTimeout(500)
      answer = await Effect.runPromise(send(request))
    }
    const { headers: answered, status, text } = answer
    if (status >= 300) throw new Error(`${method} ${path}: ${status} ${text.slice(0, 500)}`)
    return (String(answered["content-type"]).includes("/json") ? JSON.parse(text) : {}) as AnswerBody
  }

export const several = <A>(count: number, make: (n: number) => Promise<A>): Promise<ReadonlyArray<A>> =>
  Promise.all(Array.from({ length: count }, (_, n) => make(n)))

/** What a saga is to come to, a tenth of a second apart. */
const triesMax = 300
export const until = async <A>(what: string, look: () => Promise<A | undefined>): Promise<A> => {
  for (let tries = 0; tries < triesMax; tries += 1) {
    const found = await look()
    if (found !== undefined) return found
    await setTimeout(100)
  }
  throw new Error(`${what}: not within ${triesMax / 10} s`)
}
