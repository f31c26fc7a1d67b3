import type { ComponentChildren } from "preact"

/** Any JSON, its kinds in colours; what differs from `before` is marked. */
export const Json = ({
  before,
  label,
  value
}: {
  readonly value: unknown
  readonly before?: unknown
  readonly label: string
}) => (
  <pre class="json" tabIndex={0} aria-label={label}>
    {render(value, before, "", before !== undefined)}
  </pre>
)

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value)

const entries = (value: unknown): ReadonlyArray<readonly [string | null, unknown]> =>
  Array.isArray(value) ? value.map((item) => [null, item] as const) : Object.entries(value as Record<string, unknown>)

const render = (value: unknown, before: unknown, indent: string, compares: boolean): ComponentChildren => {
  if (!Array.isArray(value) && !isRecord(value)) return leaf(value, compares && value !== before)
  const inner = entries(value)
  const [open, close] = Array.isArray(value) ? "[]" : "{}"
  if (inner.length === 0) return `${open}${close}`
  const old = Array.isArray(before) || isRecord(before) ? (before as Record<string, unknown>) : {}
  return [
    `${open}\n`,
    ...inner.flatMap(([name, item], index) => [
      `${indent}  `,
      name === null ? null : <span class="key">{`${name}: `}</span>,
      render(item, old[name ?? index], `${indent}  `, compares),
      index === inner.length - 1 ? "\n" : ",\n"
    ]),
    `${indent}${close}`
  ]
}

const leaf = (value: unknown, changed: boolean) => (
  <span class={`${typeof value}${changed ? " changed" : ""}`}>
    {typeof value === "string" ? JSON.stringify(value) : String(value)}
  </span>
)
