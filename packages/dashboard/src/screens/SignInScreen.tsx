import { useEffect } from "preact/hooks"
import { leaveToSignIn } from "../Router.ts"

export const SignInScreen = () => {
  useEffect(() => {
    document.title = "Sign in · Halles"
  }, [])
  const refused = new URLSearchParams(location.search).get("refused")
  return (
    <main class="gate">
      <div class="card">
        <img src="/mark.svg" alt="" />
        <h1>Halles operations</h1>
        {refused === null ? (
          <p class="soft">
            Sign in with a staff account that has the role ops-read. What you change is written down with its reason.
          </p>
        ) : (
          <div class="notice" role="alert">
            <div>
              <strong>You were not let in.</strong>
              This account lacks the role ops-read. An administrator grants it: npm run identity -- grant EMAIL ops-read
              --reason …
            </div>
          </div>
        )}
        <button type="button" class="first" onClick={leaveToSignIn}>
          Sign in
        </button>
      </div>
    </main>
  )
}
