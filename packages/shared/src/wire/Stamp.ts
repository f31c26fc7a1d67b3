import { Effect } from "effect"
import { CommandId } from "../Ids.ts"
import { mask } from "../audit/AuditEntry.ts"
import type { Origin } from "../Command.ts"
import { CurrentIntent } from "../Intent.ts"
import { Principal } from "./Principal.ts"

/** What every command carries beside its own fields. */
export interface Stamp {
  readonly commandId: CommandId
  readonly origin: Origin
  readonly expectedSeq?: number
}

interface Keyed {
  readonly "idempotency-key"?: string
  readonly "if-match"?: string
  readonly "change-reason"?: string
}

/** Who the journal says asked for it: the edge for anybody, or in the name of the shop. */
export type Actor = "edge" | "edge:import"

/** What the journal keeps of a sender beside the command. */
export interface Sender {
  readonly actor?: Actor
  /** With the author and the reason, which the history of the entity shows. */
  readonly authored?: true
}

/** A tag that we never gave out is no version of anything. What stood beside the entity is no part of its version. */
const seqOfTag = (tag: string): number => {
  const seq = /^"(\d{1,15})(?:-[\w-]{1,22})?"$/.exec(tag)?.[1]
  return seq === undefined ? -1 : Number(seq)
}

/** The version that a change is meant for. */
export const expected = ({ "if-match": tag }: Keyed): { readonly expectedSeq?: number } =>
  tag === undefined || tag === "*" ? {} : { expectedSeq: seqOfTag(tag) }

/** Who sends the current request, as the audit log names them. */
export const author: Effect.Effect<string> = Effect.map(Principal, ({ subject }) => mask(subject))

const originOf = (headers: Keyed, { actor = "edge", authored }: Sender): Effect.Effect<Origin> =>
  authored === undefined
    ? Effect.succeed({ actor })
    : Effect.map(author, (author) => ({ actor, author, ...given("reason", headers["change-reason"]) }))

/** Names a command after what the sender wants, so that its repeat is known by whoever receives it. */
export const stamp = (operation: string, headers: Keyed, sender: Sender = {}): Effect.Effect<Stamp> =>
  Effect.flatMap(CurrentIntent, ({ name }) => {
    const commandId = CommandId.make(`${operation}:${name(operation)}`)
    return Effect.map(originOf(headers, sender), (origin) => ({ commandId, origin, ...expected(headers) }))
  })

/** 132 bits that nobody can guess; whoever repeats a request with its key finds the same. */
export const token = (purpose: string): Effect.Effect<string> =>
  Effect.map(CurrentIntent, ({ name }) => name(purpose).slice(0, 22))

/** A field that is there, nothing where it is undefined: for optional keys. */
export const given = <K extends string, V>(key: K, value: V | undefined): { readonly [P in K]?: V } =>
  (value === undefined ? {} : { [key]: value }) as { readonly [P in K]?: V }
