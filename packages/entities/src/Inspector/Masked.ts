/** Members that say who somebody is, where they live, or how they pay. */
const personal = new Set(["email", "name", "line1", "line2", "postalCode", "phone", "paymentToken", "token"])

const hidden = (value: unknown): unknown =>
  typeof value === "string" && value !== "" ? `${value.slice(0, 1)}•••` : value === null ? null : "•••"

/** The same with personal data hidden: its first letter stays, so that two people can be told apart in a list. */
export const masked = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(masked)
  if (typeof value !== "object" || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [
      key,
      personal.has(key) && (typeof inner === "string" || inner === null) ? hidden(inner) : masked(inner)
    ])
  )
}
