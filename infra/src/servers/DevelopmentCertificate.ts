import { Effect } from "effect"
import { X509Certificate } from "node:crypto"
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs"
import { dirname } from "node:path"
import { StateUnusable } from "../InfraErrors.ts"
import { certificateFile, certificateKeyFile, type Layout } from "../Layout.ts"

const daysValid = 90
const dayMs = 86_400_000
/** One that ends sooner is made anew. */
const daysLeftMin = 7

/** A self-signed certificate for this machine's own names; the key is its owner's alone. Somebody else's edge has its own. */
export const developmentCertificate = (layout: Layout): Effect.Effect<void, StateUnusable> => {
  const path = certificateFile(layout)
  const keyPath = certificateKeyFile(layout)
  return Effect.tryPromise({
    try: async () => {
      if (existsSync(keyPath) && lasts(path)) return
      // Loaded when one is made: it brings hundreds of modules, and a start waits for each.
      const { generate } = await import("selfsigned")
      const { cert, private: key } = await generate([{ name: "commonName", value: "localhost" }], {
        keyType: "ec",
        curve: "P-256",
        notAfterDate: new Date(Date.now() + daysValid * dayMs),
        extensions: [
          { name: "basicConstraints", cA: false },
          { name: "keyUsage", digitalSignature: true },
          { name: "extKeyUsage", serverAuth: true },
          {
            name: "subjectAltName",
            altNames: [
              { type: 2, value: "localhost" },
              { type: 7, ip: "127.0.0.1" },
              { type: 7, ip: "::1" }
            ]
          }
        ]
      })
      mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
      writeFileSync(`${keyPath}.new`, key, { mode: 0o600 })
      renameSync(`${keyPath}.new`, keyPath)
      writeFileSync(path, cert, { mode: 0o600 })
    },
    catch: (cause) => new StateUnusable({ path, reason: `cannot be made (${String(cause)})` })
  })
}

const lasts = (path: string): boolean =>
  existsSync(path) && new X509Certificate(readFileSync(path)).validToDate.getTime() > Date.now() + daysLeftMin * dayMs
