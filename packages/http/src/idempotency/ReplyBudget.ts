import { networkOf } from "@halles/shared/clients/NetworkAddress"
import { LRUCache } from "lru-cache"
import type { Principal } from "@halles/shared/wire/Principal"
import { type Ask, type Quota, take } from "../admission/TokenBucket.ts"

/** As long as an answer is kept, so that what is there at a time stays within twice the budgets. */
const windowMs = 24 * 3_600_000
/** Senders of an edge's own; at the bound the least used is forgotten, which means that it has taken nothing. */
const sendersMax = 50_000

const quota = (name: string, capacity: number): Quota => ({ name, capacity, windowMs })

/** Answers of one sender, and their KiB: of a network of nobody in particular, of an account, of a program. */
export const budgets = {
  anonymous: [quota("replies", 20_000), quota("reply-kib", 8_192)],
  account: [quota("replies", 20_000), quota("reply-kib", 8_192)],
  program: [quota("replies", 500_000), quota("reply-kib", 65_536)]
} as const
/** All senders without a name together: however many addresses somebody has, they push out nobody who has one. */
export const ofAnonymous = [quota("replies-of-all", 200_000), quota("reply-kib-of-all", 65_536)] as const

export interface Sender {
  readonly principal: Pick<Principal, "kind" | "subject">
  readonly address: string
}

const kindOf = ({ kind }: Sender["principal"]) =>
  kind === "anonymous" ? "anonymous" : kind === "partner" || kind === "service" ? "program" : "account"

const asksOf = ({ address, principal }: Sender, which: 0 | 1, cost: number): ReadonlyArray<Ask> => {
  const kind = kindOf(principal)
  const sender = kind === "anonymous" ? networkOf(address) : principal.subject
  const own = { key: `${which}:${kind}:${sender}`, quota: budgets[kind][which], cost }
  return kind === "anonymous" ? [own, { key: `${which}:all`, quota: ofAnonymous[which], cost }] : [own]
}

/**
 * What one sender may have this edge keep of answers to its idempotency keys. Beyond it nothing is kept, so that nobody's
 * answers are pushed out by others'; a key has one effect all the same, since the entity knows it.
 */
export const make = (nowMs: () => number) => {
  const taken = new LRUCache<string, number>({ max: sendersMax })
  const judge = (asks: ReadonlyArray<Ask>): boolean =>
    take(
      asks,
      Math.floor(nowMs() * 1_000),
      (key) => taken.get(key),
      (key, fullAt) => taken.set(key, fullAt)
    ).allowed
  return {
    /** Whether there is to be a place for one more answer. */
    place: (sender: Sender): boolean => judge(asksOf(sender, 0, 1)),
    /** Whether an answer of so many bytes may be kept in it. */
    bytes: (sender: Sender, length: number): boolean => judge(asksOf(sender, 1, Math.max(1, Math.ceil(length / 1_024))))
  }
}
