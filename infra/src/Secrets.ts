import { Effect, Schema } from "effect"
import { randomBytes } from "node:crypto"
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs"
import { StateUnusable } from "./InfraErrors.ts"
import { type Layout, secretsFile } from "./Layout.ts"

/** Every password and token of one cluster: 192 random bits each, in a file that only its owner reads. */
export class Secrets extends Schema.Class<Secrets>("Secrets")({
  pgAdmin: Schema.String,
  pgOwner: Schema.String,
  pgRunnerEu: Schema.String,
  pgRunnerAm: Schema.String,
  pgRunnerAp: Schema.String,
  pgEdge: Schema.String,
  pgReader: Schema.String,
  pgCheck: Schema.String,
  pgOps: Schema.String,
  pgIdentity: Schema.String,
  pgWebhooks: Schema.String,
  nats: Schema.String,
  redisEdge: Schema.String,
  redisRunner: Schema.String,
  redisHealth: Schema.String,
  countersEdge: Schema.String,
  countersIdentity: Schema.String,
  countersHealth: Schema.String,
  gatewayKey: Schema.String,
  gatewayWebhook: Schema.String,
  carrierKey: Schema.String,
  carrierWebhook: Schema.String,
  /** What signing keys, sessions and one-time secrets in the database are sealed with: losing it loses them. */
  identityKey: Schema.String,
  /** What the secrets of outgoing webhooks are sealed with. */
  webhookKey: Schema.String,
  /** What the edge names commands and new entities with, so that nobody finds the id of what somebody else made. */
  intentKey: Schema.String,
  /** Passwords of the two accounts that a laptop has from the start. */
  demoCustomer: Schema.String,
  demoOperator: Schema.String,
  /** What the second factor of the operator's comes from, as an app takes it: 160 random bits in base 32. */
  demoOperatorTotp: Schema.String,
  importToken: Schema.String,
  adminToken: Schema.String
}) {}

const decode = Schema.decodeUnknownSync(Secrets)

const names = Object.keys(Secrets.fields)
const base32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
const make = (name: string): string =>
  name === "demoOperatorTotp"
    ? Array.from(randomBytes(32), (byte) => base32[byte % 32]).join("")
    : randomBytes(24).toString("hex")

/** Reads the secrets of a layout; makes those that are missing, all of them the first time. */
export const secrets = (layout: Layout): Effect.Effect<Secrets, StateUnusable> => {
  const path = secretsFile(layout)
  return Effect.try({
    try: () => {
      const stored: unknown = existsSync(path) ? JSON.parse(readFileSync(path, "utf8")) : {}
      const present = new Set(Object.keys(Object(stored)))
      const missing = names.filter((name) => !present.has(name))
      const made = decode({
        ...Object.fromEntries(missing.map((name) => [name, make(name)])),
        ...Object(stored)
      })
      if (missing.length === 0) return made
      writeFileSync(`${path}.new`, `${JSON.stringify(made, null, 2)}\n`, { mode: 0o600 })
      renameSync(`${path}.new`, path)
      return made
    },
    catch: (cause) => new StateUnusable({ path, reason: `cannot be read or made (${String(cause)})` })
  })
}
