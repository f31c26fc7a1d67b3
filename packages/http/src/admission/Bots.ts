import type { IncomingHttpHeaders } from "node:http"
import { isbot } from "isbot"
import { LRUCache } from "lru-cache"

/** User agents and addresses kept in memory; the least used is forgotten, and begins anew without a score. */
const agentsMax = 1_000
const addressesMax = 20_000
/** A score halves in this time. */
const halfLifeMs = 60_000
/** From here on an address is turned away. */
export const suspectScore = 100

/** What a person's browser rarely does, and a program that guesses, scrapes or hammers does all the time. */
const points = { request: 0.02, noAgent: 0.5, notFound: 1, unauthorized: 2, badRequest: 1, limited: 1 } as const

export interface Bots {
  /** A program that says so in its user agent. */
  readonly declared: (agent: string | undefined) => boolean
  /** Whether the address has behaved as people do not. */
  readonly suspect: (address: string) => boolean
  /** How a request of the address ended. */
  readonly saw: (headers: IncomingHttpHeaders, address: string, status: number) => void
  readonly score: (address: string) => number
}

/** By user-agent data, and by how an address behaves. `now` in milliseconds. */
export const make = ({ now }: { readonly now: () => number }): Bots => {
  const agents = new LRUCache<string, boolean>({ max: agentsMax })
  const scores = new LRUCache<string, { value: number; atMs: number }>({ max: addressesMax })
  const score = (address: string): number => {
    const known = scores.get(address)
    return known === undefined ? 0 : known.value * 2 ** ((known.atMs - now()) / halfLifeMs)
  }
  return {
    score,
    declared: (agent) => {
      if (agent === undefined) return false
      const known = agents.get(agent)
      if (known !== undefined) return known
      const made = isbot(agent)
      agents.set(agent, made)
      return made
    },
    suspect: (address) => score(address) >= suspectScore,
    saw: (headers, address, status) => {
      const added =
        points.request +
        (headers["user-agent"] === undefined ? points.noAgent : 0) +
        (status === 404 || status === 405
          ? points.notFound
          : status === 401 || status === 403
            ? points.unauthorized
            : status === 400
              ? points.badRequest
              : status === 429
                ? points.limited
                : 0)
      const atMs = now()
      const known = scores.get(address)
      if (known === undefined) {
        scores.set(address, { value: added, atMs })
        return
      }
      known.value = known.value * 2 ** ((known.atMs - atMs) / halfLifeMs) + added
      known.atMs = atMs
    }
  }
}
