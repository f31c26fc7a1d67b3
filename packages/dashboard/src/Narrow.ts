import { signal } from "@preact/signals"

const narrow = matchMedia("(max-width: 48rem)")

/** A phone, or a window as narrow as one. */
export const isNarrow = signal(narrow.matches)
narrow.addEventListener("change", ({ matches }) => {
  isNarrow.value = matches
})
