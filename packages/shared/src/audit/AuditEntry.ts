import { Schema } from "effect"
import { createHash } from "node:crypto"

export const Outcome = Schema.Literals(["allowed", "denied", "failed"])
export type Outcome = typeof Outcome.Type

/** Something that somebody did, or tried to do. Ids, not names: `record` masks what looks like personal data all the same. */
export interface Act {
  /** Account, client or tool: `Principal.subject`; `anonymous` when nobody said who they are. */
  readonly actor: string
  /** Dotted and past recognition of who: `sign_in`, `role.grant`, `orders.export`, `edge.denied`. */
  readonly action: string
  /** What it was done to, an id or a route. */
  readonly subject: string
  readonly outcome: Outcome
  readonly reason?: string
  /** Of the network; its last part is left out. */
  readonly address?: string
  readonly requestId?: string
  readonly details?: Readonly<Record<string, string | number | boolean>>
}

/** Characters of a text that are kept, and members of `details`. */
const textMax = 200
/** Characters that are looked at. */
const readMax = 600
const detailsMax = 20
/** A statement of SQL as JSON: one that was cut says nothing of what came behind so many spaces. */
export const statementMax = 10_000

const email = /([^\s@])[^\s@]*@([^\s@]+)/g
/** A card number, or what could be one. */
const digits = /\b\d(?:[ -]?\d){11,18}\b/g

/** `ada@example.com` is `a***@example.com`; long numbers lose all but four digits; too long a text loses its end. */
export const mask = (text: string, max = textMax): string =>
  text
    .replaceAll("\0", "")
    .slice(0, Math.max(readMax, max))
    .replace(email, "$1***@$2")
    .replace(digits, (number) => `***${number.slice(-4)}`)
    .slice(0, max)
    .toWellFormed()

/** The network of an address: three parts of four of IPv4, three groups of eight of IPv6. */
export const maskAddress = (address: string): string => {
  const v4 = /(?:^|:)(\d{1,3}\.\d{1,3}\.\d{1,3})\.\d{1,3}$/.exec(address)?.[1]
  if (v4 !== undefined) return `${v4}.0/24`
  const groups = address.split("::", 1)[0]?.split(":").slice(0, 3) ?? []
  return `${groups.join(":").slice(0, 14)}::/48`
}

const masked = (member: string, value: string | number | boolean): string | number | boolean => {
  if (typeof value !== "string") return value
  const isWhole = member === "statement" && JSON.stringify(value).length <= statementMax
  return mask(value, isWhole ? statementMax : textMax)
}

/** One line of JSON with its members in the order of their names: what is hashed, and stored as it is. */
export const canonical = (act: Act, id: string): string => {
  const { action, actor, address, details, outcome, reason, requestId, subject } = act
  const members = details === undefined ? [] : Object.entries(details).slice(0, detailsMax)
  return JSON.stringify({
    action: mask(action),
    actor: mask(actor),
    ...(address === undefined ? {} : { address: maskAddress(address) }),
    ...(members.length === 0
      ? {}
      : {
          details: Object.fromEntries(
            members
              .toSorted(([left], [right]) => (left < right ? -1 : 1))
              .map(([key, value]) => [mask(key), masked(key, value)])
          )
        }),
    id,
    outcome,
    ...(reason === undefined ? {} : { reason: mask(reason) }),
    ...(requestId === undefined ? {} : { requestId: mask(requestId) }),
    subject: mask(subject)
  })
}

/** A row of the log. */
export interface Row {
  readonly seq: bigint
  /** Microseconds since 1970, by the database's clock. */
  readonly at: bigint
  readonly entry: string
  readonly hash: string
}

/** What the first row follows. */
export const genesis = "0".repeat(64)

/** As `audit.append` computes it (`Tables.ts`): SHA-256 of the hash before, number, time and text, a line each. */
export const hashOf = (before: string, { at, entry, seq }: Omit<Row, "hash">): string =>
  createHash("sha256").update(`${before}\n${seq}\n${at}\n${entry}`).digest("hex")
