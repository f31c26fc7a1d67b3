import * as ServiceToken from "@halles/shared/security/ServiceToken"
import { Effect, Redacted, Schema } from "effect"
import { randomBytes } from "node:crypto"
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs"
import { StateUnusable } from "../InfraErrors.ts"
import { type Layout, secretsFile } from "../Layout.ts"

/** Every password and token of one cluster: 192 random bits each, in a file that only its owner reads. */
export class Secrets extends Schema.Class<Secrets>("Secrets")({
  pgAdmin: Schema.String,
  pgOwner: Schema.String,
  pgRunnerEu: Schema.String,
  pgRunnerAm: Schema.String,
  pgRunnerAp: Schema.String,
  pgEdge: Schema.String,
  pgReader: Schema.String,
  pgSearch: Schema.String,
  pgAuditor: Schema.String,
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
  /** What edge and runners sign addresses of pictures and passes for the media process with. */
  mediaKey: Schema.String,
  /** Passwords of the two accounts that a laptop has from the start. */
  demoCustomer: Schema.String,
  demoOperator: Schema.String,
  /** What the second factor of the operator's comes from, as an app takes it: 160 random bits in base 32. */
  demoOperatorTotp: Schema.String,
  /** What the tokens of our own tools are made with. */
  serviceKey: Schema.String,
  /** These two end after a day, and are made anew before: by the supervisor, and by every tool that reads them. */
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

/** Tokens that last, instead of those that are missing or end soon. */
const renewed = (made: Secrets, nowMs: number): Secrets => {
  const key = ServiceToken.signingKey(Redacted.make(made.serviceKey))
  const token = (present: string, name: ServiceToken.ServiceName) =>
    ServiceToken.expiryOf(present) > nowMs + ServiceToken.leftMinMs
      ? present
      : ServiceToken.make(key, name, nowMs + ServiceToken.lifetimeMs)
  return new Secrets({
    ...made,
    importToken: token(made.importToken, "import"),
    adminToken: token(made.adminToken, "admin")
  })
}

/** Reads the secrets of a layout; makes those that are missing, all of them the first time, and tokens that end soon anew. */
export const secrets = (layout: Layout): Effect.Effect<Secrets, StateUnusable> => {
  const path = secretsFile(layout)
  return Effect.try({
    try: () => {
      const text = existsSync(path) ? readFileSync(path, "utf8") : "{}"
      const stored: unknown = JSON.parse(text)
      const present = new Set(Object.keys(Object(stored)))
      const missing = names.filter((name) => !present.has(name))
      const made = renewed(
        decode({
          ...Object.fromEntries(missing.map((name) => [name, make(name)])),
          ...Object(stored)
        }),
        Date.now()
      )
      const written = `${JSON.stringify(made, null, 2)}\n`
      if (written === text) return made
      // Two may do this at the same time: each writes a whole file, and the tokens of both are good.
      const own = `${path}.${process.pid}.new`
      writeFileSync(own, written, { mode: 0o600 })
      renameSync(own, path)
      return made
    },
    catch: (cause) => new StateUnusable({ path, reason: `cannot be read or made (${String(cause)})` })
  })
}

/** Keeps the tokens in the file good for as long as somebody supervises the cluster. */
export const keepRenewed = (layout: Layout): Effect.Effect<void> =>
  secrets(layout).pipe(
    Effect.catch((error) => Effect.logWarning("The tokens of our tools could not be made anew", error.message)),
    Effect.delay("10 minutes"),
    Effect.forever
  )
