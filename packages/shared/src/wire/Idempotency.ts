import { HttpApiMiddleware } from "effect/http-api"
import { IdempotencyKeyReused, RequestInProgress, WeakIdempotencyKey } from "./EdgeErrors.ts"
import * as Refusal from "./Refusal.ts"

/**
 * On every endpoint that takes a key. The truth about a key is the entity's: its command is named after what was asked for
 * (`Intent.ts`: the sender, the key, the route and the body) and has one effect, whatever is lost here. What Redis adds is the
 * answer as it was given first, 422 for a key that comes with another request, and 409 while the first one runs. `PUT` and
 * `DELETE` state a result: their answer is not kept, and nobody waits for the first one, since doing it twice comes to the
 * same; what it costs them is one round trip.
 *
 * A key is its sender's own. Who has no name is known by a path that only its holder knows. Where there is neither, since
 * something new is made for anybody, the key itself has to be the proof, or it says nothing: two strangers never share what
 * they made.
 */
export class Idempotency extends HttpApiMiddleware.Service<Idempotency>()("@halles/shared/wire/Idempotency", {
  error: [Refusal.of(IdempotencyKeyReused), Refusal.of(RequestInProgress), Refusal.of(WeakIdempotencyKey)]
}) {}
