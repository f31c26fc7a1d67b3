import { assert, describe, it } from "@effect/vitest"
import * as Environment from "../src/Environment.ts"
import { Secrets } from "../src/servers/Secrets.ts"

const secrets = new Secrets({
  pgAdmin: "s-admin",
  pgOwner: "s-owner",
  pgRunnerEu: "s-runner-eu",
  pgRunnerAm: "s-runner-am",
  pgRunnerAp: "s-runner-ap",
  pgEdge: "s-edge",
  pgOps: "pg-ops",
  pgReader: "s-reader",
  pgSearch: "s-pg-search",
  pgAuditor: "s-auditor",
  pgIdentity: "s-pg-identity",
  identityKey: "s-identity-key",
  pgWebhooks: "s-pg-webhooks",
  webhookKey: "s-webhook-key",
  intentKey: "s-intent-key",
  mediaKey: "s-media-key",
  demoCustomer: "s-demo-customer",
  demoOperator: "s-demo-operator",
  demoOperatorTotp: "s-demo-operator-totp",
  nats: "s-nats",
  redisEdge: "s-redis-edge",
  redisRunner: "s-redis-runner",
  redisHealth: "s-redis-health",
  countersEdge: "s-counters-edge",
  countersIdentity: "s-counters-identity",
  countersHealth: "s-counters-health",
  gatewayKey: "s-gateway-key",
  gatewayWebhook: "s-gateway-webhook",
  carrierKey: "s-carrier-key",
  carrierWebhook: "s-carrier-webhook",
  serviceKey: "s-service-key",
  importToken: "s-import",
  adminToken: "s-token-admin"
})
const database = (name: string) => `postgres://127.0.0.1:4402/halles_${name}`
const parts: Environment.Parts = {
  layout: { directory: "/srv/shop/.halles", portBase: 4400 },
  secrets,
  addresses: {
    nats: "nats://halles:s-nats@127.0.0.1:4403",
    redis: "redis://127.0.0.1:4404",
    counters: "redis://127.0.0.1:4414",
    databases: { eu: database("eu"), am: database("am"), ap: database("ap"), control: database("control") }
  }
}

/** Which secrets an environment gives away. */
const known = (environment: Record<string, string>): ReadonlyArray<string> => {
  const text = Object.values(environment).join("\n")
  return Object.entries(secrets)
    .filter(([, secret]) => new RegExp(`${secret}(?![a-z-])`).test(text))
    .map(([name]) => name)
    .sort()
}

describe("Environment", () => {
  it("a process knows the secrets that it needs and no other", () => {
    const place = { id: "eu-2", index: 1, region: "eu" } as const
    assert.deepStrictEqual(known(Environment.runner(parts, place)), [
      "carrierKey",
      "gatewayKey",
      "nats",
      "pgRunnerEu",
      "redisRunner"
    ])
    assert.deepStrictEqual(known(Environment.edge(parts)), [
      "carrierWebhook",
      "countersEdge",
      "gatewayWebhook",
      "intentKey",
      "nats",
      "pgEdge",
      "redisEdge",
      "webhookKey"
    ])
    assert.deepStrictEqual(known(Environment.webhooks(parts)), ["nats", "pgWebhooks", "webhookKey"])
    assert.deepStrictEqual(known(Environment.media(parts)), ["mediaKey"])
    assert.deepStrictEqual(known(Environment.mediaClient(parts)), ["mediaKey"])
    assert.deepStrictEqual(known(Environment.search(parts, "eu")), ["nats", "pgSearch"])
    assert.deepStrictEqual(known(Environment.ops(parts)), ["nats", "pgOps"])
    assert.deepStrictEqual(known(Environment.identity(parts)), [
      "countersIdentity",
      "demoCustomer",
      "demoOperator",
      "demoOperatorTotp",
      "identityKey",
      "nats",
      "pgIdentity"
    ])
    assert.deepStrictEqual(known(Environment.identityStore(parts)), ["identityKey", "nats", "pgIdentity"])
    assert.deepStrictEqual(known(Environment.mail(parts)), [])
    assert.deepStrictEqual(known(Environment.gateway(parts)), ["gatewayKey", "gatewayWebhook"])
    assert.deepStrictEqual(known(Environment.carrier(parts)), ["carrierKey", "carrierWebhook"])
    assert.deepStrictEqual(known(Environment.auditor(parts)), ["nats", "pgAuditor"])
    assert.deepStrictEqual(known(Environment.prover(parts)), ["pgAuditor"])
    assert.deepStrictEqual(known(Environment.client(parts)), ["adminToken", "importToken", "pgReader"])
  })

  it("a runner sees the database of its region only, and its own metrics port", () => {
    const environment = Environment.runner(parts, { id: "eu-2", index: 1, region: "eu" })
    assert.strictEqual(
      environment["HALLES_PG_REGION_URL"],
      "postgres://halles_runner_eu:s-runner-eu@127.0.0.1:4402/halles_eu"
    )
    assert.strictEqual(environment["HALLES_METRICS_PORT"], "4411")
    assert.notInclude(Object.values(environment).join(), "halles_am")
  })

  it("passes on where programs are, and nothing that is not named", () => {
    const inherited = Environment.inherited({
      PATH: "/bin",
      OTEL_EXPORTER_OTLP_ENDPOINT: "x",
      AWS_SECRET: "y",
      PORT: "1"
    })
    assert.deepStrictEqual(inherited, { PATH: "/bin", OTEL_EXPORTER_OTLP_ENDPOINT: "x" })
  })

  it("gives each process those settings of the person that are for it, and no others", () => {
    const person = {
      HALLES_MEDIA_PUBLIC_URL: "https://media.example.com",
      HALLES_MEDIA_CLAMD: "127.0.0.1:3310",
      HALLES_MEDIA_S3_SECRET_ACCESS_KEY: "s3",
      HALLES_MEDIA_KEY: "not yours to set",
      HALLES_SSO_CLIENT_SECRET: "sso"
    }
    assert.deepStrictEqual(Environment.given("edge", person), { HALLES_MEDIA_PUBLIC_URL: "https://media.example.com" })
    assert.deepStrictEqual(Environment.given("media", person), {
      HALLES_MEDIA_CLAMD: "127.0.0.1:3310",
      HALLES_MEDIA_S3_SECRET_ACCESS_KEY: "s3"
    })
    assert.deepStrictEqual(Environment.given("identity", person), { HALLES_SSO_CLIENT_SECRET: "sso" })
    assert.deepStrictEqual(Environment.inherited(person), {})
  })

  it("changes the login of a URL and keeps the rest", () => {
    const url = "postgres://admin:old@db.example:5433/postgres?sslmode=require"
    const changed = Environment.withLogin(url, "halles_edge", "p/w", "halles_eu")
    assert.strictEqual(changed, "postgres://halles_edge:p%2Fw@db.example:5433/halles_eu?sslmode=require")
    assert.strictEqual(Environment.withoutLogin(changed), "postgres://db.example:5433/halles_eu?sslmode=require")
  })
})
