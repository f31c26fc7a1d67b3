import { assert } from "@effect/vitest"
import { Effect, Fiber, Schedule } from "effect"
import { SqlClient } from "effect/sql"
import { join } from "node:path"
import { Cluster } from "../../src/cluster/Cluster.ts"
import { nodeEnvironment } from "../../src/cluster/Processes.ts"
import * as Layout from "../../src/Layout.ts"
import { foreground } from "../../src/programs/RunCommand.ts"
import { type ClusterTests, Shopper } from "./ClusterTest.ts"
import { OtlpReceiver } from "./OtlpReceiver.ts"
import * as Shop from "./Shop.ts"

const settled = ({ status }: Shop.OrderJson) =>
  !["created", "payment", "reserving", "shipping", "cancelling"].includes(status)
const steps = (order: Shop.OrderJson) => order.steps.map(({ step }) => step)
const times = (count: number) => Array.from({ length: count }, (_, index) => index)

/** What a customer may do, and the shop answers for: each test has goods of its own. */
export const sales = (it: ClusterTests): void => {
  it.effect(
    "sells, ships, delivers and captures once",
    () =>
      Effect.gen(function* () {
        const shop = yield* Shopper
        assert.deepInclude(yield* shop.sell("TEA", 500, 10), { accepted: 1, rejected: 0 })
        const cartId = yield* shop.cart({ TEA: 2 })
        const placed = yield* shop.checkout(cartId)
        assert.strictEqual(placed.status, 201, JSON.stringify(placed.body))
        const order = yield* shop.until(placed.body.orderId, ({ status }) => status === "delivered")
        // 2 × 5.00, 20 % tax, 3.95 shipping
        assert.strictEqual(order.totals.total.amount, "1595")
        assert.strictEqual(order.payment.captured.amount, "1595")
        assert.deepInclude(yield* shop.stock("TEA"), { onHand: 8, held: 0, reserved: 0, available: 8, shipped: 2 })
        const again = yield* shop.checkout(cartId)
        assert.strictEqual(again.body.orderId, placed.body.orderId)
        const other = yield* shop.tryCheckout(cartId, { key: "another" })
        assert.strictEqual(other.status, 409)
      }),
    120_000
  )

  it.effect(
    "is one trace, from the edge over every entity to database and partners, without personal data",
    () =>
      Effect.gen(function* () {
        const shop = yield* Shopper
        const { bodies, spans } = yield* OtlpReceiver
        yield* shop.sell("URN", 500, 10)
        const cart = yield* shop.cart({ URN: 2 })
        const traceId = "0af7651916cd43dd8448eb211c80319c"
        const parentSpan = "b7ad6b7169203331"
        yield* shop.call("POST", `/v1/carts/${cart}/checkout`, Shop.buyer("tok_ok"), {
          traceparent: `00-${traceId}-${parentSpan}-01`
        })
        yield* shop.until(cart, ({ status }) => status === "delivered")
        const wanted = [
          "halles-edge POST",
          "halles-runner Cart.CheckOut",
          "halles-runner Order.Place",
          "halles-runner Sku.Hold",
          "halles-runner Payment.Authorise",
          "halles-runner Shipment.Create",
          "halles-runner journal.commit",
          "halles-runner PaymentGateway.authorise",
          "halles-runner POST",
          "halles-runner Carrier.ship"
        ]
        const traced = Effect.sync(() => spans().filter((span) => span.traceId === traceId))
        const found = yield* Effect.repeat(traced, {
          until: (all) => wanted.every((one) => all.some(({ name, service }) => `${service} ${name}` === one)),
          schedule: Schedule.max([Schedule.spaced("200 millis"), Schedule.recurs(50)])
        })
        const names = new Set(found.map(({ name, service }) => `${service} ${name}`))
        assert.includeMembers([...names], wanted)
        const known = new Set([parentSpan, ...found.map(({ spanId }) => spanId)])
        assert.deepStrictEqual(
          found.filter(({ parentSpanId }) => parentSpanId === undefined || !known.has(parentSpanId)),
          []
        )
        assert.isTrue(
          bodies().some(({ path }) => path === "/v1/metrics") || bodies().some(({ path }) => path === "/v1/logs")
        )
        for (const { body } of bodies()) Shop.assertImpersonal(body)
      }),
    120_000
  )

  it.effect(
    "undoes what a refusal leaves behind",
    () =>
      Effect.gen(function* () {
        const shop = yield* Shopper
        yield* shop.sell("MUG", 900, 5)
        const cases = [
          { token: "tok_declined", code: "card_declined" },
          { token: "tok_insufficient_funds", code: "card_declined" },
          { postalCode: "NO-SERVICE", code: "no_carrier" }
        ]
        for (const { code, ...options } of cases) {
          const { body } = yield* shop.checkout(yield* shop.cart({ MUG: 1 }), options)
          const order = yield* shop.until(body.orderId, ({ status }) => status === "cancelled")
          assert.strictEqual(order.cancelled?.code, code)
          assert.include(steps(order), "stock_released")
          if (code === "no_carrier") assert.include(steps(order), "payment_voided")
        }
        const { body } = yield* shop.checkout(yield* shop.cart({ MUG: 6 }))
        assert.strictEqual((yield* shop.until(body.orderId, settled)).cancelled?.code, "no_stock")
        assert.deepInclude(yield* shop.stock("MUG"), { onHand: 5, held: 0, reserved: 0, available: 5 })
        // One is there too few: the cart is open again, and is bought with one less.
        const cart = body.orderId
        yield* shop.call("PUT", `/v1/carts/${cart}/lines/MUG`, { quantity: 5 })
        const fewer = yield* shop.checkout(cart, { key: `fewer-${cart}` })
        assert.strictEqual(fewer.body.orderId, `${cart}-2`)
        yield* shop.until(fewer.body.orderId, ({ status }) => status === "delivered")
      }),
    120_000
  )

  it.effect(
    "gets through a gateway that times out, fails first, and repeats or delays its webhooks",
    () =>
      Effect.gen(function* () {
        const shop = yield* Shopper
        yield* shop.sell("JAR", 700, 100)
        const tokens = [
          "tok_timeout_after_success",
          "tok_slow",
          "tok_duplicate_webhook",
          "tok_late_webhook",
          "tok_error_then_ok"
        ]
        const orders = yield* Effect.forEach(
          tokens,
          (token) =>
            Effect.gen(function* () {
              const { body } = yield* shop.checkout(yield* shop.cart({ JAR: 1 }), { token })
              return yield* shop.until(body.orderId, ({ status }) => status === "delivered")
            }),
          { concurrency: "unbounded" }
        )
        for (const order of orders) assert.strictEqual(order.payment.captured.amount, order.totals.total.amount)
        assert.deepInclude(yield* shop.stock("JAR"), { onHand: 100 - tokens.length, held: 0, reserved: 0 })
      }),
    120_000
  )

  it.effect(
    "never sells more than there is",
    () =>
      Effect.gen(function* () {
        const shop = yield* Shopper
        yield* shop.sell("RARE", 5_000, 7)
        const carts = yield* Effect.forEach(times(25), () => shop.cart({ RARE: 1 }), { concurrency: 8 })
        const placed = yield* Effect.forEach(carts, (cart) => shop.checkout(cart), { concurrency: "unbounded" })
        const orders = yield* Effect.forEach(placed, ({ body }) => shop.until(body.orderId, settled), {
          concurrency: 8
        })
        assert.strictEqual(orders.filter(({ cancelled }) => cancelled === null).length, 7)
        assert.isTrue(orders.every(({ cancelled }) => cancelled === null || cancelled.code === "no_stock"))
      }),
    120_000
  )

  it.effect(
    "takes goods back and pays them back, once",
    () =>
      Effect.gen(function* () {
        const shop = yield* Shopper
        yield* shop.sell("POT", 2_000, 4)
        const { body } = yield* shop.checkout(yield* shop.cart({ POT: 2 }))
        yield* shop.until(body.orderId, ({ status }) => status === "delivered")
        const request = { lines: [{ sku: "POT", quantity: 1 }], reason: "too many", disposition: "restock" }
        const key = { "Idempotency-Key": `return-${body.orderId}` }
        yield* shop.call("POST", `/v1/orders/${body.orderId}/returns`, request, key)
        yield* shop.call("POST", `/v1/orders/${body.orderId}/returns`, request, key)
        const order = yield* shop.until(body.orderId, ({ returns }) => returns[0]?.status === "refunded")
        assert.strictEqual(order.returns.length, 1)
        assert.strictEqual(order.payment.refunded.amount, "2400")
        assert.deepInclude(yield* shop.stock("POT"), { onHand: 3 })
        const tooMany = { ...request, lines: [{ sku: "POT", quantity: 2 }] }
        const more = yield* shop
          .call("POST", `/v1/orders/${body.orderId}/returns`, tooMany)
          .pipe(Effect.flatMap(Shop.as(Shop.ProblemJson)))
        assert.strictEqual(more.body.code, "return_exceeds")
      }),
    120_000
  )
}

