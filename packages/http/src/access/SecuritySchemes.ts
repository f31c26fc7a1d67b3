import type { OpenAPISecurityRequirement, OpenAPISecurityScheme, OpenAPISpec } from "effect/http-api/OpenApi"
import type { Rule } from "@halles/shared/wire/AccessRule"
import { Scope } from "@halles/shared/security/Authority"

/** What each scope lets a client do, as the consent page and the document say it. */
const scopes: Readonly<Record<Scope, string>> = {
  "catalog:read": "See what is not on sale yet",
  "catalog:write": "Put products on sale and change them",
  "carts:write": "See and fill carts",
  "orders:read": "See orders",
  "orders:write": "Place, cancel and return orders",
  "customers:read": "See customers",
  "customers:write": "Change customers",
  "stock:read": "See stock by warehouse",
  "stock:write": "Count, receive and adjust stock",
  "payments:write": "Capture, refund and void payments",
  "webhooks:manage": "Manage webhook endpoints",
  "keys:manage": "Manage partners' keys",
  "audit:read": "Read the audit log",
  "ops:read": "See the state of the system",
  "ops:write": "Operate the system"
}

const schemes = (issuer: string) => ({
  oauth2: {
    type: "oauth2",
    description:
      "OAuth 2.1: authorization code with PKCE for people, client credentials for programs. All about the issuer stands in its " +
      "`/.well-known/openid-configuration`.",
    flows: {
      authorizationCode: {
        authorizationUrl: `${issuer}/auth`,
        tokenUrl: `${issuer}/token`,
        refreshUrl: `${issuer}/token`,
        scopes
      },
      clientCredentials: { tokenUrl: `${issuer}/token`, scopes }
    }
  },
  bearer: {
    type: "http",
    scheme: "bearer",
    bearerFormat: "JWT",
    description: "An access token of the issuer (RFC 9068)."
  },
  partnerKey: {
    type: "apiKey",
    in: "header",
    name: "x-api-key",
    description: "A partner's key, `hk_…`; as bearer token too."
  }
})

/** Alternatives, each of which is enough. A role may be needed besides, which the document cannot say. */
const requirements = (rule: Rule | undefined): Array<OpenAPISecurityRequirement> => {
  if (rule === undefined || rule.open === "everybody" || rule.open === "signer") return []
  const needed = [...rule.scopes]
  const closed: Array<OpenAPISecurityRequirement> = [{ oauth2: needed }, { bearer: needed }]
  if (rule.roles.partner !== undefined) closed.push({ partnerKey: needed })
  return rule.open === "holder" ? [{}, ...closed] : closed
}

/** The document with where tokens come from, and what the rule of each operation asks. */
export const secured = (
  spec: OpenAPISpec,
  issuer: string,
  rules: ReadonlyMap<string, Rule | undefined>
): OpenAPISpec => ({
  ...spec,
  components: {
    ...spec.components,
    // The builder's own type knows no OAuth 2.
    securitySchemes: schemes(issuer) as unknown as Record<string, OpenAPISecurityScheme>
  },
  paths: Object.fromEntries(
    Object.entries(spec.paths).map(([path, item]) => [
      path,
      Object.fromEntries(
        Object.entries(item).map(([method, operation]) => [
          method,
          "operationId" in operation
            ? { ...operation, security: requirements(rules.get(operation.operationId)) }
            : operation
        ])
      )
    ])
  )
})
