import { Result } from "effect"
import type { Rpc } from "effect/rpc"
import { NotFound } from "./EntityErrors.ts"
import type { Handled, Tagged } from "./Kind.ts"

/** A query is answered from the committed state, with no events. */
export type Reply<Message, Id, State, Event, A, E> = (
  id: Id,
  now: Handled<State, Event>,
  message: Message
) => Result.Result<A, E>

/**
 * What an entity replies to messages of its contract: it follows from the state, and for a command from what is in the journal
 * under its id. A refusal that the contract does not declare for the message is a fault. Handlers follow from the table, and so do
 * the replies that tests and proofs expect.
 */
export type Replies<Rpcs extends Rpc.Any, Tag extends Rpcs["_tag"], Id, State, Event> = {
  readonly [T in Tag]: Reply<
    Rpc.Payload<Rpc.ExtractTag<Rpcs, T>>,
    Id,
    State,
    Event,
    Rpc.Success<Rpc.ExtractTag<Rpcs, T>>,
    Tagged
  >
}

type AnyReply = Reply<unknown, unknown, unknown, unknown, unknown, Tagged>
/** The reply to a message of that name, without its types; `undefined` where a table has none. */
export const replyOf = (replies: object, tag: string): AnyReply | undefined =>
  (replies as Readonly<Record<string, AnyReply | undefined>>)[tag]

/** There is nothing to say but that it is done. */
export const done = (): Result.Result<void> => Result.succeed(undefined)

/** Shows the entity; `NotFound` where the view is `null`. */
export const viewReply =
  <Id, State, V>(entityType: string, view: (id: Id, state: State, seq: number) => V | null) =>
  (id: Id, { seq, state }: { readonly state: State; readonly seq: number }): Result.Result<V, NotFound> => {
    const found = view(id, state, seq)
    return found === null ? Result.fail(new NotFound({ entity: entityType, id: String(id) })) : Result.succeed(found)
  }
