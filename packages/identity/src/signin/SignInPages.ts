import { accountClient } from "../oidc/FirstPartyClients.ts"
import { type Html, html, type Part } from "../pages/Html.ts"
import * as Page from "../pages/HtmlPage.ts"
import type { Interaction } from "./Interactions.ts"
import { apiScopes, identityScopes } from "../oidc/Scopes.ts"

const at = ({ details }: Interaction, path = ""): string => `/interaction/${details.uid}${path}`

const nameOf = ({ client }: Interaction): string => client.client_name ?? client.client_id

/** Hidden until the script finds that the browser can; `options` are the challenge. */
export const passkeyForm = (
  form: Html,
  options: {
    readonly action: string
    readonly kind: "get" | "create"
    readonly options: string
    readonly label: string
    readonly fields?: Part
  }
): Html =>
  html` <form
    method="post"
    action="${options.action}"
    data-passkey="${options.kind}"
    data-options="${options.options}"
    hidden
  >
    ${form}
    <input type="hidden" name="response" value="" />
    ${options.fields}
    <p class="notice error" role="alert" hidden>The passkey was not used. Try again, or go on without it.</p>
    <button class="quiet">${options.label}</button>
  </form>`

export const signIn = (
  interaction: Interaction,
  options: {
    readonly form: Html
    readonly error?: string
    readonly email?: string
    readonly passkey: string | undefined
    readonly sso: string | undefined
    readonly status?: number
  }
): Page.PageOptions => {
  const hint = options.email ?? interaction.details.params["login_hint"]
  const known = typeof hint === "string" && hint !== ""
  return {
    title: "Sign in",
    status: options.status ?? 200,
    formTarget: interaction.target,
    script: options.passkey !== undefined,
    body: html` <p class="hint">to go on to <strong>${nameOf(interaction)}</strong></p>
      ${Page.notice("error", options.error)}
      <form method="post" action="${at(interaction, "/password")}">
        ${options.form}
        <label for="email">E-mail</label>
        <input
          id="email"
          name="email"
          type="email"
          required
          maxlength="254"
          autocomplete="username"
          autofocus
          value="${known ? hint : ""}"
        />
        <label for="password">Password</label>
        <input id="password" name="password" type="password" required autocomplete="current-password" />
        <label class="check"
          ><input type="checkbox" name="remember" value="yes" /> Keep me signed in on this device</label
        >
        <button>Sign in</button>
      </form>
      ${
        options.passkey !== undefined &&
        passkeyForm(options.form, {
          action: at(interaction, "/passkey"),
          kind: "get",
          options: options.passkey,
          label: "Sign in with a passkey"
        })
      }
      ${
        options.sso !== undefined &&
        html`<p class="or">or</p>
          <a class="button quiet" href="${at(interaction, "/sso")}">Continue with ${options.sso}</a>`
      }
      <p class="links">
        <a href="/register?interaction=${interaction.details.uid}">Create an account</a>
        <a href="/forgot">Forgot your password?</a>
      </p>
      ${
        interaction.client.client_id !== accountClient &&
        html`<form method="post" action="${at(interaction, "/refuse")}">
          ${options.form}<button class="quiet small">Cancel, back to ${nameOf(interaction)}</button>
        </form>`
      }`
  }
}

export const secondFactor = (
  interaction: Interaction,
  options: {
    readonly form: Html
    readonly error?: string
    readonly passkey: string | undefined
    readonly totp: boolean
    readonly status?: number
  }
): Page.PageOptions => ({
  title: "Confirm that it is you",
  status: options.status ?? 200,
  formTarget: interaction.target,
  script: options.passkey !== undefined,
  body: html` ${Page.notice("error", options.error)}
    <form method="post" action="${at(interaction, "/second")}">
      ${options.form}
      <label for="code">${options.totp ? "Code from your app, or a recovery code" : "Recovery code"}</label>
      <input
        id="code"
        class="code"
        name="code"
        required
        autocomplete="one-time-code"
        spellcheck="false"
        maxlength="40"
        autofocus
      />
      <button>Continue</button>
    </form>
    ${
      options.passkey !== undefined &&
      passkeyForm(options.form, {
        action: at(interaction, "/passkey"),
        kind: "get",
        options: options.passkey,
        label: "Use a passkey"
      })
    }
    <p class="links"><a href="${at(interaction, "?again")}">Sign in as somebody else</a></p>`
})

export const consent = (
  interaction: Interaction,
  options: { readonly form: Html; readonly scopes: ReadonlyArray<string>; readonly email: string }
): Page.PageOptions => ({
  title: `Allow ${nameOf(interaction)}?`,
  formTarget: interaction.target,
  body: html` <p>
      <strong>${nameOf(interaction)}</strong> asks for your account <strong>${options.email}</strong>. It wants to:
    </p>
    <ul>
      ${options.scopes.map((scope) => html`<li>${identityScopes[scope] ?? apiScopes[scope] ?? scope}</li>`)}
    </ul>
    <form method="post" action="${at(interaction, "/consent")}">
      ${options.form}
      <button name="answer" value="yes" autofocus>Allow</button>
    </form>
    <form method="post" action="${at(interaction, "/refuse")}">
      ${options.form}<button class="quiet">Refuse</button>
    </form>`
})
