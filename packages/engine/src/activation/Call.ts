import type { Effect, Exit, Fiber, Tracer } from "effect"
import type { JointCommit } from "../eventsourced/JointCommit.ts"

/** One activation, as its type makes it: whatever the handlers of the type are called with. */
export interface Actor {
  /** No call is under way any more, or none is waited for: ends what the entity does by itself, and keeps what is worth it. */
  readonly close: () => Effect.Effect<void>
  /** `isNew` of one that was made without reading what the entity keeps, until it is known that there was nothing to read. */
  readonly lease?: { readonly isNew?: boolean }
  /** The tries of its pending step that failed; `null` when none did. */
  readonly tries?: { readonly step: string; readonly attempts: number; readonly lastError: string | null } | null
}

/** Why an entity did not answer. */
export type Refusal = "EntityNotAssignedToRunner" | "MailboxFull"
export type Answer = Exit.Exit<unknown, unknown> | Refusal

/** `undefined` of a query. */
export const commandIdOf = (payload: unknown): string | undefined =>
  typeof payload === "object" && payload !== null && "commandId" in payload ? String(payload.commandId) : undefined

/** One message to an entity, until it is answered. */
export class Call {
  fiber: Fiber.Fiber<unknown, unknown> | null = null
  /** `performance.now()` */
  sinceMs = 0
  span: Tracer.Span | undefined = undefined
  /** This process has cut it off. */
  isCut = false
  readonly tag: string
  readonly payload: unknown
  readonly parent: Tracer.AnySpan | undefined
  readonly answered: (answer: Answer) => void
  /** A call that goes on with every message that it sends, and cannot be begun twice. */
  readonly stream: ((self: Actor) => Effect.Effect<unknown>) | undefined
  /** Of a command: what copies of it have in common. */
  readonly commandId: string | undefined
  /** Its sender commits its own row together with this one's. */
  joint: JointCommit | null = null

  constructor(
    tag: string,
    payload: unknown,
    parent: Tracer.AnySpan | undefined,
    answered: (answer: Answer) => void,
    stream?: (self: Actor) => Effect.Effect<unknown>
  ) {
    this.tag = tag
    this.payload = payload
    this.parent = parent
    this.answered = answered
    this.stream = stream
    this.commandId = commandIdOf(payload)
  }

  cut(): void {
    this.isCut = true
    this.fiber?.interruptUnsafe()
  }
}
