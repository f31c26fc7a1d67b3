import { Redacted } from "effect"
import { createPrivateKey, createPublicKey, hkdfSync, type KeyObject, sign, verify } from "node:crypto"
import type { Anchor } from "./Anchors.ts"

/** RFC 8410: what stands before the 32 bytes of an Ed25519 key. */
const privatePrefix = Buffer.from("302e020100300506032b657004220420", "hex")

const statement = ({ hash, seq }: Anchor): Buffer => Buffer.from(`halles audit anchor\n${seq}\n${hash}`)

/**
 * The key that the end of the log is signed with (Ed25519). It follows from a secret of the deployment, so that it is in no
 * database and in no stream: who owns all of these can rewrite the log, but not sign what it came to.
 */
export const signingKey = (secret: Redacted.Redacted): KeyObject =>
  createPrivateKey({
    key: Buffer.concat([
      privatePrefix,
      Buffer.from(hkdfSync("sha256", Redacted.value(secret), "halles-identity", "audit-anchors", 32))
    ]),
    format: "der",
    type: "pkcs8"
  })

/** Its other half, for who verifies: 43 characters that are no secret. */
export const publicText = (key: KeyObject): string => createPublicKey(key).export({ format: "jwk" }).x ?? ""
export const publicKey = (text: string): KeyObject =>
  createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x: text }, format: "jwk" })

export const signed = (key: KeyObject, anchor: Anchor): Anchor => ({
  ...anchor,
  signature: sign(null, statement(anchor), key).toString("base64url")
})

export const isSignedBy = (keys: ReadonlyArray<KeyObject>, anchor: Anchor): boolean =>
  keys.some((key) => verify(null, statement(anchor), key, Buffer.from(anchor.signature ?? "", "base64url")))
