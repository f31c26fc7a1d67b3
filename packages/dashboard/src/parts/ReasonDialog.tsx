import { useSignal } from "@preact/signals"
import type { ComponentChildren } from "preact"
import { useEffect, useRef } from "preact/hooks"
import { type Failure, toFailure } from "../Failure.ts"
import { FailureNote } from "./FailureNote.tsx"
import { outcome } from "./Outcome.tsx"

export interface Deed {
  /** `Drain eu-1`: the heading, and the name of the button. */
  readonly title: string
  readonly text: ComponentChildren
  /** What came of it is told on the page. */
  readonly run: (reason: string) => Promise<{ readonly text: string }>
  /** Shows how things stand now: after it was done, and after it was refused, which tells that they stand otherwise. */
  readonly again?: () => void
  readonly done?: () => void
}

export const reasonMin = 3
export const reasonMax = 500

/** Asks why before anything is changed; the reason goes into the audit log. */
export const ReasonDialog = ({ close, deed }: { readonly deed: Deed; readonly close: () => void }) => {
  const dialog = useRef<HTMLDialogElement>(null)
  const reason = useSignal("")
  const busy = useSignal(false)
  const failure = useSignal<Failure | null>(null)
  useEffect(() => dialog.current?.showModal(), [])
  const send = async () => {
    busy.value = true
    failure.value = null
    try {
      const { text } = await deed.run(reason.value.trim())
      outcome.value = text
      close()
      deed.done?.()
    } catch (error) {
      failure.value = toFailure(error)
    } finally {
      deed.again?.()
      busy.value = false
    }
  }
  return (
    <dialog ref={dialog} onClose={close} aria-labelledby="deed">
      <form
        onSubmit={(event) => {
          event.preventDefault()
          void send()
        }}
      >
        <h2 id="deed">{deed.title}</h2>
        <div class="soft">{deed.text}</div>
        <label class="field">
          Reason, for the audit log
          <textarea
            rows={3}
            required
            minLength={reasonMin}
            maxLength={reasonMax}
            value={reason.value}
            onInput={(event) => {
              reason.value = event.currentTarget.value
            }}
          />
        </label>
        {failure.value === null ? null : <FailureNote failure={failure.value} />}
        <div class="actions">
          <button type="button" onClick={close}>
            Cancel
          </button>
          <button type="submit" class="first" disabled={busy.value || reason.value.trim().length < reasonMin}>
            {busy.value ? "Working …" : deed.title}
          </button>
        </div>
      </form>
    </dialog>
  )
}
