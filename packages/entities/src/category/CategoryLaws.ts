import type { Laws } from "../laws/Rows.ts"
import type { Event, State } from "./CategoryState.ts"

/** What a category shows is left for I16. */
export const shows: Laws<State, Event> = ({ facts }) => ({
  history: (id) => ({
    event: (event) => {
      if (event._tag === "CategoryMediaChanged") facts.shows(`Category:${id}`, event)
    }
  })
})
