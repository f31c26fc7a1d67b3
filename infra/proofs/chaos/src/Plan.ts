import { type Region, regions } from "@halles/shared/Region"
import * as Anytime from "@halles/harness/Anytime"
import * as Chance from "@halles/harness/Chance"
import * as Catalogue from "./Catalogue.ts"

/** What a session may want to do; on which cart, order or SKU is drawn with it. */
const weights = {
  viewCart: 12,
  putLine: 14,
  addLine: 12,
  removeLine: 4,
  merge: 2,
  checkOut: 10,
  viewOrder: 10,
  cancel: 3,
  requestReturn: 3,
  viewSku: 8,
  receive: 3,
  adjust: 3,
  hold: 8,
  holdAgain: 4,
  release: 5,
  viewPayment: 4,
  refundTooMuch: 3,
  refundNothing: 3,
  visit: 8
} as const
export type Kind = keyof typeof weights

/** Carts that are shopped in at a time; whoever finds one closed opens the next in its slot. */
export const slots: ReadonlyArray<Region> = ["eu", "eu", "eu", "eu", "eu", "eu", "am", "am", "ap", "ap"]

const tokens = {
  tok_ok: 12,
  tok_declined: 1,
  tok_insufficient_funds: 1,
  tok_timeout_after_success: 1,
  tok_slow: 1,
  tok_duplicate_webhook: 1,
  tok_late_webhook: 1,
  tok_error_then_ok: 1
} as const

/** One thing that a session does, as far as it is known before the run: the same for the same seed. */
export interface Step {
  /** Names the step's command; no other step has it. */
  readonly name: string
  /** When it is meant to begin, in milliseconds since the workload began. */
  readonly atMs: number
  readonly kind: Kind
  readonly via: "edge" | "direct"
  readonly slot: number
  readonly otherSlot: number
  readonly article: number
  readonly region: Region
  readonly quantity: number
  /** Picks one of what there is by then, newest first. */
  readonly nth: number
  readonly token: keyof typeof tokens
  readonly servable: boolean
  /** Whose commands from anybody a visit sends, and which. */
  readonly visit: { readonly domain: number; readonly seed: number }
  /** How it is sent again while commands are sent twice: at the same time, or so much later. */
  readonly again: "together" | { readonly afterMs: number } | null
  /** A call without an answer is sent again once, under the same id. */
  readonly insists: boolean
}

export interface Options {
  readonly seed: string
  readonly seconds: number
  readonly sessions: number
  /** Between two steps of one session. */
  readonly everyMs: number
}

/** The steps of each session, in order. */
export const make = ({ everyMs, seconds, seed, sessions }: Options): ReadonlyArray<ReadonlyArray<Step>> =>
  Array.from({ length: sessions }, (_, session) => {
    const chance = Chance.make(`session ${seed} ${session}`)
    const offsetMs = chance.between(0, everyMs)
    const count = Math.max(0, Math.floor((seconds * 1_000 - offsetMs) / everyMs))
    return Array.from({ length: count }, (_, index) => ({
      name: `c${seed}-${session}-${index}`,
      atMs: offsetMs + index * everyMs,
      kind: chance.weighted(weights),
      via: chance.pick(["edge", "direct"] as const),
      slot: chance.between(0, slots.length - 1),
      otherSlot: chance.between(0, slots.length - 1),
      article: Math.min(chance.between(0, Catalogue.articles.length), Catalogue.articles.length - 1),
      region: chance.happens(0.6) ? "eu" : chance.pick(regions),
      quantity: chance.between(1, 3),
      nth: chance.between(0, 5),
      token: chance.weighted(tokens),
      servable: chance.happens(0.93),
      visit: { domain: chance.between(0, Anytime.openDomains.length - 1), seed: chance.between(0, 2 ** 31 - 1) },
      again: chance.happens(0.4) ? null : againOf(chance),
      insists: chance.happens(0.5)
    }))
  })

const againOf = (chance: Chance.Chance): Step["again"] =>
  chance.happens(0.5) ? "together" : { afterMs: chance.between(100, 4_000) }
