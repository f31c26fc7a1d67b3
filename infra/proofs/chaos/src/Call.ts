import { keyOf } from "@halles/harness/Books"
import type { Commanded } from "@halles/engine/eventsourced/Kind"

/** What a caller was told, in plain JSON. */
export type Answer =
  | { readonly _tag: "Replied"; readonly reply: unknown }
  /** `code` as the edge writes it, and the refusal's own fields but for the entity's id. */
  | { readonly _tag: "Refused"; readonly code: string; readonly detail: unknown }
  /** It was done; the answer says nothing of the entity. */
  | { readonly _tag: "Done" }
  /** No answer, or one that leaves open whether it was done. */
  | { readonly _tag: "Unknown"; readonly reason: string }

/** One call on one entity, and what came of it. */
export interface Call {
  readonly session: string
  readonly type: string
  readonly id: string
  /** Answers of the edge show less than those of the entity. */
  readonly via: "edge" | "direct"
  /** `null` is a read. */
  readonly command: Commanded | null
  /** Whether a success means that a row was written under the command's id. */
  readonly writes: boolean
  /** Milliseconds since the workload began: when it was meant to be sent, was sent, and was answered. */
  readonly intendedAt: number
  readonly invokedAt: number
  readonly completedAt: number
  readonly answer: Answer
}

/** Commands that some caller was told are done, each once; `writes`: only those whose success means a row. */
const done = (calls: ReadonlyArray<Call>, writes: boolean) => {
  const some = calls.flatMap(({ answer, command, id, type, ...call }) =>
    (call.writes || !writes) && command !== null && (answer._tag === "Replied" || answer._tag === "Done")
      ? [{ type, id, commandId: command.commandId }]
      : []
  )
  return [...new Map(some.map((one) => [`${keyOf(one)} ${one.commandId}`, one])).values()]
}
export const acknowledged = (calls: ReadonlyArray<Call>) => done(calls, true)

/** How many commands were done, by entity type. */
export const doneByType = (calls: ReadonlyArray<Call>): Readonly<Record<string, number>> =>
  Object.fromEntries(
    [...Map.groupBy(done(calls, false), ({ type }) => type)].map(([type, some]) => [type, some.length])
  )

/** The value as JSON has it: without classes and without what is undefined. */
export const plain = (value: unknown): unknown => (value === undefined ? null : JSON.parse(JSON.stringify(value)))

/** `TooLateToCancel` is `too_late_to_cancel`, as the edge writes it. */
export const codeOf = (tag: string): string => tag.replace(/(?<=[a-z])(?=[A-Z])/g, "_").toLowerCase()

const notDetails = new Set(["_tag", "entity", "id", "name", "message", "stack", "cause"])
/** The fields of a refusal that are the entity's word: not its tag, and not whom it is about. */
export const detailOf = (refusal: object): unknown =>
  plain(Object.fromEntries(Object.entries(refusal).filter(([name]) => !notDetails.has(name))))

/** One line for people. */
export const describe = ({ answer, command, completedAt, id, invokedAt, session, type, via }: Call): string => {
  const sent = command === null ? "View" : `${command._tag} ${JSON.stringify(fieldsOf(command))}`
  const until = answer._tag === "Unknown" ? "?" : completedAt.toFixed(1)
  return `[${invokedAt.toFixed(1)}, ${until}] ${session} ${via} ${type}/${id} ${sent} -> ${JSON.stringify(answer)}`
}

const fieldsOf = ({ _tag, ...fields }: Commanded): object => fields
