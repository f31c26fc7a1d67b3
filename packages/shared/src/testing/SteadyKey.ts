import { createHash } from "node:crypto"

/** An idempotency key that is as good as random to who sees it, and the same for the same text: tools repeat their runs. */
export const steadyKey = (text: string): string => {
  const digits = createHash("sha256").update(text).digest("hex")
  const random = `${digits.slice(8, 12)}-4${digits.slice(13, 16)}-8${digits.slice(17, 20)}`
  return `${digits.slice(0, 8)}-${random}-${digits.slice(20, 32)}`
}
