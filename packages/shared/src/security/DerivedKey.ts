import { Redacted } from "effect"
import { createPrivateKey, createPublicKey, hkdfSync, type KeyObject } from "node:crypto"

/** RFC 8410: what stands before the 32 bytes of an Ed25519 key. */
const privatePrefix = Buffer.from("302e020100300506032b657004220420", "hex")

/** A key to sign with (Ed25519) that follows from a secret of the deployment, and is written down nowhere. */
export const signingKey = (secret: Redacted.Redacted, salt: string, purpose: string): KeyObject =>
  createPrivateKey({
    key: Buffer.concat([privatePrefix, Buffer.from(hkdfSync("sha256", Redacted.value(secret), salt, purpose, 32))]),
    format: "der",
    type: "pkcs8"
  })

/** Its other half, for who verifies: 43 characters that are no secret. */
export const publicText = (key: KeyObject): string => createPublicKey(key).export({ format: "jwk" }).x ?? ""
export const publicKey = (text: string): KeyObject =>
  createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x: text }, format: "jwk" })
