import * as EntityClient from "@halles/engine/activation/EntityClient"
import { Cart } from "@halles/entities/cart/Cart"
import { Order } from "@halles/entities/order/Order"
import { Payment } from "@halles/entities/payment/Payment"
import { Sku } from "@halles/entities/inventory/Sku"
import { domains } from "@halles/entities/Domains"
import { foundAgain } from "@halles/harness/DirectShop"
import { Context, Effect, Layer } from "effect"
import type { Rpc } from "effect/rpc"
import { type Answer, codeOf, type Command, detailOf, type EntityType, plain } from "./Call.ts"

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
  Record<string, (payload?: Command) => Effect.Effect<unknown, { readonly _tag: string }> | undefined>
>

/** Calls entities past the edge, as a client of the cluster. */
export class Direct extends Context.Service<
  Direct,
  { readonly call: (type: EntityType, id: string, command: Command | null, withinMs?: number) => Effect.Effect<Answer> }
>()("@halles/chaos/Direct") {
  static readonly layer = Layer.effect(
    Direct,
    Effect.gen(function* () {
      const clients: Record<EntityType, (id: string) => unknown> = {
        Cart: yield* EntityClient.make(Cart),
        Sku: yield* EntityClient.make(Sku),
        Order: yield* EntityClient.make(Order),
        Payment: yield* EntityClient.make(Payment)
      }
      return Direct.of({
        call: (type, id, command, withinMs = deadlineMs) =>
          Effect.suspend(() => {
            const methods = clients[type](id) as Methods
            const sent = command === null ? methods["View"]?.() : methods[command._tag]?.(command)
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
