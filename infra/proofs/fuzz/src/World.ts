import type { Route } from "./Contract.ts"
import { isLearned } from "./Values.ts"

/** A way to say who one is. */
export interface Credential {
  readonly name: string
  /** Headers for a request; those that are signed depend on its body. */
  readonly headers: (request: {
    readonly route: Route
    readonly body: string | undefined
  }) => Readonly<Record<string, string>>
}

const eachMax = 32
const depthMax = 6
/** One pick in so many is of something large. */
const largeEvery = 13

/** What the edge has told so far, by the names under which the next request may need it. */
export class World {
  readonly #learned = new Map<string, Array<unknown>>()
  readonly #kept = new Map<string, ReadonlyArray<unknown>>()
  readonly #large = new Map<string, ReadonlyArray<unknown>>()

  /** One of the newest of a name, or, twice as often, of those that are kept; of those of the route alone, where it has some. */
  pick(name: string, pick: number, route = ""): unknown {
    const own = this.#learned.get(`${route} ${name}`) ?? []
    if (own.length > 0 && pick % 4 > 0) return own[Math.floor(pick / 4) % own.length]
    const large = this.#large.get(name) ?? []
    if (large.length > 0 && pick % largeEvery === 0) return large[Math.floor(pick / largeEvery) % large.length]
    const learned = this.#learned.get(name) ?? []
    const kept = this.#kept.get(name) ?? []
    const values = learned.length === 0 || (kept.length > 0 && pick % 3 > 0) ? kept : learned
    return values[Math.floor(pick / 3) % values.length]
  }

  /** As `learn`, for one route: what it needs to succeed. */
  learnFor(route: string, name: string, value: unknown): void {
    this.learn(`${route} ${name}`, value)
  }
  /** As `forget`. */
  forgetFor(route: string, name: string, value: unknown): void {
    this.forget(`${route} ${name}`, value)
  }
  learnedFor(route: string, name: string): ReadonlyArray<unknown> {
    return this.#learned.get(`${route} ${name}`) ?? []
  }

  /** As `keep`, of what is so large that few requests are to be about it. */
  keepLarge(name: string, value: unknown): void {
    this.#large.set(name, [...(this.#large.get(name) ?? []), value])
  }

  /** As `learn`, but what comes later does not push it out. */
  keep(name: string, value: unknown): void {
    this.#kept.set(name, [...(this.#kept.get(name) ?? []), value])
  }

  learn(name: string, value: unknown): void {
    const values = this.#learned.get(name) ?? []
    if (values.includes(value)) return
    values.unshift(value)
    if (values.length > eachMax) values.pop()
    this.#learned.set(name, values)
  }

  /** It is not there any more. */
  forget(name: string, value: unknown): void {
    this.#learned.set(
      name,
      (this.#learned.get(name) ?? []).filter((one) => one !== value)
    )
  }

  /** Keeps ids and codes of an answer's body: `id` as that of the route's kind, `orderId` as that of an order too. */
  harvest(route: Route, body: unknown, depth = 0): void {
    if (typeof body !== "object" || body === null || depth > depthMax) return
    for (const [name, value] of Object.entries(body)) {
      if (typeof value === "object") this.harvest(route, value, depth + 1)
      if (typeof value !== "string" || value === "") continue
      if (name === "id") this.learn(`${route.kind}.id`, value)
      if (name === "id" && route.kind === "carts") this.learn("from", value)
      if (name === "next") this.learn("cursor", value)
      if (name.endsWith("Id")) {
        this.learn(name, value)
        this.learn(`${name.slice(0, -2)}s.id`, value)
      }
      if (isLearned(name)) this.learn(name, value)
    }
  }
}
