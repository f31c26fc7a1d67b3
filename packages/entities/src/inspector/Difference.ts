export interface Change {
  /** `lines.0.quantity` */
  readonly path: string
  readonly before: unknown
  readonly after: unknown
}

const isNode = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null

/** Where two values of JSON differ, leaf by leaf, in the order of their paths. */
export const difference = (before: unknown, after: unknown, path = ""): ReadonlyArray<Change> => {
  if (Object.is(before, after)) return []
  if (!isNode(before) || !isNode(after)) return [{ path, before: before ?? null, after: after ?? null }]
  const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])]
  return keys.flatMap((key) => difference(before[key], after[key], path === "" ? key : `${path}.${key}`))
}
