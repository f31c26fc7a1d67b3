import { Effect, Layer, Redacted } from "effect"
import { NatsTest } from "@halles/shared/testing/NatsTest"
import { PgTest } from "@halles/shared/testing/PgTest"
import { spawn } from "node:child_process"
const prog = Effect.gen(function* () {
  const { url } = yield* PgTest
  const nats = yield* NatsTest
  const pg = Redacted.value(url)
  const env = { ...process.env, HALLES_EDGE_PORT: "48111", HALLES_OPS_PORT: "48112", HALLES_NATS_URL: nats.url, HALLES_REDIS_URL: "redis://127.0.0.1:1",
    HALLES_PG_CONTROL_URL: pg, HALLES_PG_EU_URL: pg, HALLES_PG_AM_URL: pg, HALLES_PG_AP_URL: pg,
    HALLES_GATEWAY_WEBHOOK_SECRET: "aabbccddaabbccddaabbccddaabbccddaabbccddaabbccdd", HALLES_CARRIER_WEBHOOK_SECRET: "aabbccddaabbccddaabbccddaabbccddaabbccddaabbccdd", HALLES_IMPORT_TOKEN: "i", HALLES_ADMIN_TOKEN: "a" }
  const kids = ["main", "ops"].map((f) => spawn(process.execPath, [`packages/http/src/${f}.ts`], { env, stdio: "inherit" }))
  yield* Effect.sleep("4 seconds")
  const get = (u: string, init?: any) => Effect.promise(async () => { const t = Date.now(); const r = await fetch(u, init); const text = await r.text(); console.log(u, r.status, text.slice(0, 300), `${Date.now() - t}ms`) })
  yield* get("http://127.0.0.1:48111/health/live")
  yield* get("http://127.0.0.1:48111/health/ready")
  yield* get("http://127.0.0.1:48112/health/ready")
  yield* get("http://127.0.0.1:48112/runners")
  yield* get("http://127.0.0.1:48111/v1/carts", { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ region: "eu", currency: "GBP" }) })
  yield* get("http://127.0.0.1:48111/metrics")
  for (const k of kids) k.kill("SIGTERM")
  yield* Effect.promise(() => Promise.all(kids.map((k) => new Promise((r) => { const t = Date.now(); k.once("exit", (c, s) => { console.log("exit", c, s, Date.now() - t); r(0) }) }))))
}).pipe(Effect.provide(Layer.mergeAll(PgTest.layer("smoke"), NatsTest.layer)))
await Effect.runPromise(Effect.scoped(prog))
