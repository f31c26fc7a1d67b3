import * as WebhookSignature from "@halles/shared/security/WebhookSignature"
import type { Redacted as Secret } from "effect"
import { Redacted } from "effect"
import type { Credential } from "./World.ts"

/** What a fuzzer knows of an edge that it may use as the tools of the house do. */
export interface Keys {
  readonly importToken: Secret.Redacted
  readonly adminToken: Secret.Redacted
  readonly gatewayWebhook: Secret.Redacted
  readonly carrierWebhook: Secret.Redacted
  /** Tokens of people and partners, one for each role. */
  readonly people: ReadonlyArray<Credential>
}

/** A token that may be another one later. */
export const bearerOf = (name: string, token: () => string): Credential => ({
  name,
  headers: () => ({ authorization: `Bearer ${token()}` })
})
const bearer = (name: string, token: string): Credential => bearerOf(name, () => token)
const base64 = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url")

const none: Credential = { name: "nothing", headers: () => ({}) }

/** Tokens that must be refused, however they look. */
const wrong: ReadonlyArray<Credential> = [
  bearer("a token of nobody", "0123456789abcdef0123456789abcdef0123456789abcdef"),
  bearer(
    "an unsigned token",
    `${base64({ alg: "none", typ: "at+jwt", kid: "1" })}.${base64({ iss: "http://127.0.0.1", aud: "halles", sub: "root", roles: ["admin"], scope: "ops:write", exp: 4_000_000_000 })}.`
  ),
  { name: "another scheme", headers: () => ({ authorization: "Basic YWRtaW46YWRtaW4=" }) },
  { name: "half a header", headers: () => ({ authorization: "Bearer" }) },
  { name: "a partner's key of nobody", headers: () => ({ "x-api-key": "hk_00000000_0000000000000000000000" }) }
]

/** Signs what goes to a webhook as its sender does; elsewhere it is a client without credentials. */
const partner = ({ carrierWebhook, gatewayWebhook }: Keys): Credential => {
  const signatures = {
    "/webhooks/gateway": WebhookSignature.make([gatewayWebhook]),
    "/webhooks/carrier": WebhookSignature.make([carrierWebhook])
  } as const
  return {
    name: "a partner's signature",
    headers: ({ body, route }) => {
      const signature = route.path in signatures ? signatures[route.path as keyof typeof signatures] : undefined
      if (signature === undefined || body === undefined) return {}
      return { ...signature.sign({ id: `msg_${body.length}`, at: new Date(), body }) }
    }
  }
}

/** As often as each is wanted. */
export const credentials = (keys: Keys): ReadonlyArray<Credential> => {
  const importer = bearer("the import token", Redacted.value(keys.importToken))
  const administrator = bearer("the admin token", Redacted.value(keys.adminToken))
  const signed = partner(keys)
  return [
    none,
    signed,
    none,
    signed,
    importer,
    importer,
    administrator,
    administrator,
    administrator,
    administrator,
    signed,
    ...keys.people,
    ...wrong
  ]
}
