import { oneFactor, twoFactors } from "@halles/shared/security/Authority"
import { Option } from "effect"
import Oidc, { type Configuration, errors, interactionPolicy, type KoaContextWithOIDC } from "oidc-provider"
import { type Account, isStaff, rolesOf } from "../accounts/Accounts.ts"
import type { ClientMetadata } from "./Clients.ts"
import { html } from "../pages/Html.ts"
import * as Page from "../pages/HtmlPage.ts"
import { apiScopes, identityScopes } from "./Scopes.ts"
import type { SigningKey } from "./SigningKeys.ts"

/** The API as a resource (RFC 8707), asked for when nothing else is; its tokens have `audience`. */
export const resource = "urn:halles:api"
export const audience = "halles"

/** How sure we are: one factor, or two (a passkey counts as two, being had and unlocked). */

/** Lifetimes in seconds. A person stays signed in for two weeks after the last use; a refresh token of a browser does not slide. */
const ttl = {
  AccessToken: 600,
  AuthorizationCode: 60,
  ClientCredentials: 600,
  DeviceCode: 600,
  Grant: 14 * 86_400,
  IdToken: 600,
  Interaction: 1_800,
  RefreshToken: 14 * 86_400,
  Session: 14 * 86_400
}

export interface ProviderOptions {
  readonly issuer: string
  readonly keys: ReadonlyArray<SigningKey>
  readonly cookieKey: string
  readonly adapter: NonNullable<Configuration["adapter"]>
  readonly findAccount: (id: string) => Promise<Option.Option<Account>>
  /** What a person allowed a client before, in whatever browser. */
  readonly consented: (accountId: string, clientId: string) => Promise<ReadonlyArray<string>>
  readonly secretDigest: (secret: string) => string
  /** The id of the refresh token that comes after another one. */
  readonly successor: (id: string) => string
}

const scopesOf = (client: { readonly scope?: string | undefined }): ReadonlyArray<string> =>
  client.scope?.split(" ") ?? [...Object.keys(apiScopes), ...Object.keys(identityScopes)]
const apiScopesOf = (client: { readonly scope?: string | undefined }): string =>
  scopesOf(client)
    .filter((scope) => scope in apiScopes)
    .join(" ")

/**
 * Nobody is asked for consent to a client of ours: its whole scope is granted, and its tokens hold what it asks for. Another one
 * has what this person allowed it; more than that is asked for.
 */
const existingGrant = (consented: ProviderOptions["consented"]) => async (ctx: KoaContextWithOIDC) => {
  const { client, provider, result, session } = ctx.oidc
  if (client === undefined) return undefined
  const known = result?.consent?.grantId ?? session?.grantIdFor(client.clientId)
  const found = known === undefined ? undefined : await provider.Grant.find(known)
  // One that was ended, since a token of it came twice for example, is made anew: whoever signed in here still is.
  if (found !== undefined) return found
  if (session?.accountId === undefined) return undefined
  const allowed =
    client["first_party"] === true ? scopesOf(client) : await consented(session.accountId, client.clientId)
  if (allowed.length === 0) return undefined
  const grant = new provider.Grant({ clientId: client.clientId, accountId: session.accountId })
  grant.addOIDCScope(allowed.join(" "))
  grant.addResourceScope(resource, allowed.filter((scope) => scope in apiScopes).join(" "))
  await grant.save()
  return grant
}

/** Which account, factors and session a token comes from: what it is redeemed with knows. */
const sourceOf = (ctx: KoaContextWithOIDC) => {
  const { AuthorizationCode, DeviceCode, RefreshToken } = ctx.oidc.entities
  return RefreshToken ?? AuthorizationCode ?? DeviceCode
}

const claimsOf = (account: Account, acr: string) => ({
  roles: rolesOf(account, acr),
  ...(account.customer_id === null ? {} : { customer_id: account.customer_id }),
  ...(account.region === null ? {} : { region: account.region })
})

const policy = () => {
  const made = interactionPolicy.base()
  made.get("login")?.checks.add(
    new interactionPolicy.Check("staff_only", "this application is for staff", (ctx) => {
      const { account, client } = ctx.oidc
      const refused =
        client?.["staff_only"] === true &&
        account !== undefined &&
        !rolesOf(account["found"] as Account, ctx.oidc.session?.acr).some(isStaff)
      return refused ? interactionPolicy.Check.REQUEST_PROMPT : interactionPolicy.Check.NO_NEED_TO_PROMPT
    })
  )
  made.get("login")?.checks.add(
    new interactionPolicy.Check("two_factors", "this application asks for a sign-in with two factors", (ctx) => {
      const acrValues = String(ctx.oidc.params?.["acr_values"] ?? "").split(" ")
      // Who has just signed in has shown what they have: an application may still let them look (RFC 9470).
      const weaker =
        acrValues.includes(twoFactors) && ctx.oidc.session?.acr !== twoFactors && ctx.oidc.result?.login === undefined
      return weaker ? interactionPolicy.Check.REQUEST_PROMPT : interactionPolicy.Check.NO_NEED_TO_PROMPT
    })
  )
  return made
}

