import { ActivationLost } from "../activation/ActivationLost.ts"
import { Effect } from "effect"
import type { WriterLease } from "../journal/GroupCommit.ts"
import type { Journal } from "../journal/Journal.ts"
import type { ShardEpochs } from "../placement/ShardEpochs.ts"

/** Ends the activation, through no fault of its entity. */
export const lost = ({ entityId, entityType }: WriterLease, reason: string): Effect.Effect<never> =>
  Effect.die(new ActivationLost({ entity: `${entityType}/${entityId}`, reason }))

/**
 * An answer that writes no row does not meet the fence, and an owner of before knows nothing of what was written since. An
 * activation that is not sure any more that its runner is the owner asks the database, and so does one that takes its entity for
 * new.
 */
export const asOwner = <A, E>(
  { epochs, journal }: { readonly epochs: ShardEpochs["Service"]; readonly journal: Journal["Service"] },
  lease: WriterLease,
  answer: Effect.Effect<A, E>
): Effect.Effect<A, E> => {
  if (lease.dead) return lost(lease, "Dead")
  if (lease.isNew !== true && epochs.isSure(lease.shard, lease.epoch)) return answer
  return Effect.flatMap(journal.owns(lease), (owns) => {
    if (owns) return answer
    lease.dead = true
    return lost(lease, "Stale")
  })
}
