import { Effect, Schema } from "effect"
import { randomBytes } from "node:crypto"
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs"
import { StateUnusable } from "./InfraErrors.ts"
import { type Layout, secretsFile } from "./Layout.ts"

/** Every password and token of one cluster: 192 random bits each, in a file that only its owner reads. */
export class Secrets extends Schema.Class<Secrets>("Secrets")({
  pgAdmin: Schema.String,
  pgOwner: Schema.String,
  pgRunner: Schema.String,
  pgEdge: Schema.String,
  pgReader: Schema.String,
  nats: Schema.String,
  redis: Schema.String,
  gatewayKey: Schema.String,
  gatewayWebhook: Schema.String,
  carrierKey: Schema.String,
  carrierWebhook: Schema.String,
  importToken: Schema.String,
  adminToken: Schema.String
}) {}

const decode = Schema.decodeUnknownSync(Secrets)

const generate = (): Secrets =>
  decode(Object.fromEntries(Object.keys(Secrets.fields).map((name) => [name, randomBytes(24).toString("hex")])))

/** Reads the secrets of a layout; makes them the first time. */
export const secrets = (layout: Layout): Effect.Effect<Secrets, StateUnusable> => {
  const path = secretsFile(layout)
  return Effect.try({
    try: () => {
      if (existsSync(path)) return decode(JSON.parse(readFileSync(path, "utf8")))
      const made = generate()
      writeFileSync(`${path}.new`, `${JSON.stringify(made, null, 2)}\n`, { mode: 0o600 })
      renameSync(`${path}.new`, path)
      return made
    },
    catch: (cause) => new StateUnusable({ path, reason: `cannot be read or made (${String(cause)})` })
  })
}
