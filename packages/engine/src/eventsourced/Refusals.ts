import { Effect, Schema } from "effect"
import type { Rpc } from "effect/rpc"
import { isUndeclared } from "../activation/Undeclared.ts"
import { AlreadyExists, NotFound } from "./EntityErrors.ts"

/** Pure code knows no id: refusals that carry one get it here. */
const named = <E>(id: string, refusal: E): E | NotFound | AlreadyExists => {
  if (refusal instanceof NotFound)
    return new NotFound({ entity: refusal.entity, id: refusal.id === "" ? id : refusal.id })
  if (refusal instanceof AlreadyExists) return new AlreadyExists({ entity: refusal.entity, id })
  return refusal
}

/**
 * The refusals that a message is answered with are those that its contract declares, out of all that the entity's `decide`
 * knows. Any other one here is a fault of ours and dies; what any call may fail with is declared nowhere.
 */
export const declared = (rpc: Rpc.Any) => {
  const isDeclared = Schema.is((rpc as unknown as Rpc.AnyWithProps).errorSchema as Schema.Codec<unknown, unknown>)
  return <A, E extends { readonly _tag: string }, R>(id: string, effect: Effect.Effect<A, E, R>) =>
    Effect.catch(effect, (refusal) =>
      isUndeclared(refusal._tag) || isDeclared(refusal) ? Effect.fail(named(id, refusal)) : Effect.die(refusal)
    )
}
