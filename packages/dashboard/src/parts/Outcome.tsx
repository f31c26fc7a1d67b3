import { signal } from "@preact/signals"
import { useEffect } from "preact/hooks"

/** What came of the newest change, in the words of the operator process; it goes when another screen comes. */
export const outcome = signal<string | null>(null)

/** `screen`: an address without what refines it. */
export const Outcome = ({ screen }: { readonly screen: string }) => {
  useEffect(
    () => () => {
      outcome.value = null
    },
    [screen]
  )
  return (
    <div role="status">
      {outcome.value === null ? null : (
        <div class="notice done">
          <div>
            <strong>Done</strong>
            {outcome.value}
          </div>
          <button
            type="button"
            onClick={() => {
              outcome.value = null
            }}
          >
            Dismiss
          </button>
        </div>
      )}
    </div>
  )
}
