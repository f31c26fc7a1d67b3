import { assert } from "@effect/vitest"
import { Effect, Fiber, Schedule } from "effect"
import { ChildProcess } from "effect/process"
import { ChildProcessSpawner } from "effect/process/ChildProcessSpawner"
import { readFileSync, statSync } from "node:fs"
import { join } from "node:path"
import { demoCode } from "@halles/identity/accounts/DemoCode"
import { Browser } from "@halles/identity/testing/Browser"
import { Cluster } from "../../src/cluster/Cluster.ts"
import { nodeEnvironment } from "../../src/cluster/Processes.ts"
import * as Layout from "../../src/Layout.ts"
import { foreground } from "../../src/programs/RunCommand.ts"
import { seed } from "../../src/programs/seed.ts"
import { Settings } from "../../src/Settings.ts"
import { orderCommand } from "../../src/cluster/Start.ts"
import { type ClusterTests, Shopper } from "./ClusterTest.ts"
import { inspect, lines, operate, operated } from "./CommandLine.ts"

const times = (count: number) => Array.from({ length: count }, (_, index) => index)

const seq = (entity: string) => Effect.map(inspect("get", entity, "-o", "jsonl"), (text) => lines(text)[0].seq)

/** What the cluster says of itself as soon as it has started. */
export const started = (it: ClusterTests): void => {
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
        const exported = yield* Effect.promise(async () => {
          const headers = { authorization: `Bearer ${clientEnvironment["HALLES_IMPORT_TOKEN"]}` }
          return (await fetch(`${edgeUrl}/v1/catalog/export?region=eu`, { headers })).text()
        })
        assert.match(exported, /^region,sku,title,.*\n(?:.*\n)*eu,TEA-01,"Breakfast tea, 250 g",495,GBP,2000,/)

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
}

/** What can be seen of it from outside. */
export const inspected = (it: ClusterTests): void => {
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

        const seen = yield* seq("Sku/eu_LOOK")
        const hold = JSON.stringify({ _tag: "Hold", orderId: "eu_if", quantity: 3, ttlMs: 60_000 })
        const would = JSON.parse(yield* inspect("what-if", "Sku/eu_LOOK", "--command", hold, "-o", "json"))
        assert.strictEqual(would.events[0]._tag, "Held")
        assert.strictEqual(yield* seq("Sku/eu_LOOK"), seen)
      }),
    120_000
  )
}

/** Who operates it at the command line. */
export const signedIn = (it: ClusterTests): void => {
  it.effect(
    "lets an operator in at the command line by a code, and out again",
    () =>
      Effect.gen(function* () {
        const { clientEnvironment } = yield* Cluster
        const { directory } = Layout.of("e2e", (yield* Settings).portBase)
        const { demoOperator, demoOperatorTotp } = JSON.parse(readFileSync(join(directory, "secrets.json"), "utf8"))
        const nobody = yield* operated("streams", "-o", "ids")
        assert.deepInclude(nobody, { code: 4, out: "" })
        assert.include(nobody.error, "halles login")

        const login = yield* operate("login")
        const prompt = yield* Effect.sync(() => /Open (\S+) and type (\S+)/.exec(login.said.error)).pipe(
          Effect.repeat({ until: (found) => found !== null, schedule: Schedule.spaced("50 millis") }),
          Effect.timeout("20 seconds")
        )
        const [, page, userCode] = prompt!
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
}

/** A load that is sold to, and what operators do meanwhile. */
export const handled = (it: ClusterTests): void => {
  it.effect(
    "sells under load, and its answers are in the journals",
    () =>
      Effect.gen(function* () {
        const { clientEnvironment } = yield* Cluster
        const { directory } = Layout.of("e2e", (yield* Settings).portBase)
        const json = join(directory, "load.json")
        const load = ["--cluster", directory, "--scenario", "checkout", "--keys", "zipf:0.99", "--key-count", "6"]
        const short = ["--concurrency", "4", "--duration", "2", "--warm-up", "0", "--json", json]
        const code = yield* foreground(
          process.execPath,
          [join(Layout.root, "infra/proofs/load/src/load.ts"), ...load, ...short],
          { cwd: Layout.root, env: { ...clientEnvironment, ...nodeEnvironment } }
        )
        const summary = JSON.parse(readFileSync(json, "utf8"))
        assert.deepInclude(summary, { ok: true, errors: 0, lost: 0, duplicated: 0, oversold: 0, violations: 0 })
        assert.isAbove(summary.acknowledged, 0)
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
        // No step is pending any more: the inspector has nothing to send again.
        const retried = yield* inspect("saga", "retry", placed[0]!.body.orderId, "--reason", "impatience", "--yes")
        assert.strictEqual(retried, "")
      }),
    180_000
  )
}
