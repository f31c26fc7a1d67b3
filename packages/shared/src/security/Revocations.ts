import { jetstream, jetstreamManager } from "@nats-io/jetstream"
import { Clock, Context, Effect, Layer, Schedule, Schema } from "effect"
import { Nats } from "../clients/Nats.ts"

/** Longer than any access token lives: what was revoked before that cannot be used any more. */
export const keptMs = 20 * 60_000
/** Of one token, session or grant; older ones fall off, whose tokens then live to their end, ten minutes at the most. */
export const revokedMax = 100_000

const stream = "REVOKED"
const prefix = "halles.revoked."

/** `sid`, `grant_id`, `client_id` or `jti`, as it can stand in a subject. */
const isId = Schema.is(Schema.String.check(Schema.isPattern(/^[A-Za-z0-9_-]{1,128}$/u)))

/** The stream did not take the news. Who asked for the revocation must be told that it has not happened everywhere yet. */
export class RevocationFailed extends Schema.TaggedError<RevocationFailed>()("RevocationFailed", {
  cause: Schema.Defect()
}) {}

const ensure = async (nats: Nats["Service"]) => {
  const manager = await jetstreamManager(nats)
  if ((await manager.streams.names().next()).includes(stream)) return
  await manager.streams.add({
    name: stream,
    subjects: [`${prefix}*`],
    max_age: keptMs * 1e6,
    max_msgs: revokedMax,
    max_msgs_per_subject: 1
  })
}

/**
 * Sessions, grants and tokens that were revoked while they would still be good. Each process reads the list from its beginning and
 * follows it; without NATS it stays as it was, and a token lives to its end.
 */
export class Revocations extends Context.Service<
  Revocations,
  {
    readonly isRevoked: (id: string) => boolean
    /** Tokens of this session or grant, or this one token, are refused by every edge; within a moment, and until they expire. */
    readonly revoke: (id: string) => Effect.Effect<void, RevocationFailed>
  }
>()("@halles/shared/Revocations") {
  static readonly layer: Layer.Layer<Revocations, never, Nats> = Layer.effect(
    Revocations,
    Effect.suspend(() => make)
  )

  /** Of this process alone. */
  static readonly layerMemory: Layer.Layer<Revocations> = Layer.sync(Revocations, () => {
    const revoked = new Set<string>()
    return { isRevoked: (id) => revoked.has(id), revoke: (id) => Effect.sync(() => void revoked.add(id)) }
  })
}

const make = Effect.gen(function* () {
  const nats = yield* Nats
  const clock = yield* Clock.Clock
  /** When each was heard of, the oldest first. */
  const revoked = new Map<string, number>()

  const note = (id: string) => {
    const now = clock.currentTimeMillisUnsafe()
    revoked.delete(id)
    revoked.set(id, now)
    for (const [old, since] of revoked) {
      if (revoked.size <= revokedMax && now - since < keptMs) break
      revoked.delete(old)
    }
  }
  const follow = Effect.acquireUseRelease(
    Effect.tryPromise(async () => {
      await ensure(nats)
      return await (await jetstream(nats).consumers.get(stream)).consume()
    }),
    (messages) =>
      Effect.tryPromise(async () => {
        for await (const message of messages) note(message.subject.slice(prefix.length))
      }),
    // Not waited for: one that has not begun to be read never says that it has ended.
    (messages) => Effect.sync(() => void messages.close())
  )
  yield* follow.pipe(
    Effect.tapError((error) =>
      Effect.logWarning("The list of revoked sessions cannot be followed, trying again", error)
    ),
    Effect.ignore,
    Effect.repeat(Schedule.spaced("1 second")),
    Effect.forkScoped
  )
  return Revocations.of({
    isRevoked: (id) => revoked.has(id),
    revoke: Effect.fn("Revocations.revoke")((id) =>
      Effect.tryPromise({
        try: async () => {
          if (!isId(id)) throw new Error("the id of a session, a grant, a client or a token has [A-Za-z0-9_-] only")
          await ensure(nats)
          await jetstream(nats).publish(`${prefix}${id}`, "")
        },
        catch: (cause) => new RevocationFailed({ cause })
      })
    )
  })
})
