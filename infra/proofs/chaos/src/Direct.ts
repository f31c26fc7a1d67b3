import * as EntityClient from "@halles/engine/activation/EntityClient"
import type { Commanded } from "@halles/engine/eventsourced/Kind"
import { domains } from "@halles/entities/Domains"
import { foundAgain } from "@halles/harness/DirectShop"
import { Context, Effect, Layer } from "effect"
import type { Rpc } from "effect/rpc"
import { type Answer, codeOf, detailOf, plain } from "./Call.ts"

/** As at the edge: of one call, with its retries. */
export const deadlineMs = 3_000
/** What the contracts let entities refuse with, but for `Busy`. Everything else comes from the cluster, and leaves open whether the command ran. */
const refusals: ReadonlySet<string> = new Set(
  domains
    .flatMap(({ contract }) => [...contract.protocol.requests.values()] as unknown as ReadonlyArray<Rpc.AnyWithProps>)
    .flatMap(({ errorSchema }) =>
      "members" in errorSchema ? (errorSchema.members as ReadonlyArray<object>) : [errorSchema]
    )
    .flatMap((error) => ("identifier" in error && error.identifier !== "Busy" ? [String(error.identifier)] : []))
)

/** Whether an error code of the edge is a word of the entity. */
export const refusalCodes: ReadonlySet<string> = new Set([...refusals].map(codeOf))

/** Entities by name: each message is a method. */
type Methods = Readonly<
  Record<string, (payload?: Commanded) => Effect.Effect<unknown, { readonly _tag: string }> | undefined>
>

/** Calls entities past the edge, as a client of the cluster. */
export class Direct extends Context.Service<
  Direct,
  { readonly call: (type: string, id: string, command: Commanded | null, withinMs?: number) => Effect.Effect<Answer> }
>()("@halles/chaos/Direct") {
  static readonly layer = Layer.effect(
    Direct,
    Effect.gen(function* () {
      const clients = new Map<string, (id: string) => Methods>()
      for (const { contract, type } of domains) {
        clients.set(type, (yield* EntityClient.make(contract)) as unknown as (id: string) => Methods)
      }
      return Direct.of({
        call: (type, id, command, withinMs = deadlineMs) =>
          Effect.suspend(() => {
            const methods = clients.get(type)?.(id)
            const sent = command === null ? methods?.["View"]?.() : methods?.[command._tag]?.(command)
            return sent ?? Effect.die(`${type} knows no ${command?._tag ?? "View"}`)
          }).pipe(
            foundAgain,
            Effect.map((value): Answer => ({ _tag: "Replied", reply: plain(value) })),
            Effect.catch((error) =>
              Effect.succeed<Answer>(
                refusals.has(error._tag)
                  ? { _tag: "Refused", code: codeOf(error._tag), detail: detailOf(error) }
                  : { _tag: "Unknown", reason: error._tag }
              )
            ),
            Effect.catchCause((cause) => Effect.succeed<Answer>({ _tag: "Unknown", reason: String(cause) })),
            Effect.timeoutOrElse({
              duration: withinMs,
              orElse: () => Effect.succeed<Answer>({ _tag: "Unknown", reason: "deadline" })
            })
          )
      })
    })
  )
}
