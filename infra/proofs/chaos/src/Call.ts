import { keyOf } from "@halles/harness/Books"
import type * as CartState from "@halles/entities/cart/CartState"
import type * as OrderState from "@halles/entities/order/OrderState"
import type * as PaymentState from "@halles/entities/payment/PaymentState"
import type * as SkuState from "@halles/entities/inventory/SkuState"

export const entityTypes = ["Cart", "Sku", "Order", "Payment"] as const
export type EntityType = (typeof entityTypes)[number]
export type Command = CartState.Command | SkuState.Command | OrderState.Command | PaymentState.Command

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
  readonly type: EntityType
  readonly id: string
  /** Answers of the edge show less than those of the entity. */
  readonly via: "edge" | "direct"
  /** `null` is a read. */
  readonly command: Command | null
  /** Whether a success means that a row was written under the command's id. */
  readonly writes: boolean
  /** Milliseconds since the workload began: when it was meant to be sent, was sent, and was answered. */
  readonly intendedAt: number
  readonly invokedAt: number
  readonly completedAt: number
  readonly answer: Answer
}

/** Commands that some caller was told are done: that were answered with a success that means a row, each once. */
export const acknowledged = (calls: ReadonlyArray<Call>) => {
  const done = calls.flatMap(({ answer, command, id, type, writes }) =>
    writes && command !== null && (answer._tag === "Replied" || answer._tag === "Done")
      ? [{ type, id, commandId: command.commandId }]
      : []
  )
  return [...new Map(done.map((one) => [`${keyOf(one)} ${one.commandId}`, one])).values()]
}

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

const fieldsOf = ({ _tag, ...fields }: Command): object => fields
