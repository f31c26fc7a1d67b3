import { assert, layer } from "@effect/vitest"
import { PgClient } from "@effect/sql-pg"
import { NodeServices } from "@effect/platform-node"
import { Context, Effect, Fiber, Layer, Redacted, Schedule } from "effect"
import { ChildProcess } from "effect/process"
import { ChildProcessSpawner } from "effect/process/ChildProcessSpawner"
import { SqlClient } from "effect/sql"
import { spawn } from "node:child_process"
import { lstatSync, readdirSync, readFileSync, statSync } from "node:fs"
import { join } from "node:path"
import { objectives } from "@halles/entities/alarms/Objectives"
import { demoCode } from "@halles/identity/accounts/DemoCode"
import { attacks, open as openAttack, send, statusOf, type Target } from "@halles/shared/testing/HttpAttacks"
import { Browser } from "@halles/identity/testing/Browser"
import { Cluster } from "../src/cluster/Cluster.ts"
import * as Layout from "../src/Layout.ts"
import { ports, runnerPort } from "../src/cluster/Ports.ts"
import { runnerPlaces } from "../src/cluster/Regions.ts"
import { foreground } from "../src/programs/RunCommand.ts"
import { seed } from "../src/programs/seed.ts"
import { Settings } from "../src/Settings.ts"
import { orderCommand } from "../src/cluster/Start.ts"
import { OtlpReceiver } from "./OtlpReceiver.ts"
import * as Shop from "./Shop.ts"

/** A whole cluster on real processes, with an empty past. */
const ClusterTest = Layer.unwrap(
  Effect.gen(function* () {
    const settings = yield* Settings
    const layout = Layout.endToEnd(settings.portBase)
    return Cluster.layer({ layout, settings, empty: true, identity: true })
  })
).pipe(Layer.orDie)

class Shopper extends Context.Service<Shopper, Shop.Shop>()("test/Shopper") {
  static readonly layer = Layer.effect(
    Shopper,
    Effect.map(Cluster, ({ clientEnvironment, edgeUrl }) =>
      Shop.make(edgeUrl, clientEnvironment["HALLES_IMPORT_TOKEN"]!)
    )
  )
}

/** Reads the journal of `eu` as it is. */
const EuJournal = Layer.unwrap(
  Effect.map(Cluster, ({ proverEnvironment }) =>
    PgClient.layer({ url: Redacted.make(proverEnvironment["HALLES_PG_EU_URL"]!), maxConnections: 2 })
  )
).pipe(Layer.orDie)

const Test = Layer.mergeAll(Shopper.layer, EuJournal).pipe(
  Layer.provideMerge(ClusterTest),
  // First, so that every process reports to it.
  Layer.provideMerge(OtlpReceiver.layer),
  Layer.provideMerge(NodeServices.layer)
)

/** What the entity inspector prints. */
const inspect = Effect.fnUntraced(function* (...args: ReadonlyArray<string>) {
  const { clientEnvironment } = yield* Cluster
  const spawner = yield* ChildProcessSpawner
  const program = ChildProcess.make(
    process.execPath,
    [join(Layout.root, "packages/operations/src/halles.ts"), ...args],
    {
      env: clientEnvironment,
      stdin: "ignore"
    }
  )
  return (yield* spawner.string(program)).trim()
})

/** The command line as somebody uses it who has no token of our own tools. */
const operate = Effect.fnUntraced(function* (...args: ReadonlyArray<string>) {
  const { clientEnvironment } = yield* Cluster
  const { HALLES_ADMIN_TOKEN: _, ...env } = clientEnvironment
  const options = { env, stdio: ["ignore", "pipe", "pipe"] as ["ignore", "pipe", "pipe"] }
  const child = spawn(process.execPath, [join(Layout.root, "packages/operations/src/halles.ts"), ...args], options)
  const said = { out: "", error: "" }
  child.stdout.on("data", (chunk: Buffer) => (said.out += chunk.toString()))
  child.stderr.on("data", (chunk: Buffer) => (said.error += chunk.toString()))
  const ended = new Promise<number | null>((resolve) => child.once("close", resolve))
  return { said, ended: Effect.promise(async () => ({ code: await ended, ...said })) }
})
const operated = (...args: ReadonlyArray<string>) => Effect.flatMap(operate(...args), ({ ended }) => ended)

const file = (name: string) => readFileSync(join(Layout.root, "infra/observability", name), "utf8")
const lines = (text: string) => text.split("\n").map((line) => JSON.parse(line))

const settled = ({ status }: Shop.OrderJson) =>
  !["created", "payment", "reserving", "shipping", "cancelling"].includes(status)
