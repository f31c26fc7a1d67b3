import { Effect, Schedule, Schema } from "effect"
import { randomUUID } from "node:crypto"

/** What the tests read of an order; the edge's own schema says more. */
export interface OrderJson {
  readonly id: string
  readonly status: string
  readonly totals: { readonly total: { readonly amount: string } }
  readonly payment: Record<"authorised" | "captured" | "refunded", { readonly amount: string }>
  readonly cancelled: { readonly code: string } | null
  readonly returns: ReadonlyArray<{ readonly returnId: string; readonly status: string }>
  readonly steps: ReadonlyArray<{ readonly seq: number; readonly step: string }>
}

export interface Answer {
  readonly status: number
  // oxlint-disable-next-line typescript/no-explicit-any -- tests look into whatever the edge answered
  readonly body: any
}

class Unreachable extends Schema.TaggedError<Unreachable>()("Unreachable", { detail: Schema.String }) {}

export const address = { name: "Ada", line1: "1 Mill Lane", city: "York", postalCode: "YO1 7HH", country: "GB" }

/** A customer at the public edge: repeats what got no answer, or a 429 or 503, under the same key, for a minute. */
export const make = (edgeUrl: string, importToken: string) => {
  const call = (method: string, path: string, body?: unknown, headers: Record<string, string> = {}) => {
    const sent = { "Idempotency-Key": randomUUID(), ...headers }
    return Effect.tryPromise({
      try: async (signal): Promise<Answer> => {
        const response = await fetch(`${edgeUrl}${path}`, {
          method,
          headers: { ...(body === undefined ? {} : { "Content-Type": "application/json" }), ...sent },
          ...(body === undefined ? {} : { body: JSON.stringify(body) }),
          signal
        })
        const text = await response.text()
        if (response.status === 429 || response.status === 503) throw new Error(`${response.status} ${text}`)
        return { status: response.status, body: text === "" ? null : JSON.parse(text) }
      },
      catch: (cause) => new Unreachable({ detail: `${method} ${path}: ${String(cause)}` })
    }).pipe(
      Effect.timeoutOrElse({
        duration: "20 seconds",
        orElse: () => Effect.fail(new Unreachable({ detail: `${method} ${path}: no answer` }))
      }),
      Effect.retry({ schedule: Schedule.spaced("250 millis"), times: 240 }),
      Effect.orDie
    )
  }
  const cart = Effect.fnUntraced(function* (lines: Record<string, number>, region = "eu", currency = "GBP") {
    const opened = yield* call("POST", "/v1/carts", { region, currency })
    for (const [sku, quantity] of Object.entries(lines)) {
      yield* call("PUT", `/v1/carts/${opened.body.id}/lines/${sku}`, { quantity })
    }
    return opened.body.id as string
  })
  const checkout = (
    cartId: string,
    options: {
      readonly token?: string
      readonly key?: string
      readonly postalCode?: string
      readonly wait?: number
    } = {}
  ) =>
    call(
      "POST",
      `/v1/carts/${cartId}/checkout`,
      {
        email: "ada@example.org",
        shippingAddress: { ...address, postalCode: options.postalCode ?? address.postalCode },
        paymentToken: options.token ?? "tok_ok"
      },
      { "Idempotency-Key": options.key ?? `checkout-${cartId}`, Prefer: `wait=${options.wait ?? 15}` }
    )
  const order = (id: string) => Effect.map(call("GET", `/v1/orders/${id}`), ({ body }): OrderJson => body)
  const until = (id: string, holds: (order: OrderJson) => boolean) =>
    order(id).pipe(
      Effect.filterOrFail(holds, (now) => new Unreachable({ detail: `order ${id} is ${now.status}` })),
      Effect.retry({ schedule: Schedule.spaced("200 millis"), times: 450 }),
      Effect.orDie
    )
  return {
    call,
    cart,
    checkout,
    order,
    until,
    stock: (sku: string, region = "eu") =>
      Effect.map(call("GET", `/v1/skus/${region}/${sku}`), ({ body }) => body.totals),
    /** Lists a product and receives its stock. */
    sell: (sku: string, amount: number, stock: number) =>
      Effect.promise(async () => {
        const row = {
          region: "eu",
          sku,
          title: sku,
          price: { amount: String(amount), currency: "GBP" },
          taxRate: 2000,
          warehouse: "eu-main",
          stock
        }
        const response = await fetch(`${edgeUrl}/v1/catalog/import`, {
          method: "POST",
          headers: {
            "Content-Type": "application/x-ndjson",
            "Import-Id": `test-${sku}`,
            Authorization: `Bearer ${importToken}`
          },
          body: `${JSON.stringify(row)}\n`
        })
        const lines = (await response.text()).trim().split("\n")
        return JSON.parse(lines.at(-1)!) as { readonly accepted: number; readonly rejected: number }
      })
  }
}
export type Shop = ReturnType<typeof make>