const render = (ctx: KoaContextWithOIDC, options: Page.PageOptions): void => {
  ctx.set(Page.headers(options))
  ctx.type = "html"
  ctx.body = Page.document(options)
}

const deviceForm = (ctx: KoaContextWithOIDC, id: string) =>
  html` <input
    form="${id}"
    type="hidden"
    name="xsrf"
    value="${String(ctx.oidc.session?.["state"]?.["secret"] ?? "")}"
  />`

const devicePages: NonNullable<NonNullable<Configuration["features"]>["deviceFlow"]> = {
  enabled: true,
  userCodeInputSource: (ctx, _form, _out, error) => {
    const wrong = error !== undefined && error !== null
    render(ctx, {
      title: "Connect a device",
      body: html` ${Page.notice("error", wrong ? "That code is not known, has expired or was used. Look at your device again." : undefined)}
        <p>Enter the code that your device shows.</p>
        <form id="device" method="post" action="${ctx.oidc.urlFor("code_verification")}">
          ${deviceForm(ctx, "device")}
          <label for="user_code">Code</label>
          <input
            id="user_code"
            class="code"
            name="user_code"
            required
            autocomplete="off"
            autocapitalize="characters"
            spellcheck="false"
            maxlength="20"
            autofocus
          />
          <button>Continue</button>
        </form>`
    })
  },
  userCodeConfirmSource: (ctx, form, client, device, userCode) => {
    render(ctx, {
      title: "Is this your device?",
      body: html` <p>
          <strong>${client.clientName ?? client.clientId}</strong> wants to use your account. It shows this code:
        </p>
        <p class="code"><code>${userCode}</code></p>
        <p class="hint">
          It asked from ${String(device["ip"] ?? "an unknown address")}. If you did not start this on a device in front
          of you, refuse: whoever sent you the code could use your account.
        </p>
        <form id="device" method="post" action="${ctx.oidc.urlFor("code_verification")}">
          ${deviceForm(ctx, "device")}
          <input type="hidden" name="user_code" value="${/name="user_code" value="([^"]*)"/.exec(form)?.[1] ?? ""}" />
          <input type="hidden" name="confirm" value="yes" />
          <button>Yes, continue</button>
          <button class="quiet" name="abort" value="yes">Refuse</button>
        </form>`
    })
  },
  successSource: (ctx) => {
    render(ctx, {
      title: "Device connected",
      body: html`<p>You may close this page and go on at your device.</p>`
    })
  }
}

const logoutPages: NonNullable<NonNullable<Configuration["features"]>["rpInitiatedLogout"]> = {
  enabled: true,
  logoutSource: (ctx) => {
    render(ctx, {
      title: "Sign out?",
      formTarget: ctx.oidc.params?.["post_logout_redirect_uri"] as string | undefined,
      body: html` <p>You will be signed out of Halles in this browser.</p>
        <form id="logout" method="post" action="${ctx.oidc.urlFor("end_session_confirm")}">
          ${deviceForm(ctx, "logout")}
          <button name="logout" value="yes">Sign out</button>
          <button class="quiet">Stay signed in</button>
        </form>`
    })
  },
  postLogoutSuccessSource: (ctx) => {
    render(ctx, {
      title: "Signed out",
      body: html`<p>You are signed out.</p>
        <p><a href="/account">Sign in again</a></p>`
    })
  }
}

