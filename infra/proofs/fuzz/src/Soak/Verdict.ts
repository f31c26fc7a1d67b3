/** One request, and what its answer must be. */
export interface Question {
  /** Unlike that of any other request of the run. */
  readonly id: string
  /** Of its `traceparent`: the application tells it back from what it took for the request. */
  readonly traceId: string
  readonly sender: string
  /** Which question of whom: what it was answered first is the reference. */
  readonly name: string
  readonly method: string
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string
  /** What it may be answered, but for what anybody may be told at any time. */
  readonly statuses: ReadonlyArray<number>
  /** What a good answer has in its body. */
  readonly shows: ReadonlyArray<string>
  /** Whatever of `secrets` is not in here must not be in its body. */
  readonly mayShow: ReadonlySet<string>
}

export interface Answer {
  readonly status: number
  /** By names in small letters. */
  readonly headers: Readonly<Record<string, string | undefined>>
  readonly body: string
}

/** `later`: the edge did nothing, because a component that it needs is away. */
export type Verdict =
  | { readonly _tag: "Right" }
  | { readonly _tag: "Later" }
  | { readonly _tag: "Wrong"; readonly reason: string }

const right: Verdict = { _tag: "Right" }
const later: Verdict = { _tag: "Later" }
const wrong = (reason: string): Verdict => ({ _tag: "Wrong", reason })

const transient = new Set([429, 503])

/** Marks that are nobody's but their owner's, by a part that all of them have, so that a body is searched once. */
export interface Secrets {
  readonly pattern: RegExp
}

/**
 * Whether an answer is that of the question: it names the request on the wire, and again in the application; its status is one
 * that this sender gets; it shows what was asked for, and nothing of anybody else.
 */
export const judge = (question: Question, answer: Answer, { pattern }: Secrets): Verdict => {
  const { body, headers, status } = answer
  const id = headers["request-id"]
  if (id !== question.id) return wrong(`answers ${id ?? "nothing"} instead of ${question.id}`)
  const trace = headers["traceresponse"]
  if (trace !== undefined && trace.split("-")[1] !== question.traceId)
    return wrong(`was made for trace ${trace} instead of ${question.traceId}`)
  for (const [mark] of body.matchAll(pattern)) {
    if (!question.mayShow.has(mark)) return wrong(`shows ${mark}, which is not for this sender`)
  }
  if (question.method === "HEAD" && body !== "") return wrong("has a body, of HEAD")
  if (transient.has(status)) return later
  if (!question.statuses.includes(status)) return wrong(`is ${status}, not ${question.statuses.join(" or ")}`)
  if (status === 304) return body === "" ? right : wrong("has a body, of 304")
  if (status >= 400 || question.method === "HEAD") return right
  const missing = question.shows.find((mark) => !body.includes(mark))
  return missing === undefined ? right : wrong(`does not show ${missing}`)
}
