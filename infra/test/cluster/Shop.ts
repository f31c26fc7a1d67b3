import { assert } from "@effect/vitest"
import { Effect, Schedule, Schema } from "effect"
import { randomUUID } from "node:crypto"

const Money = Schema.Struct({ amount: Schema.String })
/** What the tests read of an order; the edge's own schema says more. */
const OrderJson = Schema.Struct({
  id: Schema.String,
  status: Schema.String,
  totals: Schema.Struct({ total: Money }),
  payment: Schema.Struct({ authorised: Money, captured: Money, refunded: Money }),
  cancelled: Schema.NullOr(Schema.Struct({ code: Schema.String })),
  returns: Schema.Array(Schema.Struct({ returnId: Schema.String, status: Schema.String })),
  steps: Schema.Array(Schema.Struct({ seq: Schema.Int, step: Schema.String }))
})
export type OrderJson = typeof OrderJson.Type
const OpenedJson = Schema.Struct({ id: Schema.String })
const CheckoutJson = Schema.Struct({ orderId: Schema.String })
const SkuJson = Schema.Struct({ totals: Schema.Record(Schema.String, Schema.Int) })
const ImportedJson = Schema.Struct({ accepted: Schema.Int, rejected: Schema.Int })
/** What the tests read of a refusal. */
export const ProblemJson = Schema.Struct({ code: Schema.String })

export interface Answer<Body = unknown> {
  readonly status: number
  readonly body: Body
}

class Unreachable extends Schema.TaggedError<Unreachable>()("Unreachable", { detail: Schema.String }) {}
/** The edge answered, but not what the test is about. */
class Unexpected extends Schema.TaggedError<Unexpected>()("Unexpected", { detail: Schema.String }) {}

/** Reads the body of an answer as `schema` has it. */
export const as =
  <Body>(schema: Schema.Decoder<Body>) =>
  ({ body, status }: Answer): Effect.Effect<Answer<Body>, Unexpected> =>
    Schema.decodeUnknownEffect(schema)(body).pipe(
      Effect.map((read) => ({ status, body: read })),
      Effect.mapError(({ message }) => new Unexpected({ detail: `${status} ${JSON.stringify(body)}: ${message}` }))
    )

export const address = { name: "Ada", line1: "1 Mill Lane", city: "York", postalCode: "YO1 7HH", country: "GB" }

/** Who buys, as checkout asks for it. */
export const buyer = (paymentToken: string, postalCode = address.postalCode) => ({
  email: "ada@example.org",
  shippingAddress: { ...address, postalCode },
  paymentToken
})

/** Nothing of the buyer may stand in a log or a span. */
export const assertImpersonal = (text: string): void => {
  for (const personal of ["ada@example.org", "1 Mill Lane", "YO1 7HH", "tok_ok", "tok_declined"]) {
    assert.notInclude(text, personal)
  }
}

interface CheckoutOptions {
  readonly token?: string
  readonly key?: string
  readonly postalCode?: string
  readonly wait?: number
}

/** A customer at the public edge: repeats what got no answer, a 429, a 503 or word that the first try still runs, under the same key, for a minute. */
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
        // What was given up here may still run there.
        const isEarly = response.status === 409 && text.includes("request_in_progress")
        if (response.status === 429 || response.status === 503 || isEarly) throw new Error(`${response.status} ${text}`)
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
    const opened = yield* Effect.flatMap(call("POST", "/v1/carts", { region, currency }), as(OpenedJson))
    for (const [sku, quantity] of Object.entries(lines)) {
      yield* call("PUT", `/v1/carts/${opened.body.id}/lines/${sku}`, { quantity })
    }
    return opened.body.id
  })
  const tryCheckout = (cartId: string, options: CheckoutOptions = {}) =>
    call("POST", `/v1/carts/${cartId}/checkout`, buyer(options.token ?? "tok_ok", options.postalCode), {
      "Idempotency-Key": options.key ?? `checkout-${cartId}`,
      Prefer: `wait=${options.wait ?? 15}`
    })
  const order = (id: string) =>
    call("GET", `/v1/orders/${id}`).pipe(
      Effect.flatMap(as(OrderJson)),
      Effect.map(({ body }) => body)
    )
  const until = (id: string, holds: (order: OrderJson) => boolean) =>
    order(id).pipe(
      Effect.filterOrFail(holds, (now) => new Unexpected({ detail: `order ${id} is ${now.status}` })),
      Effect.retry({ schedule: Schedule.spaced("200 millis"), times: 450 }),
      Effect.orDie
    )
  return {
    call,
    cart,
    /** Whatever the edge answers; `checkout` wants an order. */
    tryCheckout,
    checkout: (cartId: string, options?: CheckoutOptions) =>
      Effect.flatMap(tryCheckout(cartId, options), as(CheckoutJson)),
    order,
    until,
    stock: (sku: string, region = "eu") =>
      call("GET", `/v1/skus/${region}/${sku}`).pipe(
        Effect.flatMap(as(SkuJson)),
        Effect.map(({ body }) => body.totals)
      ),
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
        return { status: response.status, body: JSON.parse(lines.at(-1)!) as unknown }
      }).pipe(
        Effect.flatMap(as(ImportedJson)),
        Effect.map(({ body }) => body)
      )
  }
}
export type Shop = ReturnType<typeof make>
