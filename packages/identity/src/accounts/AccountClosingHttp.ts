import { Effect } from "effect"
import { HttpRouter } from "effect/http"
import { AccountOwner, type Owner } from "./AccountOwner.ts"
import { Accounts, isStaff } from "./Accounts.ts"
import { Forms, Refused } from "../pages/Forms.ts"
import { html } from "../pages/Html.ts"
import { Mail } from "../pages/Mail.ts"
import * as Page from "../pages/HtmlPage.ts"
import { Sessions } from "../signin/Sessions.ts"

const staff = new Refused({
  status: 403,
  title: "This account is staff's",
  detail: "An administrator takes its roles away first."
})

/** The end of an account, by its owner: it goes with all that is kept of it, and its customer forgets who it was. */
export const AccountClosingHttp = HttpRouter.use(
  Effect.fnUntraced(function* (router) {
    const { note, owned, passwordAgain } = yield* AccountOwner
    const accounts = yield* Accounts
    const forms = yield* Forms
    const mail = yield* Mail
    const sessions = yield* Sessions

    const closePage = ({ account }: Owner, error?: string) =>
      forms.page((form) => ({
        title: "Close your account",
        status: error === undefined ? 200 : 400,
        body: html` ${Page.notice("error", error)}
          <p>
            Your name, addresses, password, passkeys, sign-ins and consents are deleted, and every device and
            application is signed out. This cannot be undone.
          </p>
          <p class="hint">
            Orders stay in the books for as long as the law asks, without a way to you from here. Points are lost.
          </p>
          <form method="post" action="/account/close">
            ${form} ${account.password_hash !== null && Page.currentPassword("Password")}
            <label class="check"
              ><input type="checkbox" name="sure" value="yes" required /> Delete ${account.email} and all that belongs
              to it</label
            >
            <button>Close the account</button>
          </form>
          <p class="links"><a href="/account">Back</a></p>`
      }))

    const close = Effect.fnUntraced(function* (found: Owner) {
      const { account } = found
      const fields = yield* forms.read
      if (account.roles.some(isStaff)) return yield* staff
      if (fields["sure"] !== "yes") return yield* closePage(found, "Please confirm that it is to be deleted.")
      if (!(yield* passwordAgain(account, fields["current"], "account.close")))
        return yield* closePage(found, "The password is not right.")
      yield* note(account, "account.close")
      yield* sessions.revokeAll(account.id)
      yield* accounts.erase(account.id)
      yield* mail.send({
        to: account.email,
        subject: "Your account was closed",
        text: "Hello,\n\nyour account at Halles was closed, and what we kept of you there was deleted. If it was not you, write to us.\n"
      })
      return yield* forms.page(() => ({
        title: "Your account is closed",
        body: html`<p>It was deleted. Thank you for having been with us.</p>`
      }))
    })

    yield* router.add("GET", "/account/close", owned(closePage, { recent: true }))
    yield* router.add("POST", "/account/close", owned(close, { recent: true }))
  })
)
