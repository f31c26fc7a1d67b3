import type { Outcome, Pipeline } from "./Pipeline.ts"
import type { Questions } from "./Questions.ts"
import type { Subject } from "./Scene.ts"
import { type Answer, judge, type Question, type Secrets } from "./Verdict.ts"

/** Requests of one turn on a connection. */
const batchMax = 12
const againMs = 100
const faultsMax = 20
/** A request that has no answer after this long is told as one without. */
const silentMs = 30_000

export interface Fault {
  readonly reason: string
  readonly sender: string
  readonly request: string
  readonly answer: string
}

/** What came of all that was asked. */
export class Tally {
  /** By status; `later`, `broken` and `left` besides. */
  readonly counts: Record<string, number> = {}
  readonly faults: Array<Fault> = []
  wrong = 0

  count(what: string): void {
    this.counts[what] = (this.counts[what] ?? 0) + 1
  }

  fault(fault: Fault): void {
    this.wrong += 1
    if (this.faults.length < faultsMax) this.faults.push(fault)
  }
}

const questionText = ({ headers, id, method, path }: Question): string =>
  `${method} ${path} as ${id} ${Object.keys(headers).join()}`
const answerText = ({ body, headers, status }: Answer): string =>
  `${status} ${JSON.stringify(headers)} ${body.slice(0, 300)}`

/** Judges one outcome, and takes it down. */
export const weigh = (
  tally: Tally,
  questions: Questions,
  question: Question,
  outcome: Outcome,
  secrets: Secrets
): void => {
  if (outcome === "broken") return tally.count("broken")
  const verdict = judge(question, outcome, secrets)
  if (verdict._tag === "Later") return tally.count("later")
  tally.count(String(outcome.status))
  const reason = verdict._tag === "Wrong" ? verdict.reason : questions.note(question, outcome)
  if (reason === undefined) return
  tally.fault({
    reason: `${question.name}: ${reason}`,
    sender: question.sender,
    request: questionText(question),
    answer: answerText(outcome)
  })
}

const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms))

/** Keeps one connection busy until the end, and opens it anew when it ends. */
export const busy = async (options: {
  readonly open: () => Promise<Pipeline | "broken">
  readonly at: Subject["at"]
  readonly questions: Questions
  readonly tally: Tally
  readonly secrets: Secrets
  readonly isOver: () => boolean
}): Promise<void> => {
  const { at, isOver, open, questions, secrets, tally } = options
  let pipeline: Pipeline | "broken" = "broken"
  while (!isOver()) {
    if (pipeline === "broken" || !pipeline.isOpen()) {
      pipeline = await open()
      if (pipeline === "broken") {
        await sleep(againMs)
        continue
      }
    }
    const { ask, leave } = pipeline
    const batch = Array.from({ length: 1 + Math.floor(Math.random() * batchMax) }, () => questions.next(at))
    const sent = batch.map(async (question) => {
      const silent = sleep(silentMs).then(() => "silent" as const)
      return [question, await Promise.race([ask(question), silent])] as const
    })
    if (Math.random() < 0.04) {
      tally.count("left")
      leave(questions.next(at))
    }
    for (const [question, outcome] of await Promise.all(sent)) {
      if (outcome !== "silent") weigh(tally, questions, question, outcome, secrets)
      else tally.fault({ reason: "no answer", sender: question.sender, request: questionText(question), answer: "" })
    }
  }
  if (pipeline !== "broken") pipeline.destroy()
}
