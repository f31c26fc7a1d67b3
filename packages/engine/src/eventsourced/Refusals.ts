import { isUndeclared } from "../activation/Undeclared.ts"
import { Effect } from "effect"
import { AlreadyExists, NotFound } from "./EntityErrors.ts"

/**
 * The refusals that one message of a contract may be answered with, out of all that the entity's `decide` knows. Any
 * other one here is a fault of ours and dies. Pure code knows no id: those that carry one get it here.
 */
export const only =
  <const Tag extends string>(id: string, ...tags: ReadonlyArray<Tag>) =>
  <A, E extends { readonly _tag: string }, R>(
    effect: Effect.Effect<A, E, R>
  ): Effect.Effect<A, Extract<E, { readonly _tag: Tag }>, R> =>
    Effect.catch(effect, (refusal) =>
      // What any call may fail with is named nowhere.
      isUndeclared(refusal._tag) || tags.some((tag) => tag === refusal._tag)
        ? Effect.fail(named(id, refusal) as Extract<E, { readonly _tag: Tag }>)
        : Effect.die(refusal)
    )

const named = <E>(id: string, refusal: E): E | NotFound | AlreadyExists => {
  if (refusal instanceof NotFound) return new NotFound({ entity: refusal.entity, id })
  if (refusal instanceof AlreadyExists) return new AlreadyExists({ entity: refusal.entity, id })
  return refusal
}
