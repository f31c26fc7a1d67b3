import { OperatorApi } from "@halles/http/operator/OperatorApi"
import { Context, Effect, Layer, ManagedRuntime } from "effect"
import { FetchHttpClient, HttpClient, HttpClientRequest } from "effect/http"
import { HttpApiClient } from "effect/http-api"

/** A read that takes longer than this has failed; what is shown meanwhile stays. */
const deadline = "20 seconds"

const make = HttpApiClient.make(OperatorApi, {
  baseUrl: location.origin,
  // A form of another page cannot send it.
  transformClient: HttpClient.mapRequest(HttpClientRequest.setHeader("Halles-Operator", "1"))
})

type Client = Effect.Success<typeof make>

class Ops extends Context.Service<Ops, Client>()("@halles/dashboard/Ops") {
  static readonly layer = Layer.effect(Ops, make).pipe(Layer.provide(FetchHttpClient.layer))
}

const runtime = ManagedRuntime.make(Ops.layer)

/** One request to the operator API; it rejects with the error that the contract declares. */
export const ask = <A, E>(request: (ops: Client) => Effect.Effect<A, E>): Promise<A> =>
  runtime.runPromise(Effect.timeout(Effect.flatMap(Ops, request), deadline))

/** Ends the session here; whoever signs in next may be somebody else. */
export const signOut = async (): Promise<void> => {
  await fetch("/sign-out", { method: "POST", headers: { "Halles-Operator": "1" } })
  location.reload()
}
