import { assert } from "@effect/vitest"
import { Effect } from "effect"
import { lstatSync, readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { objectives } from "@halles/entities/inspector/Objectives"
import { attacks, open as openAttack, send, statusOf, type Target } from "@halles/shared/testing/HttpAttacks"
import * as Layout from "../../src/Layout.ts"
import { ports, runnerPort } from "../../src/cluster/Ports.ts"
import { runnerPlaces } from "../../src/cluster/Regions.ts"
import { Settings } from "../../src/Settings.ts"
import { type ClusterTests } from "./ClusterTest.ts"
import * as Shop from "./Shop.ts"

const file = (name: string) => readFileSync(join(Layout.root, "infra/observability", name), "utf8")

/** What strangers try at every port. */
export const attacked = (it: ClusterTests): void => {
  it.effect(
    "takes nothing on any of its ports that two readers could take for two requests, and no header that never ends",
    () =>
      Effect.gen(function* () {
        const { portBase } = yield* Settings
        const own = ports(Layout.of("e2e", portBase).portBase)
        const { edgeTls, mail: _, nats: __, postgres: ___, redis: ____, counters: _____, ...others } = own
        const runners = runnerPlaces().map(({ index }) => runnerPort(Layout.of("e2e", portBase).portBase, index))
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
}

/** What the cluster leaves behind in files, figures and logs. */
export const left = (it: ClusterTests): void => {
  it.effect("leaves nothing that others may read", () =>
    Effect.gen(function* () {
      const { directory } = Layout.of("e2e", (yield* Settings).portBase)
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
      const { portBase } = Layout.of("e2e", (yield* Settings).portBase)
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
      const exported = new Set(scraped.flatMap((text) => [...text.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name)))
      const named = new Set(
        [...`${file("dashboard.json")}${file("alerts.yml")}`.matchAll(/\bhalles_[a-z0-9_]+/g)].map(([name]) =>
          name.replace(/_bucket$/, "")
        )
      )
      assert.isAbove(named.size, 10)
      assert.deepStrictEqual(
        [...named].filter((name) => !exported.has(name)),
        []
      )
      const codes = [...file("alerts.yml").matchAll(/code: (\w+)/g)].map(([, code]) => code!)
      assert.deepStrictEqual(
        codes.filter((code) => !(code in objectives)),
        []
      )
    })
  )

  it.effect("writes no personal data and no secret into any log", () =>
    Effect.gen(function* () {
      const { directory } = Layout.of("e2e", (yield* Settings).portBase)
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
}
