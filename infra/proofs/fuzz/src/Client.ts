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

export type Ask = (method: string, path: string, body?: object | string, options?: AskOptions) => Promise<AnswerBody>

/** Asks an edge as a client does that means well; what is refused throws. Answers that are no JSON tell nothing. */
export const client =
  (url: string): Ask =>
  async (method, path, body, { headers = {}, token, type = "application/json" } = {}) => {
    const request = {
      method,
      headers: {
        "idempotency-key": randomUUID(),
        ...(body === undefined ? {} : { "content-type": type }),
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...headers
      },
      ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) })
    }
    let response = await fetch(`${url}${path}`, request)
    // The edge asks its clients to send the same request again a moment later.
    for (let tries = 1; response.status === 503 && tries < busyTriesMax; tries += 1) {
      await setTimeout(500)
      response = await fetch(`${url}${path}`, request)
    }
    const text = await response.text()
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text.slice(0, 500)}`)
    return (response.headers.get("content-type")?.includes("/json") === true ? JSON.parse(text) : {}) as AnswerBody
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
