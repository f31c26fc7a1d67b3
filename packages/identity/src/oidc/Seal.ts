import { Context, Layer, Redacted } from "effect"
import { createCipheriv, createDecipheriv, createHmac, hkdfSync, randomBytes } from "node:crypto"

const ivBytes = 12
const tagBytes = 16

const derive = (key: Redacted.Redacted, info: string): Buffer =>
  Buffer.from(hkdfSync("sha256", Redacted.value(key), "halles-identity", info, 32))

/**
 * What lies in the database is of no use without the key of this process: private keys, one-time secrets and sessions are
 * sealed (AES-256-GCM, bound to their purpose), and what is looked up by a secret is stored by its digest (HMAC-SHA-256).
 */
export class Seal extends Context.Service<
  Seal,
  {
    readonly seal: (purpose: string, text: string) => string
    /** Throws when the text was sealed under another key or for another purpose: nothing that we wrote does. */
    readonly open: (purpose: string, sealed: string) => string
    readonly digest: (purpose: string, text: string) => string
  }
>()("@halles/identity/Seal") {
  static readonly layer = (key: Redacted.Redacted): Layer.Layer<Seal> =>
    Layer.sync(Seal, () => {
      const sealing = derive(key, "seal")
      const digesting = derive(key, "digest")
      return {
        seal: (purpose, text) => {
          const iv = randomBytes(ivBytes)
          const cipher = createCipheriv("aes-256-gcm", sealing, iv).setAAD(Buffer.from(purpose))
          const body = Buffer.concat([cipher.update(text, "utf8"), cipher.final()])
          return Buffer.concat([iv, cipher.getAuthTag(), body]).toString("base64url")
        },
        open: (purpose, sealed) => {
          const bytes = Buffer.from(sealed, "base64url")
          const decipher = createDecipheriv("aes-256-gcm", sealing, bytes.subarray(0, ivBytes))
            .setAAD(Buffer.from(purpose))
            .setAuthTag(bytes.subarray(ivBytes, ivBytes + tagBytes))
          return decipher.update(bytes.subarray(ivBytes + tagBytes), undefined, "utf8") + decipher.final("utf8")
        },
        digest: (purpose, text) => createHmac("sha256", digesting).update(`${purpose}\0${text}`).digest("base64url")
      }
    })
}
