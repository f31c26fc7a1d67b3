import { JetStreamApiError, jetstream, jetstreamManager, type PubAck } from "@nats-io/jetstream"
import { headers, InvalidArgumentError, InvalidSubjectError } from "@nats-io/transport-node"
import type { Nats } from "@halles/shared/clients/Nats"
import type { Region } from "@halles/shared/Region"
import * as Subject from "@halles/shared/Subject"
import { Context, Effect } from "effect"
import { bodyOf, type EventMessage, type Line, oneByOne } from "./EventMessage.ts"

/** A test makes these small. */
export const Patience = Context.Reference("@halles/engine/Outbox/Patience", {
  defaultValue: () => ({
    /** Between two tries, and of one. */
    againMs: 200,
    answerMs: 5_000,
    /** Of a message that the stream refuses, or that it alone of its fellows does not take. */
    triesMax: 3,
    /** Of messages that nobody takes though the stream answers: it may be slow. */
    slowTriesMax: 12
  })
})

/** A row that is given up, and why. */
export interface GivenUp {
  readonly row: Line["row"]
  readonly cause: string
  readonly tries: number
}

type Failure = { readonly kind: "refused" | "unanswered"; readonly cause: string }

/**
 * Whether the fault is the message's own. A stream that is full, a server that is away, and silence say nothing about a
 * message; the client's word that it cannot be sent does, and so does the server's that the request is a bad one (4xx).
 */
const failureOf = (error: unknown): Failure => {
  const cause = error instanceof Error ? `${error.name}: ${error.message}`.slice(0, 300) : "no answer"
  const isBad =
    error instanceof InvalidArgumentError ||
    error instanceof InvalidSubjectError ||
    (error instanceof JetStreamApiError &&
      error.status >= 400 &&
      error.status < 500 &&
      ![404, 408, 429].includes(error.status))
  return { kind: isBad ? "refused" : "unanswered", cause }
}

/**
 * Publishes to the event stream. Nothing that the stream does not take holds up what comes after it for longer than some
 * tries; while the stream itself is away all wait, in order and for as long as it takes. A message that is not taken is sent
 * row by row, so that a row is given up without its neighbours.
 */
export const make = (nats: Nats["Service"], region: Region) => {
  const streamName = Subject.eventStream(region)
  const client = jetstream(nats, { timeout: 5_000 })
  const publish = async (message: EventMessage, timeout: number): Promise<PubAck> =>
    client.publish(message.subject, bodyOf(message), { msgID: message.id, timeout })

  /**
   * One connection's messages are stored in the order in which they were sent, so that the answers to the first and the
   * last tell of all between: they are as far apart in the stream as they are here, or further where another runner
   * published in between. Answers of duplicates, or too near together, tell nothing; then each message is asked for.
   */
  const together = async (messages: ReadonlyArray<EventMessage>, timeout: number): Promise<boolean> => {
    if (messages.length <= 2) return false
    const first = publish(messages[0]!, timeout)
    let sent = true
    try {
      for (const message of messages.slice(1, -1)) {
        const named = headers()
        named.set("Nats-Msg-Id", message.id)
        nats.publish(message.subject, bodyOf(message), { headers: named })
      }
    } catch {
      sent = false
    }
    const [one, other] = await Promise.allSettled([first, publish(messages.at(-1)!, timeout)])
    if (!sent || one.status === "rejected" || other.status === "rejected") return false
    const apart = other.value.seq - one.value.seq
    return !one.value.duplicate && !other.value.duplicate && apart >= messages.length - 1
  }

  /** Asks for each; what failed, and how. */
  const each = async (messages: ReadonlyArray<EventMessage>, timeout: number) => {
    const answers = await Promise.allSettled(messages.map((message) => publish(message, timeout)))
    return answers.flatMap((answer, index) =>
      answer.status === "fulfilled" ? [] : [[messages[index]!, failureOf(answer.reason)] as const]
    )
  }

  const isUp = Effect.tryPromise(async () => (await jetstreamManager(nats)).streams.info(streamName)).pipe(
    Effect.timeout("2 seconds"),
    Effect.isSuccess
  )

  /** Ends when all of it is in the stream, but for the rows that are given up. */
  return Effect.fnUntraced(function* (messages: ReadonlyArray<EventMessage>) {
    const { againMs, answerMs, slowTriesMax, triesMax } = yield* Patience
    const givenUp: Array<GivenUp> = []
    const tries = new Map<EventMessage, { refused: number; slow: number }>()
    let left: ReadonlyArray<EventMessage> = messages.filter((message) => {
      const { lines, malformed } = message
      if (malformed !== null) givenUp.push(...lines.map(({ row }) => ({ row, cause: malformed, tries: 1 })))
      return malformed === null
    })
    if (left.length === 0 || (yield* Effect.promise(() => together(left, answerMs)))) return givenUp
    while (true) {
      const failed = yield* Effect.promise(() => each(left, answerMs))
      if (failed.length === 0) return givenUp
      const areOthersTaken = failed.length < left.length
      const isSlow = !areOthersTaken && failed.some(([, { kind }]) => kind === "unanswered") && (yield* isUp)
      const [, { cause: first }] = failed[0]!
      yield* Effect.logWarning(`The stream does not take ${failed.length} messages, trying again`, first)
      left = failed.flatMap(([message, { cause, kind }]) => {
        const count = tries.get(message) ?? { refused: 0, slow: 0 }
        tries.set(message, count)
        if (kind === "refused" || areOthersTaken) count.refused += 1
        else if (isSlow) count.slow += 1
        if (count.refused < triesMax && count.slow < slowTriesMax) return [message]
        if (message.lines.length > 1) return oneByOne(region, message)
        givenUp.push({ row: message.lines[0]!.row, cause, tries: count.refused + count.slow })
        return []
      })
      if (left.length === 0) return givenUp
      yield* Effect.sleep(againMs)
    }
  })
}
