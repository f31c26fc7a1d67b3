import { isMaxCharacters } from "../Text.ts"
import { Effect, Option, Schedule, Schema } from "effect"
import { InvalidRequest } from "./EdgeErrors.ts"

/** How long a read waits for its list to come up to what the client has written; lists follow by a few milliseconds. */
export const waitMsMax = 500
const lookEvery = Schedule.spaced("20 millis")
/** Entities of one token; what exceeds it is left out, oldest first. */
export const seenMax = 200

/** The entity, by type and id, at this seq or a later one. */
const Seen = Schema.Tuple([Schema.String, Schema.String, Schema.Int])
export type Seen = typeof Seen.Type

const Seens = Schema.fromJsonString(Schema.Array(Seen).check(Schema.isMaxLength(seenMax)))
const decode = Schema.decodeUnknownOption(Seens)

/** What was written, for `Consistency-Token`: a read that carries it shows that, or later. */
export const tokenOf = (seen: ReadonlyArray<Seen>): string =>
  Buffer.from(JSON.stringify(seen.slice(-seenMax))).toString("base64url")

/** Header of reads that follow the journal by a moment. Those that ask the entity itself are never older than any write. */
export const header = { "consistency-token": Schema.optionalKey(Schema.String.check(isMaxCharacters(12_000))) }

const malformed = new InvalidRequest({
  errors: [{ header: "consistency-token", detail: "Expected the Consistency-Token of an answer" }]
})

/** The newest seq of each entity of the type that the token speaks of. */
export const seenOf = (
  token: string | undefined,
  type: string
): Effect.Effect<ReadonlyMap<string, number>, InvalidRequest> => {
  if (token === undefined) return Effect.succeed(new Map())
  const seen = Option.getOrUndefined(decode(Buffer.from(token, "base64url").toString("utf8")))
  if (seen === undefined) return Effect.fail(malformed)
  const newest = new Map<string, number>()
  for (const [of, id, seq] of seen) if (of === type) newest.set(id, Math.max(seq, newest.get(id) ?? 0))
  return Effect.succeed(newest)
}

/**
 * Waits until the read table has what the client has seen, and answers with the entities that it still has not: those
 * are to be asked themselves.
 */
export const behind = <E, R>(
  seen: ReadonlyMap<string, number>,
  seqs: (ids: ReadonlyArray<string>) => Effect.Effect<ReadonlyMap<string, number>, E, R>
): Effect.Effect<ReadonlyArray<string>, E, R> => {
  if (seen.size === 0) return Effect.succeed([])
  let missing: ReadonlyArray<string> = [...seen.keys()]
  return Effect.map(seqs([...seen.keys()]), (now) => {
    missing = [...seen].filter(([id, seq]) => (now.get(id) ?? 0) < seq).map(([id]) => id)
    return missing
  }).pipe(
    Effect.repeat({ schedule: lookEvery, while: (ids) => ids.length > 0 }),
    Effect.timeoutOrElse({ duration: waitMsMax, orElse: () => Effect.sync(() => missing) })
  )
}