const steps = (order: Shop.OrderJson) => order.steps.map(({ step }) => step)
const times = (count: number) => Array.from({ length: count }, (_, index) => index)

layer(Test, { excludeTestServices: true, timeout: "3 minutes" })("The order saga on real processes", (it) => {
  it.effect(
    "sells its demo catalogue from the moment in which `npm start` says so, and alarms nobody",
    () =>
      Effect.gen(function* () {
        const { clientEnvironment, edgeUrl } = yield* Cluster
        const spawner = yield* ChildProcessSpawner
        // What `npm start` does last, and what it prints then.
        yield* seed(edgeUrl, clientEnvironment["HALLES_IMPORT_TOKEN"]!)
        const placed = JSON.parse(yield* spawner.string(ChildProcess.make("sh", ["-c", orderCommand(edgeUrl)])))
        assert.strictEqual(placed.status, "confirmed", JSON.stringify(placed))
        const listed = yield* Effect.promise(async () => (await fetch(`${edgeUrl}/v1/products`)).json()).pipe(
          Effect.repeat({
            until: (list: unknown) => (list as { readonly items: ReadonlyArray<unknown> }).items.length === 4,
            schedule: Schedule.max([Schedule.spaced("100 millis"), Schedule.recurs(50)])
          })
        )
        assert.strictEqual((listed as { readonly items: ReadonlyArray<unknown> }).items.length, 4)

        // As the operators' page tells them: with breakers that are open in any process.
        const alarms = Effect.promise(async () => {
          const headers = { authorization: `Bearer ${clientEnvironment["HALLES_ADMIN_TOKEN"]}` }
          const answer = await fetch(`${clientEnvironment["HALLES_OPS_URL"]}/v1/ops/alarms`, { headers })
          return ((await answer.json()) as { readonly items: ReadonlyArray<unknown> }).items
        })
        yield* Effect.sleep("3 seconds")
        for (const _ of times(8)) {
          assert.deepStrictEqual(yield* alarms, [])
          yield* Effect.sleep("1 second")
        }
        assert.strictEqual(yield* inspect("alarms", "-o", "ids"), "")
      }),
    60_000
  )

  it.effect(
    "takes nothing on any of its ports that two readers could take for two requests, and no header that never ends",
    () =>
      Effect.gen(function* () {
        const { portBase } = yield* Settings
        const own = ports(Layout.endToEnd(portBase).portBase)
        const { edgeTls, mail: _, nats: __, postgres: ___, redis: ____, counters: _____, ...others } = own
        const runners = runnerPlaces().map(({ index }) => runnerPort(Layout.endToEnd(portBase).portBase, index))
        const plain = [...Object.values(others), ...runners].map((port): Target => ({ host: "127.0.0.1", port }))
        const targets = [...plain, { host: "127.0.0.1", port: edgeTls, tls: true }]
        assert.isAbove(targets.length, 12)
        const wrong = yield* Effect.forEach(
          targets,
          (target) =>
            Effect.promise(async () => {
              // Meanwhile somebody begins a request and sends no more of it.
              const slow = openAttack(target)
              slow.on("error", () => undefined)
              // What is answered is read, or the end behind it would not be seen.
              slow.resume()
              slow.write("GET /health/live HTTP/1.1\r\nHost: a\r\nx-slow: ")
              const since = performance.now()
              const cutAfterMs = new Promise<number>((resolve) =>
                slow.once("close", () => resolve(performance.now() - since))
              )
              const found: Array<string> = []
              for (const { bytes, name, status } of attacks) {
                const got = statusOf(await send(target, bytes))
                const isRight = status === 200 ? got === 200 || got === 404 : got === status
                if (!isRight) found.push(`${target.port}: ${name} is answered ${got}, not ${status}`)
              }
              const cutMs = await Promise.race([
                cutAfterMs,
                new Promise<number>((resolve) => setTimeout(resolve, 20_000, 20_000))
              ])
              if (cutMs >= 20_000) found.push(`${target.port}: half a head is waited for`)
              return found
            }),
          { concurrency: "unbounded" }
        )
        assert.deepStrictEqual(wrong.flat(), [])
      }),
    120_000
  )

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
    "can be looked into: state, history, what one action caused, shards, and what would happen if",
    () =>
      Effect.gen(function* () {
        const shop = yield* Shopper
        yield* shop.sell("LOOK", 500, 10)
        const placed = yield* shop.checkout(yield* shop.cart({ LOOK: 2 }))
        const { id } = yield* shop.until(placed.body.orderId, ({ status }) => status === "delivered")

        const [order] = lines(yield* inspect("get", `Order/${id}`, "-o", "jsonl"))
        assert.strictEqual(order.state.status, "delivered")
        assert.notInclude(JSON.stringify(order), "ada@example.org")
        const [before] = lines(yield* inspect("get", `Order/${id}`, "--at", "1", "-o", "jsonl"))
        assert.deepStrictEqual([before.seq, before.state.status], [1, "created"])

        const traced: ReadonlyArray<{ readonly type: string; readonly at: number }> = lines(
          yield* inspect("trace", id, "-o", "jsonl")
        )
        assert.sameMembers(
          [...new Set(traced.map(({ type }) => type))],
          ["Cart", "Order", "Payment", "Shipment", "Sku"]
        )
        assert.deepStrictEqual(
          traced.map(({ at }) => at),
          traced.map(({ at }) => at).toSorted((a, b) => a - b)
        )

        assert.include(
          (yield* inspect("list", "Order", "--where", "lines.*.sku=LOOK", "-o", "ids")).split("\n"),
          `Order/${id}`
        )
        const shards = lines(yield* inspect("shards", "--region", "am", "-o", "jsonl"))
        assert.strictEqual(shards.length, 64)
        assert.isTrue(shards.every(({ holder, runner }) => runner === "am-1" && holder === "am-1"))

        const seq = (sku: string) => Effect.map(inspect("get", sku, "-o", "jsonl"), (text) => lines(text)[0].seq)
        const seen = yield* seq("Sku/eu_LOOK")
        const hold = JSON.stringify({ _tag: "Hold", orderId: "eu_if", quantity: 3, ttlMs: 60_000 })
        const would = JSON.parse(yield* inspect("what-if", "Sku/eu_LOOK", "--command", hold, "-o", "json"))
        assert.strictEqual(would.events[0]._tag, "Held")
        assert.strictEqual(yield* seq("Sku/eu_LOOK"), seen)
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
        const asked = "b7ad6b7169203331"
        yield* shop.call("POST", `/v1/carts/${cart}/checkout`, Shop.buyer("tok_ok"), {
          traceparent: `00-${traceId}-${asked}-01`
        })
        yield* shop.until(cart, ({ status }) => status === "delivered")
        const wanted = [
          "halles-edge POST",
          "halles-runner Cart.CheckOut",
          "halles-runner Order.Place",
          "halles-runner Sku.Hold",
          "halles-runner Payment.Authorise",
          "halles-runner Sku.Reserve",
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
        const known = new Set([asked, ...found.map(({ spanId }) => spanId)])
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

  it.effect(
    "is completed or compensated when its runners are killed at any step",
    () =>
      Effect.gen(function* () {
        const shop = yield* Shopper
        const cluster = yield* Cluster
        const sql = yield* SqlClient.SqlClient
        yield* shop.sell("CUP", 300, 100_000)
        yield* shop.sell("LID", 200, 100_000)
        const wanted = new Set([
          "Placed",
          "StockHeld",
          "PaymentAuthorised",
          "StockReserved",
          "Dispatched",
          "PaymentCaptured",
          "PaymentDeclined",
          // What is left then is word to the cart.
          "StockReleased"
        ])
        const tokens = ["tok_ok", "tok_ok", "tok_ok", "tok_declined"]
        const placed: Array<string> = []

        /** Until the newest step of some order of this round is the wanted one: then its runner has the next in hand. */
        const someOrderIsAt = (tag: string, since: bigint) =>
          Effect.repeat(
            sql`
              SELECT 1 FROM (
                SELECT DISTINCT ON (entity_id) events->-1->>'_tag' AS tag FROM journal
                WHERE entity_type = 'Order' AND position > ${since} ORDER BY entity_id, seq DESC
              ) AS newest WHERE tag = ${tag}`,
            { until: (rows) => rows.length > 0 }
          ).pipe(Effect.timeoutOption("5 seconds"))

        for (let round = 0; wanted.size > 0 && round < 14; round++) {
          const [target] = wanted
          const [newest] = yield* sql<{ position: bigint }>`SELECT max(position) AS position FROM journal`
          const carts = yield* Effect.forEach(times(48), () => shop.cart({ CUP: 1, LID: 1 }), { concurrency: 16 })
          const selling = yield* Effect.forEach(
            carts,
            (cart, index) => shop.checkout(cart, { token: tokens[index % tokens.length]!, wait: 0 }),
            { concurrency: 16 }
          ).pipe(Effect.forkChild({ startImmediately: true }))
          // Both owners die together, in the middle of whatever their orders are doing.
          yield* someOrderIsAt(target!, newest!.position)
          cluster.signal("eu-1", "SIGKILL")
          cluster.signal("eu-2", "SIGKILL")
          const answers = yield* Fiber.join(selling)
          placed.push(...answers.map(({ body }) => body.orderId))
          yield* cluster.healthy
          // The last step before the kill, of every order that went on under a later epoch.
          const crossed = yield* sql<{ tag: string }>`
            SELECT DISTINCT a.events->-1->>'_tag' AS tag FROM journal a
            JOIN journal b ON b.entity_type = 'Order' AND b.entity_id = a.entity_id AND b.seq = a.seq + 1 AND b.epoch > a.epoch
            WHERE a.entity_type = 'Order'`
          for (const { tag } of crossed) wanted.delete(tag)
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
          env: proverEnvironment
        })
        assert.strictEqual(code, 0)
      }),
    120_000
  )

  it.effect("leaves nothing that others may read", () =>
    Effect.gen(function* () {
      const { directory } = Layout.endToEnd((yield* Settings).portBase)
      const open = ["", ...readdirSync(directory, { recursive: true, encoding: "utf8" })].filter((name) => {
        const found = lstatSync(join(directory, name), { throwIfNoEntry: false })
        const mode = (found?.mode ?? 0) & 0o777
        // As root, whose Postgres is another user: others pass through, and see nothing.
        return (mode & 0o077) !== 0 && !(name === "" && mode === 0o711)
      })
      assert.deepStrictEqual(open, [])
      for (const name of ["secrets.json", "logs", "mail", "postgres", "nats", "cluster.json", "lock"]) {
        assert.isDefined(lstatSync(join(directory, name), { throwIfNoEntry: false }), name)
      }
    })
  )

  it.effect("tells every metric that the dashboard and the alert rules name, and is scraped everywhere", () =>
    Effect.gen(function* () {
      const { portBase } = Layout.endToEnd((yield* Settings).portBase)
      const targets = [...file("prometheus.yml").matchAll(/127\.0\.0\.1:(\d+)/g)].map(
        ([, port]) => Number(port) - 4_400
      )
      const scraped = yield* Effect.forEach(targets, (offset) =>
        Effect.promise(async () => {
          const answer = await fetch(`http://127.0.0.1:${portBase + offset}/metrics`)
          assert.strictEqual(answer.status, 200, `port ${offset}`)
          return answer.text()
        })
      )
      const own = ports(portBase)
      for (const port of [own.edge, own.ops, own.identity, own.webhooks]) {
        const status = yield* Effect.promise(async () => (await fetch(`http://127.0.0.1:${port}/metrics`)).status)
        assert.strictEqual(status, 404, `port ${port} is for others`)
      }
      const told = new Set(scraped.flatMap((text) => [...text.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name)))
      const named = new Set(
        [...`${file("dashboard.json")}${file("alerts.yml")}`.matchAll(/\bhalles_[a-z0-9_]+/g)].map(([name]) =>
          name.replace(/_bucket$/, "")
        )
      )
      assert.isAbove(named.size, 10)
      assert.deepStrictEqual(
        [...named].filter((name) => !told.has(name)),
        []
      )
      const codes = [...file("alerts.yml").matchAll(/code: (\w+)/g)].map(([, code]) => code!)
      assert.deepStrictEqual(
        codes.filter((code) => !(code in objectives)),
        []
      )
    })
  )

  it.effect(
    "lets an operator in at the command line by a code, and out again",
    () =>
      Effect.gen(function* () {
        const { clientEnvironment } = yield* Cluster
        const { directory } = Layout.endToEnd((yield* Settings).portBase)
        const { demoOperator, demoOperatorTotp } = JSON.parse(readFileSync(join(directory, "secrets.json"), "utf8"))
        const nobody = yield* operated("streams", "-o", "ids")
        assert.deepInclude(nobody, { code: 4, out: "" })
        assert.include(nobody.error, "halles login")

        const login = yield* operate("login")
        const shown = yield* Effect.sync(() => /Open (\S+) and type (\S+)/.exec(login.said.error)).pipe(
          Effect.repeat({ until: (found) => found !== null, schedule: Schedule.spaced("50 millis") }),
          Effect.timeout("20 seconds")
        )
        const [, page, userCode] = shown!
        yield* Effect.promise(async () => {
          const browser = await new Browser().open(page!)
          await browser.submit("/device", { user_code: userCode! })
          await browser.submit("/device")
          await browser.submit("/password", { email: "operator@halles.test", password: demoOperator })
          assert.strictEqual(browser.title, "Confirm that it is you", browser.text)
          const { code } = await Effect.runPromise(demoCode(demoOperatorTotp))
          await browser.submit("/second", { code })
          assert.strictEqual(browser.title, "Device connected", browser.text)
        })
        assert.strictEqual((yield* login.ended).code, 0)
        const kept = clientEnvironment["HALLES_OPERATOR_FILE"]!
        assert.strictEqual(statSync(kept).mode & 0o777, 0o600)
        const { issuer, refreshToken } = JSON.parse(readFileSync(kept, "utf8"))

        const streams = yield* operated("streams", "-o", "ids")
        assert.strictEqual(streams.code, 0, streams.error)
        assert.include(streams.out.split("\n"), "EVENTS_EU")
        assert.strictEqual((yield* operated("logout")).code, 0)
        assert.strictEqual((yield* operated("streams")).code, 4)
        const copied = yield* Effect.promise(() =>
          fetch(`${issuer}/token`, {
            method: "POST",
            body: new URLSearchParams({
              grant_type: "refresh_token",
              client_id: "halles-cli",
              refresh_token: refreshToken
            })
          })
        )
        assert.strictEqual(copied.status, 400, "a copy of the token is worth nothing")
      }),
    120_000
  )

  it.effect("writes no personal data and no secret into any log", () =>
    Effect.gen(function* () {
      const { directory } = Layout.endToEnd((yield* Settings).portBase)
      const logs = readdirSync(join(directory, "logs")).map((name) =>
        readFileSync(join(directory, "logs", name), "utf8")
      )
      assert.isAbove(logs.join("").length, 1_000)
      const secrets = Object.values(JSON.parse(readFileSync(join(directory, "secrets.json"), "utf8")))
      for (const log of logs) {
        Shop.assertImpersonal(log)
        for (const secret of secrets) assert.notInclude(log, String(secret))
      }
    })
  )

  it.effect(
    "sells under load, and its answers are in the journals",
    () =>
      Effect.gen(function* () {
        const { clientEnvironment } = yield* Cluster
        const { directory } = Layout.endToEnd((yield* Settings).portBase)
        const json = join(directory, "load.json")
        const load = ["--cluster", directory, "--scenario", "checkout", "--keys", "zipf:0.99", "--key-count", "6"]
        const short = ["--concurrency", "4", "--duration", "2", "--warm-up", "0", "--json", json]
        const code = yield* foreground(
          process.execPath,
          [join(Layout.root, "infra/load/src/load.ts"), ...load, ...short],
          { cwd: Layout.root, env: clientEnvironment }
        )
        const summary = JSON.parse(readFileSync(json, "utf8"))
        assert.deepInclude(summary, { ok: true, errors: 0, lost: 0, duplicated: 0, oversold: 0, violations: 0 })
        assert.isAbove(summary.told, 0)
        assert.strictEqual(code, 0)
      }),
    120_000
  )

  it.effect(
    "goes on while an operator drains a runner, and the audit log says who did and why",
    () =>
      Effect.gen(function* () {
        const shop = yield* Shopper
        yield* shop.sell("DRAIN", 500, 100)
        const buying = yield* Effect.forkChild(
          Effect.forEach(times(12), () => Effect.flatMap(shop.cart({ DRAIN: 1 }), (cart) => shop.checkout(cart)), {
            concurrency: 3
          })
        )
        assert.include(yield* inspect("drain", "eu-1", "--reason", "a new kernel", "--yes"), "eu-1 is drained")
        const placed = yield* Fiber.join(buying)
        assert.isTrue(placed.every(({ status }) => status === 201))
        const drained = yield* inspect("runners", "-o", "jsonl").pipe(
          Effect.map(lines),
          Effect.repeat({
            schedule: Schedule.spaced("1 second"),
            until: (runners) => !runners.some(({ held, runner }) => runner === "eu-1" && held > 0)
          })
        )
        assert.deepInclude(
          drained.find(({ runner }) => runner === "eu-2"),
          { held: 64 }
        )
        yield* inspect("undrain", "eu-1", "--reason", "kernel is new", "--yes")
        const { status } = yield* shop.until(placed[0]!.body.orderId, ({ status }) => status === "delivered")
        assert.strictEqual(status, "delivered")
        // Nothing is owed any more: who asks for it again is told so, and nothing is sent.
        const retried = yield* inspect("saga", "retry", placed[0]!.body.orderId, "--reason", "impatience", "--yes")
        assert.strictEqual(retried, "")
      }),
    180_000
  )
})
