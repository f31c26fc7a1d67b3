import { computed, signal } from "@preact/signals"

/** A screen and what it is told: `#/entity/Order/eu_1?at=3` is `["entity", "Order", "eu_1"]` and `at=3`. */
export interface Route {
  readonly path: ReadonlyArray<string>
  readonly query: URLSearchParams
}

const parse = (hash: string): Route => {
  const [path = "", query = ""] = hash.replace(/^#\/?/, "").split("?")
  return { path: path.split("/").filter(Boolean).map(decodeURIComponent), query: new URLSearchParams(query) }
}

const hash = signal(location.hash)
addEventListener("hashchange", () => {
  hash.value = location.hash
})

export const route = computed(() => parse(hash.value))

type Query = Readonly<Record<string, string | number | undefined>>

/** The address of a screen, with what is set of the query. */
export const link = (path: ReadonlyArray<string>, query: Query = {}): string => {
  const set = Object.entries(query).flatMap(([name, value]) =>
    value === undefined || value === "" ? [] : [[name, String(value)]]
  )
  const search = set.length === 0 ? "" : `?${new URLSearchParams(set)}`
  return `#/${path.map(encodeURIComponent).join("/")}${search}`
}

export const go = (path: ReadonlyArray<string>, query: Query = {}): void => {
  location.hash = link(path, query)
}

/** Changes the query of the screen that is shown, without a new entry in the history. */
export const refine = (query: Query): void => {
  const { path, query: before } = route.value
  history.replaceState(null, "", link(path, { ...Object.fromEntries(before), ...query }))
  hash.value = location.hash
}

/** `Order/eu_1` as a link: the id of an entity is its type and its key. */
export const entityLink = (id: string, query: Query = {}): string => link(["entity", ...id.split("/")], query)

const kept = "halles.after-sign-in"

/** Leaves for the sign-in; where one was is kept, since a server never sees what follows the `#`. */
export const leaveToSignIn = (): void => {
  sessionStorage.setItem(kept, location.hash)
  location.assign("/sign-in")
}

/** Back to where one was before the sign-in. */
export const returnFromSignIn = (): void => {
  const before = sessionStorage.getItem(kept)
  sessionStorage.removeItem(kept)
  if (before !== null && location.hash.length <= 2) location.hash = before
}
