// Without it, pages offer no passkeys and do all else. It hands the browser's answer over as a field of the form.
const forms = document.querySelectorAll("form[data-passkey]")
if (typeof globalThis.PublicKeyCredential?.parseRequestOptionsFromJSON === "function") {
  for (const form of forms) {
    const options = JSON.parse(form.dataset.options)
    form.hidden = false
    form.addEventListener("submit", async (event) => {
      if (form.elements.response.value !== "") return
      event.preventDefault()
      const status = form.querySelector("[role=alert]")
      status.hidden = true
      try {
        const credential =
          form.dataset.passkey === "create"
            ? await navigator.credentials.create({
                publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(options)
              })
            : await navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(options) })
        form.elements.response.value = JSON.stringify(credential.toJSON())
        form.submit()
      } catch {
        status.hidden = false
      }
    })
  }
}
