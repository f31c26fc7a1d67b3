import { HttpServerResponse } from "effect/http"
import { html, type Part } from "./Html.ts"

export interface PageOptions {
  readonly title: string
  readonly body: Part
  readonly status?: number
  /** Where forms of this page may lead beside here: the application that asked for the sign-in. */
  readonly formTarget?: string | undefined
  /** With the script of passkeys, the only one there is. */
  readonly script?: boolean
  readonly wide?: boolean
}

/** The whole document. Nothing in it is inline: style and script are files of ours. */
export const document = ({ body, script = false, title, wide = false }: PageOptions): string =>
  html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>${title} · Halles</title>
        <link rel="stylesheet" href="/assets/style.css" />
        <link rel="icon" href="/assets/mark.svg" type="image/svg+xml" />
        ${script && html`<script src="/assets/passkey.js" defer></script>`}
      </head>
      <body>
        <a class="skip" href="#main">Skip to content</a>
        <main id="main" class="${wide ? "card wide" : "card"}">
          <p class="brand"><img src="/assets/mark.svg" alt="" width="28" height="28" /> Halles</p>
          <h1>${title}</h1>
          ${body}
        </main>
      </body>
    </html> `.text

/** Origin of a redirect address, as a policy's source; an application's own scheme is one too. */
const source = (uri: string | undefined): string => {
  if (uri === undefined || !URL.canParse(uri)) return ""
  const { origin, protocol } = new URL(uri)
  return origin === "null" ? ` ${protocol}` : ` ${origin}`
}

export const headers = (options: Pick<PageOptions, "formTarget">): Readonly<Record<string, string>> => ({
  "content-security-policy": [
    "default-src 'none'",
    "style-src 'self'",
    "script-src 'self'",
    "img-src 'self'",
    // Chromium holds a form's redirects to it too: the way back to the application ends there.
    `form-action 'self'${source(options.formTarget)}`,
    "base-uri 'none'",
    "frame-ancestors 'none'"
  ].join("; "),
  "cache-control": "no-store",
  "referrer-policy": "same-origin",
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
  "cross-origin-opener-policy": "same-origin",
  "permissions-policy": "publickey-credentials-get=(self), publickey-credentials-create=(self)"
})

export const page = (options: PageOptions): HttpServerResponse.HttpServerResponse =>
  HttpServerResponse.text(document(options), {
    status: options.status ?? 200,
    contentType: "text/html; charset=utf-8",
    headers: headers(options)
  })

/** What went wrong or right, read out by screen readers; nothing when there is nothing to say. */
export const notice = (kind: "error" | "done", text: string | undefined): Part =>
  text !== undefined && html`<p class="notice ${kind}" role="${kind === "error" ? "alert" : "status"}">${text}</p>`

/** The password that somebody who is signed in gives once more, field `current` of a form. */
export const currentPassword = (label: string) =>
  html`<label for="current">${label}</label>
    <input id="current" name="current" type="password" required autocomplete="current-password" />`
