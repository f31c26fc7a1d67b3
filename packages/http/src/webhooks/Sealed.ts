import { Redacted } from "effect"
import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from "node:crypto"

const nonceBytes = 12
const tagBytes = 16

/** Seals small secrets for the database, by AES-256-GCM: nonce, tag, text. `about` is bound to it, so that none is moved. */
export interface Sealed {
  readonly seal: (about: string, text: string) => Buffer
  /** Throws when it was sealed with another key or for something else, or has been changed. */
  readonly open: (about: string, sealed: Uint8Array) => string
}

export const make = (key: Redacted.Redacted): Sealed => {
  const derived = Buffer.from(hkdfSync("sha256", Redacted.value(key), "", "halles webhook secrets", 32))
  return {
    seal: (about, text) => {
      const nonce = randomBytes(nonceBytes)
      const cipher = createCipheriv("aes-256-gcm", derived, nonce).setAAD(Buffer.from(about))
      const body = Buffer.concat([cipher.update(text, "utf8"), cipher.final()])
      return Buffer.concat([nonce, cipher.getAuthTag(), body])
    },
    open: (about, sealed) => {
      const bytes = Buffer.from(sealed)
      const opener = createDecipheriv("aes-256-gcm", derived, bytes.subarray(0, nonceBytes))
        .setAAD(Buffer.from(about))
        .setAuthTag(bytes.subarray(nonceBytes, nonceBytes + tagBytes))
      return Buffer.concat([opener.update(bytes.subarray(nonceBytes + tagBytes)), opener.final()]).toString("utf8")
    }
  }
}
