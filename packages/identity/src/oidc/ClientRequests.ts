import { Context, Effect, Layer, Result } from "effect"
import { AsyncLocalStorage } from "node:async_hooks"
import type { ServerResponse } from "node:http"
import { errors } from "oidc-provider"
import { Throttle, type Throttled } from "../signin/Throttle.ts"

/** As the authorization server says all else: an error of OAuth. */
export const tooOften = {
  error: "temporarily_unavailable",
  error_description: "too many requests; wait as long as Retry-After says"
}

interface Asking {
  readonly address: string
  readonly response: ServerResponse
  counted: boolean
}

/**
 * Requests that applications send themselves: for tokens, for what a token is, to end one, for a device's code.
 *
 * **Details**
 *
 * They are counted per network address before anything is read, and per client and address as soon as the authorization server
 * has found out which client asks, before its secret or its code is looked at. It finds that out deep inside, in whichever of
 * four ways the client proves itself, and asks for the client's registration then: what is counted is known there by the
 * request that goes on.
 */
export class ClientRequests extends Context.Service<
  ClientRequests,
  {
    /** Lets `handle` answer, unless the address asks too often. */
    readonly counted: <A>(
      limit: "tokenAddress" | "deviceStart",
      request: { readonly address: string; readonly response: ServerResponse },
      handle: () => Promise<A>
    ) => Effect.Effect<A, Throttled>
    /** Called with the client of the request under way, if it is one of an application. */
    readonly found: (clientId: string) => Promise<void>
  }
>()("@halles/identity/ClientRequests") {
  static readonly layer = Layer.effect(
    ClientRequests,
    Effect.gen(function* () {
      const throttle = yield* Throttle
      const run = Effect.runPromiseWith(yield* Effect.context<never>())
      const current = new AsyncLocalStorage<Asking>()
      return {
        counted: (limit, request, handle) =>
          Effect.andThen(
            throttle.take(limit, request.address),
            Effect.promise(() => current.run({ ...request, counted: false }, handle))
          ),
        found: async (clientId) => {
          const asking = current.getStore()
          if (asking === undefined || asking.counted) return
          asking.counted = true
          const taken = await run(Effect.result(throttle.take("tokenClient", `${clientId} ${asking.address}`)))
          if (Result.isSuccess(taken)) return
          asking.response.setHeader("retry-after", String(taken.failure.retryAfterSeconds))
          const error = new errors.OIDCProviderError(429, tooOften.error)
          error.error_description = tooOften.error_description
          throw error
        }
      }
    })
  )
}
