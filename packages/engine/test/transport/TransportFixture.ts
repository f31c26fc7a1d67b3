import { NatsTest } from "@halles/shared/testing/NatsTest"
import { Nats } from "@halles/shared/clients/Nats"
import * as NatsTransport from "@halles/engine/transport/NatsTransport"
import { Context, Deferred, Effect, Exit, Layer, Schema, Scope, Stream } from "effect"
import { Runners } from "effect/cluster"
import { Rpc, RpcClient, RpcGroup, RpcServer } from "effect/rpc"

export class Refused extends Schema.TaggedError<Refused>()("Refused", { reason: Schema.String }) {}

export class Calls extends RpcGroup.make(
  Rpc.make("Echo", { payload: { text: Schema.String }, success: Schema.String }),
  Rpc.make("Refuse", { success: Schema.Void, error: Refused }),
  Rpc.make("Die", { success: Schema.Void }),
  /** Answers `key` and counts how often it was run with it. */
  Rpc.make("Once", { payload: { key: Schema.String }, success: Schema.String }),
  Rpc.make("Never", { success: Schema.Void }),
  /** Answers when the test opens the gate. */
  Rpc.make("Gate", { success: Schema.String }),
  Rpc.make("Blob", { payload: { size: Schema.Int }, success: Schema.String }),
  Rpc.make("Numbers", { payload: { count: Schema.Int }, success: Schema.Int, stream: true })
) {}

/** What the handlers of one server saw. */
export const makeSeen = Effect.gen(function* () {
  return {
    runs: new Map<string, number>(),
    emitted: { count: 0 },
    neverStarted: yield* Deferred.make<void>(),
    neverInterrupted: yield* Deferred.make<void>(),
    gateReached: yield* Deferred.make<void>(),
    gate: yield* Deferred.make<void>()
  }
})
export type Seen = Effect.Success<typeof makeSeen>

export const layerHandlers = (seen: Seen) =>
  Calls.toLayer({
    Echo: ({ text }) => Effect.succeed(text),
    Refuse: () => Effect.fail(new Refused({ reason: "no" })),
    Die: () => Effect.die(new Error("boom")),
    Once: ({ key }) =>
      Effect.sync(() => {
        seen.runs.set(key, (seen.runs.get(key) ?? 0) + 1)
        return key
      }),
    Never: () =>
      Deferred.succeed(seen.neverStarted, undefined).pipe(
        Effect.andThen(Effect.never),
        Effect.onInterrupt(() => Deferred.succeed(seen.neverInterrupted, undefined))
      ),
    Gate: () =>
      Deferred.succeed(seen.gateReached, undefined).pipe(
        Effect.andThen(Deferred.await(seen.gate)),
        Effect.as("opened")
      ),
    Blob: ({ size }) => Effect.sync(() => "x".repeat(size)),
    Numbers: ({ count }) =>
      Stream.range(1, count).pipe(
        Stream.rechunk(1),
        Stream.tap(() =>
          Effect.sync(() => {
            seen.emitted.count += 1
          })
        )
      )
  })

type Limits = Partial<NatsTransport.Limits>

export const layerServer = (runnerId: string, seen: Seen, limits?: Limits) =>
  RpcServer.layer(Calls, { disableFatalDefects: true }).pipe(
    Layer.provide(layerHandlers(seen)),
    Layer.provide(NatsTransport.layerServer({ runnerId, ...(limits === undefined ? {} : { limits }) }))
  )

/** A server with a NATS connection of its own; `stop` closes it before the test ends. */
export const serve = Effect.fnUntraced(function* (runnerId: string, limits?: Limits) {
  const seen = yield* makeSeen
  const scope = yield* Scope.fork(yield* Effect.scope)
  yield* Layer.buildWithScope(
    layerServer(runnerId, seen, limits).pipe(Layer.provide(NatsTest.layerConnection(runnerId))),
    scope
  )
  return { ...seen, stop: Scope.close(scope, Exit.void) }
})

export const layerCaller = (limits?: Limits) =>
  NatsTransport.layerClientProtocol({ region: "eu", ...(limits === undefined ? {} : { limits }) }).pipe(
    Layer.provideMerge(Layer.fresh(NatsTest.layerConnection("caller")))
  )

/** A caller process with a NATS connection of its own. */
export const call = Effect.fnUntraced(function* (limits?: Limits) {
  const context = yield* Layer.build(layerCaller(limits))
  const protocols = Context.get(context, Runners.RpcClientProtocol)
  return {
    context,
    nats: Context.get(context, Nats),
    protocols,
    to: Effect.fnUntraced(function* (runnerId: string) {
      const protocol = yield* protocols.make(NatsTransport.runnerAddress(runnerId))
      return yield* RpcClient.make(Calls).pipe(Effect.provideService(RpcClient.Protocol, protocol))
    })
  }
})
