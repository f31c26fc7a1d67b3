import type { Redacted } from "effect"
import { type KeyObject, sign, verify } from "node:crypto"
import * as DerivedKey from "../security/DerivedKey.ts"
import type { Anchor } from "./Anchors.ts"

const statement = ({ hash, seq }: Anchor): Buffer => Buffer.from(`halles audit anchor\n${seq}\n${hash}`)

/**
 * The key that the end of the log is signed with. It is in no database and in no stream: who owns all of these can rewrite the
 * log, but not sign what it came to.
 */
export const signingKey = (secret: Redacted.Redacted): KeyObject =>
  DerivedKey.signingKey(secret, "halles-identity", "audit-anchors")

export const signed = (key: KeyObject, anchor: Anchor): Anchor => ({
  ...anchor,
  signature: sign(null, statement(anchor), key).toString("base64url")
})

export const isSignedBy = (keys: ReadonlyArray<KeyObject>, anchor: Anchor): boolean =>
  keys.some((key) => verify(null, statement(anchor), key, Buffer.from(anchor.signature ?? "", "base64url")))
