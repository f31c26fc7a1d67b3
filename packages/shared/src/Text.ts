import { Schema } from "effect"

/**
 * Text that a `jsonb` column takes: no NUL and no half of a surrogate pair. JSON and TypeScript allow both, Postgres
 * refuses them (22P05), and an event that cannot be stored would kill its entity.
 */
export const storable = Schema.isPattern(/^[^\0\ud800-\udfff]*$/u)
