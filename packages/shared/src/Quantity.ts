import { Schema } from "effect"

/** Whole units of one line or one stock movement: 1 to 1,000,000. */
export const Quantity = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 1_000_000 }))

/** Whole units counted in a place: 0 to 10^9. */
export const Count = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 1_000_000_000 }))
