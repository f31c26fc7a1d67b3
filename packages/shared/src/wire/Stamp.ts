import { Effect } from "effect"
import { CommandId } from "../Ids.ts"
import { CurrentIntent } from "../Intent.ts"

/** What every command carries beside its own fields. */
export interface Stamp {
  readonly commandId: CommandId
  readonly origin: { readonly actor: string }
  readonly expectedSeq?: number
}

interface Keyed {
  readonly "idempotency-key"?: string
  readonly "if-match"?: string
}

/** Who the journal says asked for it: the edge for anybody, or in the name of the shop. */
export type Actor = "edge" | "edge:import"

/** A tag that we never gave out is no version of anything. What stood beside the entity is no part of its version. */
const seqOfTag = (tag: string): number => {
  const seq = /^"(\d{1,15})(?:-[\w-]{1,22})?"$/.exec(tag)?.[1]
  return seq === undefined ? -1 : Number(seq)
}

/** The version that a change is meant for. */
export const expected = ({ "if-match": tag }: Keyed): { readonly expectedSeq?: number } =>
  tag === undefined || tag === "*" ? {} : { expectedSeq: seqOfTag(tag) }

/** Names a command after what the sender wants, so that its repeat is known by whoever receives it. */
export const stamp = (operation: string, headers: Keyed, actor: Actor = "edge"): Effect.Effect<Stamp> =>
  Effect.map(CurrentIntent, ({ name }) => ({
    commandId: CommandId.make(`${operation}:${name(operation)}`),
    origin: { actor },
    ...expected(headers)
  }))

/** 132 bits that nobody can guess; whoever repeats a request with its key finds the same. */
export const token = (purpose: string): Effect.Effect<string> =>
  Effect.map(CurrentIntent, ({ name }) => name(purpose).slice(0, 22))

/** A field that is there, nothing where it is undefined: for optional keys. */
export const given = <K extends string, V>(key: K, value: V | undefined): { readonly [P in K]?: V } =>
  (value === undefined ? {} : { [key]: value }) as { readonly [P in K]?: V }
