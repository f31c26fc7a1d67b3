import { Effect } from "effect"
import { type ClientMetadata, Clients } from "./Clients.ts"
import { apiScopes } from "./Scopes.ts"

export const accountClient = "halles-account"

const device = "urn:ietf:params:oauth:grant-type:device_code"
const shopping = "carts:write orders:read orders:write customers:read customers:write catalog:read"

export interface ClientAddresses {
  readonly issuer: string
  /** Where the shop's web application is sent back to; the same with any path below is not enough. */
  readonly shop: ReadonlyArray<string>
  readonly ops: ReadonlyArray<string>
}

/** Our own applications. All but the account pages prove themselves by PKCE; none has a secret. */
const clients = ({ issuer, ops, shop }: ClientAddresses): Readonly<Record<string, ClientMetadata>> => ({
  "halles-shop": {
    client_name: "Halles shop",
    first_party: true,
    redirect_uris: shop,
    post_logout_redirect_uris: shop,
    grant_types: ["authorization_code", "refresh_token"],
    scope: `openid profile email offline_access ${shopping}`
  },
  "halles-ops": {
    client_name: "Halles operations",
    first_party: true,
    staff_only: true,
    redirect_uris: ops,
    post_logout_redirect_uris: ops,
    grant_types: ["authorization_code", "refresh_token"],
    scope: `openid profile email offline_access ${Object.keys(apiScopes).join(" ")}`
  },
  "halles-cli": {
    client_name: "Halles command line",
    first_party: true,
    redirect_uris: [],
    response_types: [],
    grant_types: [device, "refresh_token"],
    scope: `openid profile email offline_access ${Object.keys(apiScopes).join(" ")}`
  },
  [accountClient]: {
    client_name: "your account",
    first_party: true,
    redirect_uris: [`${issuer}/account`],
    post_logout_redirect_uris: [`${issuer}/account`],
    grant_types: ["authorization_code"],
    response_types: ["none"],
    scope: "openid"
  }
})

/** Registers our own clients, or brings them up to date. Doing it again changes nothing. */
export const putFirstPartyClients = Effect.fn("FirstPartyClients.put")(function* (addresses: ClientAddresses) {
  const { put } = yield* Clients
  yield* Effect.forEach(Object.entries(clients(addresses)), ([id, metadata]) => put(id, metadata), { discard: true })
})
