import { assert, it } from "@effect/vitest"
import * as CallServer from "@halles/engine/transport/CallServer"
import type { AnswerFrame, CallFrame } from "@halles/engine/transport/CallFrames"
import { ActivationDirectory } from "@halles/engine/activation/ActivationDirectory"
import { Deferred, Effect, Exit, Layer } from "effect"
import { Sharding } from "effect/cluster"
import type { Message } from "effect/cluster"
import { RpcServer } from "effect/rpc"

const call: CallFrame = [7, "eu", 1, "Cart", "eu_1", "View", null, null]

/** The answer to one call, when the manager of entities takes it so. */
const answered = (send: (message: Message.IncomingRequest<never>) => Effect.Effect<void>) =>
  Effect.gen(function* () {
    const answer = yield* Deferred.make<AnswerFrame>()
    const incoming = Layer.succeed(CallServer.IncomingCalls, {
      serve: (take) =>
        take(call, (frame) => {
          Deferred.doneUnsafe(answer, Effect.succeed(frame))
          return undefined
        })
    })
    const manager = { getSnowflake: Effect.succeed(1n), hasShardId: () => true, send }
    yield* Layer.build(
      CallServer.layerCalls.pipe(
        Layer.provide([
          incoming,
          Layer.succeed(ActivationDirectory, { find: () => undefined, rpc: () => undefined } as never),
          Layer.succeed(Sharding.Sharding, manager as never),
          Layer.succeed(RpcServer.Protocol, { codecFor: () => undefined } as never)
        ])
      )
    )
    return yield* Deferred.await(answer)
  }).pipe(Effect.scoped)

const elsewhere: AnswerFrame = [7, "refused", "EntityNotAssignedToRunner"]

it.effect("a call whose entity is cut off while it is rebuilt is to be asked again, not answered with a fault", () =>
  Effect.gen(function* () {
    assert.deepStrictEqual(yield* answered(() => Effect.interrupt), elsewhere)
  })
)

it.effect("a call whose handler is cut off by a shard that goes elsewhere is to be asked there", () =>
  Effect.gen(function* () {
    const cutOff = { _tag: "WithExit", exit: Exit.interrupt() }
    const frame = yield* answered(({ respond }) => respond({ reply: cutOff, rpc: undefined } as never) as never)
    assert.deepStrictEqual(frame, elsewhere)
  })
)
