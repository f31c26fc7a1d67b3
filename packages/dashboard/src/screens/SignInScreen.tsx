import type { ComponentChildren } from "preact"
import { useEffect } from "preact/hooks"
import { signOut } from "../Ops.ts"
import { leaveToSignIn } from "../Router.ts"

const Gate = ({ children }: { readonly children: ComponentChildren }) => {
  useEffect(() => {
    document.title = "Sign in · Halles"
  }, [])
  return (
    <main class="gate">
      <div class="card">
        <img src="/mark.svg" alt="" />
        <h1>Halles operations</h1>
        {children}
      </div>
    </main>
  )
}

export const SignInScreen = () => (
  <Gate>
    <p class="soft">
      Sign in with a staff account that has the role ops-read. What you change is written down with its reason.
    </p>
    <button type="button" class="first" onClick={leaveToSignIn}>
      Sign in
    </button>
  </Gate>
)

/** Known, but not let in: with another account it may be different. */
export const RefusedScreen = () => (
  <Gate>
    <div class="notice" role="alert">
      <div>
        <strong>Your account may not look at the cluster.</strong>
        It needs the role ops-read and a sign-in with two factors. An administrator grants the role, and gets a link for
        you to set up the second factor with: npm run identity -- grant EMAIL ops-read --reason …
      </div>
    </div>
    <button type="button" class="first" onClick={() => void signOut()}>
      Sign out
    </button>
  </Gate>
)