/** Of whoever wants orders at several steps at once; then one step is enough. */
const patienceMs = 1_000

/** Deaths at every step of a saga, and what is then in the journals. */
export const deaths = (it: ClusterTests): void => {
  it.effect(
    "is completed or compensated when its runners are killed at any step",
    () =>
      Effect.gen(function* () {
        const shop = yield* Shopper
        const cluster = yield* Cluster
        const sql = yield* SqlClient.SqlClient
        yield* shop.sell("CUP", 300, 100_000)
        yield* shop.sell("LID", 200, 100_000)
        // A step is named by the newest row that the order, its payment or a SKU has written for it: until the order is confirmed it
        // defers what they answer, and has no row of its own for that.
        const wanted = new Set([
          "Placed",
          "Held",
          "Authorised",
          "Dispatched",
          "Captured",
          "PaymentDeclined",
          // After it the order has only to reopen its cart.
          "Released"
        ])
        /**
         * Of each order the newest of all these rows; also `Dispatched` and `Captured` as long as the order has written nothing
         * since: what payment and SKUs write then comes of the messages that it sends. Of the rows after a position and before a time.
         */
        const newestOf = (since: bigint, before: number) => sql`
          SELECT id, tag FROM (
            SELECT DISTINCT ON (id) id, tag FROM (
              SELECT entity_id AS id, position, at, events->-1->>'_tag' AS tag
              FROM journal WHERE entity_type IN ('Order', 'Payment')
              UNION ALL
              SELECT events->-1->>'orderId', position, at, events->-1->>'_tag' FROM journal
              WHERE entity_type = 'Sku' AND events->-1 ? 'orderId') AS rows
            WHERE position > ${since} AND at < to_timestamp(${String(before)}::text::double precision / 1000)
            ORDER BY id, position DESC) AS newest
          UNION
          SELECT id, tag FROM (
            SELECT DISTINCT ON (entity_id, own) entity_id AS id, events->-1->>'_tag' AS tag
            FROM journal, (VALUES (ARRAY['Order']), (ARRAY['Order', 'Payment'])) AS types (own)
            WHERE entity_type = ANY(own) AND position > ${since}
              AND at < to_timestamp(${String(before)}::text::double precision / 1000)
            ORDER BY entity_id, own, position DESC) AS newest
          WHERE tag IN ('Dispatched', 'Captured')`
        const tokens = ["tok_ok", "tok_ok", "tok_ok", "tok_declined"]
        const placed: Array<string> = []

        /** The wanted steps at which some order of this round is: its runner sends the message of the next one. */
        const stepsAt = (since: bigint) =>
          Effect.map(
            Effect.suspend(
              () =>
                sql<{ tag: string }>`SELECT DISTINCT tag FROM (${newestOf(since, Date.now() + 1_000)}) AS newest
                  WHERE tag = ANY(${[...wanted]}::text[])`
            ),
            (rows) => rows.map(({ tag }) => tag)
          )
        const toBoth = (signal: NodeJS.Signals) =>
          Effect.sync(() => {
            for (const runner of ["eu-1", "eu-2"]) cluster.signal(runner, signal)
          })
        /** Halts both runners at a moment at which orders are at several wanted steps, and gives those at which they still are. */
        const haltedSince = (since: bigint) => {
          const begunAt = performance.now()
          const isEnough = ({ length }: ReadonlyArray<string>) =>
            length >= (performance.now() - begunAt < patienceMs ? Math.min(3, Math.ceil(wanted.size / 2)) : 1)
          return Effect.gen(function* () {
            yield* Effect.repeat(stepsAt(since), { until: isEnough })
            yield* toBoth("SIGSTOP")
            const steps = yield* stepsAt(since)
            if (isEnough(steps)) return steps
            // They went on before they halted.
            yield* toBoth("SIGCONT")
            return null
          }).pipe(
            Effect.repeat({ until: (steps) => steps !== null }),
            Effect.timeoutOrElse({ duration: "5 seconds", orElse: () => Effect.succeed(null) })
          )
        }

        for (let round = 0; wanted.size > 0 && round < 14; round++) {
          const [newest] = yield* sql<{ position: bigint }>`SELECT max(position) AS position FROM journal`
          const carts = yield* Effect.forEach(times(24), () => shop.cart({ CUP: 1, LID: 1 }), { concurrency: 16 })
          const selling = yield* Effect.forEach(
            carts,
            (cart, index) => shop.checkout(cart, { token: tokens[index % tokens.length]!, wait: 0 }),
            { concurrency: 16 }
          ).pipe(Effect.forkChild({ startImmediately: true }))
          // Both runners die together, in the middle of whatever their orders are doing.
          const steps = yield* haltedSince(newest!.position)
          const killedAt = Date.now()
          yield* toBoth("SIGKILL")
          const answers = yield* Fiber.join(selling)
          placed.push(...answers.map(({ body }) => body.orderId))
          yield* cluster.healthy
          // The last step before the kill, of every order that went on under a later epoch. Some wait for a carrier to do so.
          const crossed = yield* sql<{ tag: string }>`
            SELECT DISTINCT tag FROM (${newestOf(newest!.position, killedAt)}) AS newest
            JOIN LATERAL (
              SELECT max(epoch) > min(epoch) AS "wentOn" FROM journal WHERE entity_type = 'Order' AND entity_id = newest.id
            ) AS epochs ON "wentOn"`.pipe(
            Effect.map((rows) => rows.map(({ tag }) => tag)),
            Effect.repeat({
              until: (tags) => (steps ?? []).every((step) => tags.includes(step)),
              schedule: Schedule.spaced("100 millis"),
              times: 30
            })
          )
          for (const tag of crossed) wanted.delete(tag)
        }
        assert.deepStrictEqual([...wanted], [], "steps at which no order was ever killed")
        const orders = yield* Effect.forEach(
          placed,
          (id) => shop.until(id, ({ status }) => status === "delivered" || status === "cancelled"),
          {
            concurrency: 16
          }
        )
        // Another card pays for the carts of those that were declined.
        const declined = orders.filter(({ status }) => status === "cancelled")
        assert.isAbove(declined.length, 0)
        const again = yield* Effect.forEach(declined, ({ id }) => shop.checkout(id, { key: `again-${id}`, wait: 0 }), {
          concurrency: 16
        })
        assert.sameMembers(
          again.map(({ body }) => body.orderId),
          declined.map(({ id }) => `${id}-2`)
        )
        yield* Effect.forEach(again, ({ body }) => shop.until(body.orderId, ({ status }) => status === "delivered"), {
          concurrency: 16
        })
        const sold = orders.length
        assert.isAbove(sold, declined.length)
        for (const sku of ["CUP", "LID"]) {
          assert.deepInclude(yield* shop.stock(sku), { onHand: 100_000 - sold, held: 0, reserved: 0, shipped: sold })
        }
      }),
    300_000
  )

  it.effect(
    "keeps every invariant through all of that",
    () =>
      Effect.gen(function* () {
        const { proverEnvironment } = yield* Cluster
        const code = yield* foreground(process.execPath, [join(Layout.root, "infra/src/programs/check.ts")], {
          cwd: Layout.root,
          env: { ...proverEnvironment, ...nodeEnvironment }
        })
        assert.strictEqual(code, 0)
      }),
    120_000
  )
}
