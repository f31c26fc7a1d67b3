import { Refusal } from "@halles/shared/wire/Refusal"
import { Context, Effect, Layer, Schema, Semaphore } from "effect"
import ipaddr from "ipaddr.js"
import { lookup as resolve } from "node:dns"
import type { LookupFunction } from "node:net"

/** We do not send there; `reason` is one of few words. */
export class TargetRefused extends Refusal<TargetRefused>()("TargetRefused", {
  status: 422,
  title: "Webhooks are not sent there",
  fields: {
    reason: Schema.Literals([
      "malformed",
      "not_https",
      "has_credentials",
      "port_not_allowed",
      "private_address",
      "unknown_host"
    ])
  },
  detail: ({ reason }) => `The URL is refused: ${reason}.`,
  help: "Use an https URL whose host has public addresses only, on port 443 or 8443, without credentials in it."
}) {}

/** Networks that are allowed though they are not public: for laptops and tests. */
export type Allowed = ReadonlyArray<readonly [ipaddr.IPv4 | ipaddr.IPv6, number]>
export const allowed = (ranges: string): Allowed =>
  ranges
    .split(",")
    .filter((range) => range.trim() !== "")
    .map((range) => ipaddr.parseCIDR(range.trim()))

/** How long the name of a host may take to be looked up, and how many at a time: each look-up takes one of Node's few threads. */
const resolveMsMax = 3_000
const resolvesMax = 2

/** What receivers of webhooks listen on. Whatever else listens on a public host is not for us to talk to. */
const ports = new Set(["", "443", "8443"])

/** All that is given out to be reached from everywhere (RFC 4291), and what of it is for protocols (RFC 2928, RFC 9637). */
const globalUnicast = ipaddr.IPv6.parseCIDR("2000::/3")
const protocols = [ipaddr.IPv6.parseCIDR("2001::/23"), ipaddr.IPv6.parseCIDR("3fff::/20")]

/**
 * Whether an address is one host's in the public network. Of IPv6 only what is given out: forms that carry an IPv4 address
 * (`::127.0.0.1`, NAT64, 6to4, Teredo) lead to whatever that one is, through whoever translates them.
 */
const isPublic = (address: ipaddr.IPv4 | ipaddr.IPv6): boolean => {
  if (address.range() !== "unicast") return false
  if (address instanceof ipaddr.IPv4) return true
  return address.match(globalUnicast) && !protocols.some((network) => address.match(network))
}

/**
 * Where webhooks may go. Whoever registers a URL chooses where we connect to: so only public addresses, by https. An
 * address is checked where it is connected to, not before: a name that resolves to another one later is met there.
 */
export class Targets extends Context.Service<
  Targets,
  {
    /** As it may be registered: an address or a host that is public now. */
    readonly check: (url: string) => Effect.Effect<void, TargetRefused>
    /** Without looking a name up: `lookup` does. */
    readonly checkForm: (url: string) => Effect.Effect<URL, TargetRefused>
    /** For the connector: refuses a host with any address that is not public, and connects to what it has checked. */
    readonly lookup: LookupFunction
  }
>()("@halles/http/Targets") {
  static readonly layer = (networks: Allowed) => Layer.sync(Targets, () => make(networks))
}

const literalOf = (url: URL): string | null => {
  const host = url.hostname.replace(/^\[|\]$/g, "")
  return ipaddr.isValid(host) ? host : null
}

const make = (networks: Allowed): Targets["Service"] => {
  const isAllowed = (address: ipaddr.IPv4 | ipaddr.IPv6): boolean =>
    networks.some(([network, bits]) => address.kind() === network.kind() && address.match([network, bits] as never))
  /** `process` takes an IPv4 address out of its IPv6 form, so that neither form hides what it is. */
  const mayReach = (text: string): boolean => {
    const address = ipaddr.process(text)
    return isPublic(address) || isAllowed(address)
  }
  const checkForm = (text: string) =>
    Effect.suspend(() => {
      if (!URL.canParse(text)) return Effect.fail(new TargetRefused({ reason: "malformed" }))
      const url = new URL(text)
      if (url.username !== "" || url.password !== "")
        return Effect.fail(new TargetRefused({ reason: "has_credentials" }))
      const literal = literalOf(url)
      if (literal !== null && !mayReach(literal)) return Effect.fail(new TargetRefused({ reason: "private_address" }))
      const isOurs = literal !== null && isAllowed(ipaddr.process(literal))
      if (!isOurs && !ports.has(url.port)) return Effect.fail(new TargetRefused({ reason: "port_not_allowed" }))
      return url.protocol === "https:" || (url.protocol === "http:" && isOurs)
        ? Effect.succeed(url)
        : Effect.fail(new TargetRefused({ reason: "not_https" }))
    })
  const lookup: LookupFunction = (host, options, callback) =>
    resolve(host, { ...options, all: true }, (error, addresses) => {
      if (error !== null) return callback(error, "", 4)
      const [first] = addresses
      if (first === undefined || !addresses.every(({ address }) => mayReach(address))) {
        const refused: NodeJS.ErrnoException = new Error("The host has an address that is not public")
        refused.code = "EPRIVATE"
        return callback(refused, "", 4)
      }
      return options.all === true ? callback(null, addresses) : callback(null, first.address, first.family)
    })
  const resolves = Semaphore.makeUnsafe(resolvesMax)
  const check = (text: string) =>
    Effect.flatMap(checkForm(text), (url) =>
      literalOf(url) !== null
        ? Effect.void
        : Effect.callback<void, TargetRefused>((resume) => {
            lookup(url.hostname, { all: true }, (error) => {
              if (error === null) return resume(Effect.void)
              const reason = error.code === "EPRIVATE" ? "private_address" : "unknown_host"
              return resume(Effect.fail(new TargetRefused({ reason })))
            })
          }).pipe(
            resolves.withPermit,
            Effect.timeoutOrElse({
              duration: resolveMsMax,
              orElse: () => Effect.fail(new TargetRefused({ reason: "unknown_host" }))
            })
          )
    )
  return { check, checkForm, lookup }
}
