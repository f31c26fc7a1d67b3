import { plainAddress } from "@halles/shared/clients/NetworkAddress"
import { Schema } from "effect"
import { LRUCache } from "lru-cache"
import { BlockList, isIPv4, isIPv6 } from "node:net"

/** Verdicts on addresses kept in memory; at the bound the least used is worked out anew. */
const knownMax = 10_000
/** Proxies that one request may have passed. */
const hopsMax = 10

/** A rule that is no address and no CIDR range. */
export class BadAddressRule extends Schema.TaggedError<BadAddressRule>()("BadAddressRule", { rule: Schema.String }) {
  override get message() {
    return `Not an address or a CIDR range: ${this.rule}`
  }
}

/** `10.0.0.0/8,2001:db8::/32,192.0.2.1`; nothing where empty. */
export const parse = (rules: string): BlockList => {
  const list = new BlockList()
  for (const rule of rules.split(",").map((text) => text.trim())) {
    if (rule === "") continue
    const [address = "", bits] = rule.split("/")
    const family = isIPv4(address) ? "ipv4" : isIPv6(address) ? "ipv6" : undefined
    const length = bits === undefined ? (family === "ipv4" ? 32 : 128) : /^\d{1,3}$/.test(bits) ? Number(bits) : -1
    if (family === undefined || length < 0 || length > (family === "ipv4" ? 32 : 128))
      throw new BadAddressRule({ rule })
    list.addSubnet(address, length, family)
  }
  return list
}

const includes = (list: BlockList, address: string): boolean =>
  list.check(address, address.includes(":") ? "ipv6" : "ipv4")

/** What may be said of an address before anything else is known of a request. */
export interface AddressVerdict {
  readonly denied: boolean
  /** Counted, but not limited. */
  readonly unlimited: boolean
}

export interface AddressRules {
  /** Who asks: the peer, or, if the peer is a proxy of ours, the last address that no proxy of ours has. */
  readonly clientOf: (peer: string, forwardedFor: string | undefined) => string
  readonly verdict: (address: string) => AddressVerdict
  /** A proxy of ours: many clients come from it. */
  readonly isProxy: (address: string) => boolean
}

/** Lists of addresses and CIDR ranges, with commas between. */
export interface Rules {
  readonly allow: string
  readonly deny: string
  readonly unlimited: string
  readonly trustedProxies: string
}

/** Denied is what `deny` holds and, unless `allow` is empty, what `allow` does not hold. */
export const make = (rules: Rules): AddressRules => {
  const deny = parse(rules.deny)
  const allow = rules.allow.trim() === "" ? undefined : parse(rules.allow)
  const unlimited = parse(rules.unlimited)
  const proxies = parse(rules.trustedProxies)
  const hasProxies = rules.trustedProxies.trim() !== ""
  const known = new LRUCache<string, AddressVerdict>({ max: knownMax })
  return {
    isProxy: (address) => hasProxies && includes(proxies, address),
    clientOf: (peer, forwardedFor) => {
      const direct = plainAddress(peer)
      if (!hasProxies || forwardedFor === undefined || !includes(proxies, direct)) return direct
      let client = direct
      // From the right: what a proxy of ours wrote is true, what stands before it anybody may have made up.
      for (const hop of forwardedFor.split(",").toReversed().slice(0, hopsMax)) {
        const address = plainAddress(hop.trim())
        if (!isIPv4(address) && !isIPv6(address)) return client
        client = address
        if (!includes(proxies, address)) return client
      }
      return client
    },
    verdict: (address) => {
      const before = known.get(address)
      if (before !== undefined) return before
      const made = {
        denied: includes(deny, address) || (allow !== undefined && !includes(allow, address)),
        unlimited: includes(unlimited, address)
      }
      known.set(address, made)
      return made
    }
  }
}
