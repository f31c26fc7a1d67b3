import { useSignal } from "@preact/signals"
import type { ComponentChildren } from "preact"

export const Empty = ({ children, title }: { readonly title: string; readonly children?: ComponentChildren }) => (
  <div class="empty">
    <strong>{title}</strong>
    {children}
  </div>
)

/** Grey lines where rows are going to be. */
export const Skeleton = ({ lines = 4 }: { readonly lines?: number }) => (
  <div class="skeleton" role="status" aria-label="Loading">
    {Array.from({ length: lines }, (_, index) => (
      <span key={index} />
    ))}
  </div>
)

type Tone = "good" | "warn" | "bad" | "calm"

export const Badge = ({ children, tone = "calm" }: { readonly tone?: Tone; readonly children: ComponentChildren }) => (
  <span class={`badge ${tone}`}>{children}</span>
)

/** A line for the terminal that one click copies. */
export const Command = ({ line }: { readonly line: string }) => {
  const copied = useSignal(false)
  const copy = async () => {
    await navigator.clipboard.writeText(line)
    copied.value = true
  }
  return (
    <span class="command">
      <code>{line}</code>
      <button type="button" class="plain" aria-label={`Copy ${line}`} onClick={() => void copy()}>
        {copied.value ? "Copied" : "Copy"}
      </button>
    </span>
  )
}

export const Figure = ({
  children,
  label,
  tone = "calm",
  unit
}: {
  readonly label: string
  readonly children: ComponentChildren
  readonly unit?: string
  readonly tone?: Tone
}) => (
  <div class={`figure ${tone}`}>
    <dt>{label}</dt>
    <dd>
      {children}
      {unit === undefined ? null : <small> {unit}</small>}
    </dd>
  </div>
)
