/** `ItemPut, CheckedOut`: what happened, in the words of the journal. */
export const tagsOf = (events: ReadonlyArray<unknown>): string =>
  events
    .map((event) =>
      typeof event === "object" && event !== null && "_tag" in event ? String(event._tag) : JSON.stringify(event)
    )
    .join(", ")
