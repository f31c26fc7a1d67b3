import type { Revocations } from "@halles/shared/security/Revocations"
import { Effect } from "effect"

/** How many edges' news are under way at a time, and how long one may take: who waits for it is a request. */
const concurrency = 8
const tellMax = "2 seconds"

/**
 * Ends the access tokens of sessions or grants at every edge, within a moment. If the edges cannot be told, the tokens end by
 * themselves within minutes.
 */
export const endAccessTokens = ({ revoke }: Revocations["Service"], ids: Iterable<string>): Effect.Effect<void> =>
  Effect.forEach(
    ids,
    (id) =>
      revoke(id).pipe(
        Effect.timeout(tellMax),
        Effect.catch((error) => Effect.logWarning("The edges could not be told which tokens have ended", error))
      ),
    { concurrency, discard: true }
  )
