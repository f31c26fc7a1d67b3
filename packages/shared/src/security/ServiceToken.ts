import type { Redacted } from "effect"
import { type KeyObject, sign, verify } from "node:crypto"
import * as DerivedKey from "./DerivedKey.ts"

/** Our own tools: what puts goods on sale and replays orders, and what may do anything. */
export type ServiceName = "import" | "admin"

/** Of one that was just made. */
export const lifetimeMs = 24 * 3_600_000
/** One with less left than this is made anew by whoever keeps it: who begins something long has this long for it. */
export const leftMinMs = 23 * 3_600_000

const form = /^hs_(import|admin)_([0-9a-z]{1,11})_([A-Za-z0-9_-]{86})$/
const statement = (name: string, expires: string): Buffer => Buffer.from(`halles service token\n${name}\n${expires}`)

export const signingKey = (secret: Redacted.Redacted): KeyObject =>
  DerivedKey.signingKey(secret, "halles-services", "service-tokens")

/** `hs_import_<when it ends>_<signature>`: who has it is that tool until then. */
export const make = (key: KeyObject, name: ServiceName, expiresAtMs: number): string => {
  const expires = Math.floor(expiresAtMs).toString(36)
  return `hs_${name}_${expires}_${sign(null, statement(name, expires), key).toString("base64url")}`
}

/** When it ends, in Unix milliseconds; 0 if it is no token. Nothing is proved by this. */
export const expiryOf = (token: string): number => Number.parseInt(form.exec(token)?.[2] ?? "0", 36)

/** Whose token it is; `undefined` if it is none of this deployment's, `expired` if it was. */
export const read = (key: KeyObject, token: string, nowMs: number): ServiceName | "expired" | undefined => {
  const [, name, expires, signature] = form.exec(token) ?? []
  if (name === undefined || expires === undefined || signature === undefined) return undefined
  if (!verify(null, statement(name, expires), key, Buffer.from(signature, "base64url"))) return undefined
  return Number.parseInt(expires, 36) > nowMs ? (name as ServiceName) : "expired"
}
