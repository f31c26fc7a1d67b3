import { renderSVG } from "uqr"
import { type Account, isStaff } from "./Accounts.ts"
import type { Consent } from "./Consents.ts"
import type { Owned } from "../factors/Factors.ts"
import { Html, html, type Part } from "../pages/Html.ts"
import * as Page from "../pages/HtmlPage.ts"
import type { Passkey } from "../factors/Passkeys.ts"
import { lengthMin } from "./Passwords.ts"
import { apiScopes, identityScopes } from "../oidc/Scopes.ts"
import type { SignedIn } from "../signin/Sessions.ts"
import { passkeyForm } from "../signin/SignInPages.ts"

const day = (at: Date): string => at.toISOString().slice(0, 10)

/** `Firefox on Linux`, as far as its own words tell. */
export const deviceName = (userAgent: string): string => {
  const browser = /(Firefox|Edg|OPR|Chrome|Safari)\//.exec(userAgent)?.[1] ?? "A browser"
  const system = /(Windows|Android|iPhone|iPad|Mac OS X|CrOS|Linux)/.exec(userAgent)?.[1]
  const name = { Edg: "Edge", OPR: "Opera" }[browser] ?? browser
  return system === undefined ? name : `${name} on ${system === "Mac OS X" ? "macOS" : system}`
}

const button = (form: Html, action: string, label: string, fields?: Part): Html =>
  html` <form method="post" action="${action}">${form}${fields}<button class="quiet small">${label}</button></form>`

const passkeys = (form: Html, list: ReadonlyArray<Passkey>, invitation: string | undefined): Html =>
  html` <h2>Passkeys</h2>
    <p class="hint">Sign in with your fingerprint, face or device lock instead of a password.</p>
    <ul class="rows">
      ${list.map(
        ({ created_at, id, name, used_at }) =>
          html` <li>
            <span
              >${name}
              <span class="meta">added ${day(created_at)}${used_at !== null && `, used ${day(used_at)}`}</span></span
            >
            ${button(form, "/account/passkeys/remove", "Remove", html`<input type="hidden" name="id" value="${id}" />`)}
          </li>`
      )}
    </ul>
    ${
      invitation === undefined
        ? html`<p class="hint">Passkeys need this site to be opened by a name, not by an address of numbers.</p>`
        : passkeyForm(form, {
            action: "/account/passkeys",
            kind: "create",
            options: invitation,
            label: "Add a passkey",
            fields: html`<label for="name">Name of this device</label
              ><input id="name" name="name" maxlength="60" placeholder="My laptop" />`
          })
    }`

const sessions = (form: Html, list: ReadonlyArray<SignedIn>, current: string): Html =>
  html` <h2>Where you are signed in</h2>
    <ul class="rows">
      ${list.map(
        ({ address, seenAt, uid, userAgent }) =>
          html` <li>
            <span
              >${deviceName(userAgent)}${uid === current && html` <strong>(this one)</strong>`}
              <span class="meta">${address}, ${day(seenAt)}</span></span
            >
            ${uid !== current && button(form, "/account/sessions/end", "Sign out", html`<input type="hidden" name="uid" value="${uid}" />`)}
          </li>`
      )}
    </ul>
    ${list.length > 1 && button(form, "/account/sessions/end-others", "Sign out everywhere else")}`

const applications = (form: Html, list: ReadonlyArray<Consent>): Part =>
  list.length > 0 &&
  html` <h2>Applications that you allowed</h2>
    <ul class="rows">
      ${list.map(
        ({ clientId, givenAt, name, scopes }) =>
          html` <li>
            <span
              >${name}
              <span class="meta">
                since ${day(givenAt)}:
                ${scopes.map((scope) => identityScopes[scope] ?? apiScopes[scope] ?? scope).join(", ")}
              </span></span
            >
            ${button(form, "/account/consents/end", "Take back", html`<input type="hidden" name="client" value="${clientId}" />`)}
          </li>`
      )}
    </ul>`

export interface Overview {
  readonly account: Account
  readonly consents: ReadonlyArray<Consent>
  readonly owned: Owned
  readonly passkeys: ReadonlyArray<Passkey>
  readonly sessions: ReadonlyArray<SignedIn>
  readonly current: string
  readonly invitation: string | undefined
  readonly error?: string | undefined
  readonly done?: string | undefined
}