/** The authorization server as we configure it; what it stores, and what people see of it, is ours. */
export const makeProvider = (options: ProviderOptions): Oidc => {
  const provider = new Oidc(options.issuer, {
    adapter: options.adapter,
    jwks: { keys: options.keys },
    acrValues: [oneFactor, twoFactors],
    claims: {
      openid: ["sub", "acr", "amr", "auth_time", "sid"],
      email: ["email", "email_verified"],
      profile: ["name", "customer_id"]
    },
    scopes: [...Object.keys(apiScopes), "openid", "offline_access"],
    clientBasedCORS: (_ctx, origin, client) =>
      client.clientAuthMethod === "none" &&
      (client.redirectUris ?? []).some((uri) => URL.parse(uri)?.origin === origin),
    clientDefaults: {
      id_token_signed_response_alg: "ES256",
      token_endpoint_auth_method: "none",
      grant_types: ["authorization_code"],
      response_types: ["code"]
    },
    conformIdTokenClaims: false,
    cookies: {
      keys: [options.cookieKey],
      names: { session: "halles_session", interaction: "halles_interaction", resume: "halles_resume" },
      long: { httpOnly: true, sameSite: "lax", signed: true },
      short: { httpOnly: true, sameSite: "lax", signed: true }
    },
    enabledJWA: {
      idTokenSigningAlgValues: ["ES256"],
      clientAuthSigningAlgValues: ["ES256", "EdDSA", "PS256", "RS256"]
    },
    expiresWithSession: (_ctx, source) => !source.scopes.has("offline_access"),
    extraClientMetadata: { properties: ["first_party", "roles", "region", "staff_only"] },
    extraTokenClaims: async (ctx, token) => {
      const client = ctx.oidc.client as unknown as ClientMetadata
      if (token.kind === "ClientCredentials") {
        return { roles: client.roles ?? [], ...(client.region === undefined ? {} : { region: client.region }) }
      }
      const account = await options.findAccount(token.accountId)
      const source = sourceOf(ctx)
      return Option.match(account, {
        onNone: () => undefined,
        onSome: (found) => ({
          ...claimsOf(found, source?.acr ?? oneFactor),
          acr: source?.acr ?? oneFactor,
          amr: source?.amr ?? [],
          ...(token.sessionUid === undefined ? {} : { sid: token.sessionUid }),
          ...(token.grantId === undefined ? {} : { grant_id: token.grantId })
        })
      })
    },
    features: {
      clientCredentials: { enabled: true },
      deviceFlow: devicePages,
      devInteractions: { enabled: false },
      introspection: { enabled: true, allowedPolicy: (_ctx, client, token) => token.clientId === client.clientId },
      pushedAuthorizationRequests: { enabled: true },
      revocation: { enabled: true, allowedPolicy: (_ctx, client, token) => token.clientId === client.clientId },
      rpInitiatedLogout: logoutPages,
      userinfo: { enabled: false },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => resource,
        useGrantedResource: () => true,
        getResourceServerInfo: (_ctx, indicator, client) => {
          if (indicator !== resource) throw new errors.InvalidTarget()
          return {
            scope: apiScopesOf(client),
            audience,
            accessTokenFormat: "jwt",
            accessTokenTTL: ttl.AccessToken,
            jwt: { sign: { alg: "ES256", ...(options.keys[0] === undefined ? {} : { kid: options.keys[0].kid }) } }
          }
        }
      }
    },
    findAccount: async (_ctx, id) => {
      const found = Option.getOrUndefined(await options.findAccount(id))
      return (
        found && {
          accountId: found.id,
          found,
          claims: () => ({
            sub: found.id,
            email: found.email,
            email_verified: true,
            name: found.name,
            ...(found.customer_id === null ? {} : { customer_id: found.customer_id })
          })
        }
      )
    },
    interactions: { url: (_ctx, interaction) => `/interaction/${interaction.uid}`, policy: policy() },
    issueRefreshToken: (_ctx, client) => client.grantTypeAllowed("refresh_token"),
    loadExistingGrant: existingGrant(options.consented),
    pkce: { required: () => true },
    renderError: (ctx, out) => {
      render(ctx, {
        title: "That did not work",
        body: html` <p>The application's request was not understood or is too old. Go back to it and start again.</p>
          <p class="meta">${out.error}${out.error_description !== undefined && html`: ${out.error_description}`}</p>`
      })
    },
    responseTypes: ["code", "none"],
    rotateRefreshToken: true,
    ttl
  })
  // TLS may end before us: the scheme is then told by a header, which only `OidcHttp.ts` writes.
  provider.proxy = true
  // Secrets are stored by their digest, and compared by it.
  const prototype = provider.Client.prototype as unknown as Record<string, unknown>
  prototype["compareClientSecret"] = function (this: { readonly clientSecret: string }, given: string) {
    return options.secretDigest(given) === this.clientSecret
  }
  // Who asks twice for the successor of one token gets the same one.
  const refreshToken = provider.RefreshToken.prototype as unknown as { generateTokenId: () => string }
  const random = refreshToken.generateTokenId
  refreshToken.generateTokenId = function () {
    const rotated = Oidc.ctx?.oidc.entities.RotatedRefreshToken
    return rotated === undefined ? random.call(this) : options.successor(rotated.jti)
  }
  return provider
}
