import { effect, signal } from "@preact/signals"

/** Colours as the system has them, or one's own choice. */
export type Scheme = "system" | "light" | "dark"

const kept = "halles.scheme"
const stored = localStorage.getItem(kept)

export const scheme = signal<Scheme>(stored === "light" || stored === "dark" ? stored : "system")

const system = matchMedia("(prefers-color-scheme: dark)")
const systemDark = signal(system.matches)
system.addEventListener("change", ({ matches }) => {
  systemDark.value = matches
})

/** For what is drawn on a canvas, which style sheets do not reach. */
export const isDark = (): boolean => (scheme.value === "system" ? systemDark.value : scheme.value === "dark")

effect(() => {
  const { value } = scheme
  if (value === "system") {
    delete document.documentElement.dataset["scheme"]
    localStorage.removeItem(kept)
    return
  }
  document.documentElement.dataset["scheme"] = value
  localStorage.setItem(kept, value)
})

export const nextScheme = (): void => {
  scheme.value = scheme.value === "system" ? "dark" : scheme.value === "dark" ? "light" : "system"
}

/** A colour of the style sheet as it is now, for a canvas. `light-dark()` is resolved by asking an element. */
export const colour = (name: string): string => {
  const probe = document.createElement("span")
  probe.style.color = `var(--${name})`
  document.body.append(probe)
  const { color } = getComputedStyle(probe)
  probe.remove()
  return color
}
