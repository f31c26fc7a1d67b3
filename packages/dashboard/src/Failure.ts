/** What went wrong, and what the person at the screen may do about it. */
export interface Failure {
  readonly title: string
  readonly next: string
  readonly signedOut: boolean
  readonly forbidden: boolean
  /** Whoever signs in with two factors may do it. */
  readonly stronger: boolean
}

const text = (error: unknown, field: string): string => {
  const value = (error as Readonly<Record<string, unknown>>)[field]
  return typeof value === "string" ? value : ""
}

const failure = (title: string, next: string, tag = ""): Failure => ({
  title,
  next,
  signedOut: tag === "Unauthorized",
  forbidden: tag === "Forbidden",
  stronger: tag === "StrongerSignInRequired"
})

/** Errors of the contract by their tags; whatever else happens is told as no answer. */
export const toFailure = (error: unknown): Failure => {
  const tag = typeof error === "object" && error !== null ? text(error, "_tag") : ""
  switch (tag) {
    case "Unauthorized":
      return failure("You are signed out.", "Sign in again; you come back to this page.", tag)
    case "StrongerSignInRequired":
      return failure(
        "This needs a second factor.",
        "You signed in with a password alone, which is enough to look. Nothing was changed. Sign in once more: the second factor is asked for.",
        tag
      )
    case "Forbidden":
      return failure(
        "Your account may not do this.",
        "It needs the role ops-read to look and ops-write to change. An administrator grants it: npm run identity -- grant EMAIL ops-write --reason …",
        tag
      )
    case "ForeignRequest":
      return failure("The change did not come from this page.", "Reload the page, then try again.")
    case "NotFound":
      return failure(
        `There is no ${text(error, "entity") || "such thing"} ${text(error, "id")}.`.replace(" .", "."),
        "Check the id: it begins with its region, as in Order/eu_x. Entities lists those that there are."
      )
    case "MalformedId":
      return failure("This is no id.", "An id begins with its region, as in Order/eu_x.")
    case "NotPossible":
      return failure(
        text(error, "reason"),
        "Nothing was changed. Cancel, and look at how it stands now: the page has asked again."
      )
    case "InvalidRequest": {
      const faults = (error as { readonly errors?: ReadonlyArray<{ readonly detail: string }> }).errors ?? []
      return failure("This was not understood.", faults.map(({ detail }) => detail).join("; "))
    }
    case "Unavailable":
      return failure("Part of the cluster does not answer.", "Try again in a moment. Still so? Run: npx halles doctor")
    case "SchemaError":
      return failure("The page is older than the cluster.", "Reload the page. Still so? Run: npm start")
    default:
      return failure(
        "The operator process does not answer.",
        "It is tried again by itself. Still so? Run: npm run status, and look into .halles/logs"
      )
  }
}
