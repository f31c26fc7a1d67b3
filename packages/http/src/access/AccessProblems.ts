import { twoFactors } from "@halles/shared/security/Authority"
import * as EdgeErrors from "../problems/EdgeErrors.ts"
import * as Problem from "../problems/Problem.ts"

// What both processes answer to who may not do what was asked for.

export const unauthorized = Problem.of(EdgeErrors.Unauthorized, {
  title: "Not authorised",
  detail: () => "Send a valid bearer token, or sign in.",
  headers: { "www-authenticate": "Bearer" }
})
export const strongerSignInRequired = Problem.of(EdgeErrors.StrongerSignInRequired, {
  title: "Sign in with two factors",
  detail: () => "This needs a token of somebody who signed in with two factors.",
  help: "Sign in again with the `acr_values` that WWW-Authenticate names (RFC 9470), and repeat the request with the new token.",
  headers: { "www-authenticate": `Bearer error="insufficient_user_authentication", acr_values="${twoFactors}"` }
})
export const forbidden = Problem.of(EdgeErrors.Forbidden, {
  title: "Not allowed",
  sample: { reason: "scope", scopes: ["stock:write"] },
  detail: ({ reason, scopes }) =>
    ({
      scope: `The token lacks ${scopes.join(", ")}.`,
      role: "No role of yours may do this.",
      owner: "This belongs to somebody else.",
      region: "Your roles are limited to another region.",
      consent: "The customer has not consented to this.",
      amount: "The amount is more than your roles may move.",
      policy: "Nobody may do this."
    })[reason]
})
