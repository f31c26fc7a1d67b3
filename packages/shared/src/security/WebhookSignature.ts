import { type Array, Redacted, Result, Schema } from "effect"
import { Webhook } from "standardwebhooks"

/** The headers of Standard Webhooks 1.0: a message id, the seconds since 1970 at which this attempt was signed, the signatures. */
export interface SignedHeaders {
  readonly "webhook-id": string
  readonly "webhook-timestamp": string
  readonly "webhook-signature": string
}

/** The webhook was not signed by a holder of the secret, or more than 5 minutes away from our clock. */
export class SignatureRefused extends Schema.TaggedError<SignatureRefused>()("SignatureRefused", {
  cause: Schema.Defect()
}) {}

/** `whsec_` and the base64 of the key. Several while a secret is replaced: the sender signs with each, one match suffices. */
export type Secrets = Array.NonEmptyReadonlyArray<Redacted.Redacted>

export interface WebhookSignature {
  /** Signs one attempt; a repeated attempt keeps the id and takes a new `at`. */
  readonly sign: (message: { readonly id: string; readonly at: Date; readonly body: string }) => SignedHeaders
  /** Checks the body exactly as it arrived, before it is parsed; constant-time. Names of headers are lower case. */
  readonly verify: (
    headers: Readonly<Record<string, string | undefined>>,
    body: string
  ) => Result.Result<void, SignatureRefused>
}

/** Throws when a secret is not base64 or empty: call it where the process starts. */
export const make = (secrets: Secrets): WebhookSignature => {
  const webhooks = secrets.map((secret) => new Webhook(Redacted.value(secret)))
  return {
    sign: ({ at, body, id }) => ({
      "webhook-id": id,
      "webhook-timestamp": String(Math.floor(at.getTime() / 1000)),
      "webhook-signature": webhooks.map((webhook) => webhook.sign(id, at, body)).join(" ")
    }),
    verify: (headers, body) => {
      const signed = {
        "webhook-id": headers["webhook-id"] ?? "",
        "webhook-timestamp": headers["webhook-timestamp"] ?? "",
        "webhook-signature": headers["webhook-signature"] ?? ""
      }
      let refusal: unknown
      for (const webhook of webhooks) {
        try {
          webhook.verify(body, signed, { jsonParse: false })
          return Result.void
        } catch (cause) {
          refusal = cause
        }
      }
      return Result.fail(new SignatureRefused({ cause: refusal }))
    }
  }
}
