import type { Failure } from "../Failure.ts"
import { leaveToSignIn } from "../Router.ts"

export const FailureNote = ({ again, failure }: { readonly failure: Failure; readonly again?: () => void }) => (
  <div class="notice" role="alert">
    <div>
      <strong>{failure.title}</strong>
      {failure.next}
    </div>
    {failure.signedOut || failure.stronger ? (
      <button type="button" onClick={leaveToSignIn}>
        {failure.stronger ? "Sign in with two factors" : "Sign in"}
      </button>
    ) : again === undefined ? null : (
      <button type="button" onClick={again}>
        Try again
      </button>
    )}
  </div>
)