export const overview = (form: Html, content: Overview): Page.PageOptions => {
  const { account, owned } = content
  const protectedTwice = owned.totp || owned.passkeys > 0
  return {
    title: "Your account",
    wide: true,
    script: content.invitation !== undefined,
    status: content.error === undefined ? 200 : 400,
    body: html` ${Page.notice("error", content.error)} ${Page.notice("done", content.done)}
      <p>${account.name}, <strong>${account.email}</strong> <a href="/account/email">Change the address</a></p>
      <p class="meta">${account.roles.join(", ")}</p>
      ${
        account.roles.some(isStaff) &&
        !account.vouched &&
        html`<p class="notice">
          Your role counts once you have set up a second factor with the code of who gave it to you:
          <a href="/enrol">set it up</a>.
        </p>`
      }
      ${
        account.password_hash !== null &&
        html` <h2>Password</h2>
          <form method="post" action="/account/password">
            ${form}
            <input type="email" name="email" value="${account.email}" autocomplete="username" hidden readonly />
            ${Page.currentPassword("Current password")}
            <label for="password">New password</label>
            <input
              id="password"
              name="password"
              type="password"
              required
              minlength="${lengthMin}"
              autocomplete="new-password"
            />
            <button class="quiet small">Change the password</button>
          </form>`
      }
      <h2>Codes from an app</h2>
      <p class="hint">
        ${
          owned.totp
            ? "Signing in asks for a code from your app."
            : "An app on your telephone shows a code that changes; signing in then asks for it too."
        }
      </p>
      ${
        owned.totp
          ? button(form, "/account/totp/remove", "Stop using codes")
          : html`<p><a class="button quiet small" href="/account/totp">Set up an app</a></p>`
      }
      ${
        protectedTwice &&
        html` <h2>Recovery codes</h2>
          <p class="hint">${owned.recoveryCodes} left. Each replaces a code or passkey once, should you lose yours.</p>
          ${button(form, "/account/recovery", "Make new recovery codes")}`
      }
      ${passkeys(form, content.passkeys, content.invitation)} ${sessions(form, content.sessions, content.current)}
      ${applications(form, content.consents)}
      <p class="links"><a href="/session/end">Sign out</a> <a href="/account/close">Close the account</a></p>`
  }
}

interface Proposed {
  readonly secret: string
  readonly uri: string
}

const appForm = (form: Html, action: string, { secret, uri }: Proposed): Html =>
  html` <p>Scan this with an authenticator app, or type the key into it.</p>
    <div class="qr" role="img" aria-label="QR code of the key below">${new Html(renderSVG(uri, { border: 1 }))}</div>
    <p>Key: <span class="secret">${secret.replaceAll(/(.{4})(?=.)/g, "$1 ")}</span></p>
    <form method="post" action="${action}">
      ${form}
      <label for="code">Code that the app shows</label>
      <input
        id="code"
        class="code"
        name="code"
        required
        inputmode="numeric"
        pattern="[0-9 ]*"
        maxlength="8"
        autocomplete="one-time-code"
        autofocus
      />
      <button>Turn on</button>
    </form>`

export const totp = (
  form: Html,
  { error, ...proposed }: Proposed & { readonly error?: string | undefined }
): Page.PageOptions => ({
  title: "Set up an app",
  status: error === undefined ? 200 : 400,
  body: html` ${Page.notice("error", error)} ${appForm(form, "/account/totp", proposed)}
    <p class="links"><a href="/account">Back</a></p>`
})

export const enrol = (
  form: Html,
  content: {
    readonly key: string
    readonly proposed: Proposed
    readonly invitation: string | undefined
    readonly error: string | undefined
  }
): Page.PageOptions => {
  const fields = html`${form}<input type="hidden" name="token" value="${content.key}" />`
  return {
    title: "Set up your second factor",
    status: content.error === undefined ? 200 : 400,
    script: content.invitation !== undefined,
    body: html` ${Page.notice("error", content.error)}
      <p class="hint">It takes the place of those that you have, and every device signs in again with it.</p>
      ${appForm(fields, "/enrol/totp", content.proposed)}
      ${
        content.invitation !== undefined &&
        passkeyForm(fields, {
          action: "/enrol/passkey",
          kind: "create",
          options: content.invitation,
          label: "Use a passkey instead"
        })
      }`
  }
}

export const recoveryCodes = (codes: ReadonlyArray<string>): Page.PageOptions => ({
  title: "Your recovery codes",
  body: html` <p>Keep them where you find them without your telephone. They are shown only now; each works once.</p>
    <ol class="codes">
      ${codes.map((code) => html`<li>${code}</li>`)}
    </ol>
    <p><a class="button" href="/account">I have kept them</a></p>`
})
