import { createHash } from "node:crypto"
import { CustomerId } from "../Ids.ts"
import { type Region, regions } from "../Region.ts"

// Ids say themselves whether knowing them is enough. So a request is judged from its path and its token, and nothing is read
// for it: neither the cart of a guest, nor that of an account, before a line is put into it.

/** Characters of 6 random or hashed bits each. */
const randomLength = 22
const tagLength = 14

const account = new RegExp(`^(${regions.join("|")})_acc_[A-Za-z0-9_-]{20,56}$`)
/** Of a cart, or of the order of one of its checkouts (`orderIdOf`). */
const owned = new RegExp(
  `^(?:${regions.join("|")})_own_([A-Za-z0-9_-]{${randomLength}})([A-Za-z0-9_-]{${tagLength}})(?:-[1-9]\\d?)?$`
)

/** The id of a customer with an account, who signs in; `random` is 20 to 56 characters of `[A-Za-z0-9_-]`. */
export const accountCustomerId = (region: Region, random: string): CustomerId =>
  CustomerId.make(`${region}_acc_${random}`)

/** Whether a customer has an account. Of a guest, the id is its own proof. */
export const hasAccount = (id: string): boolean => account.test(id)

const tag = (random: string, owner: CustomerId): string =>
  createHash("sha256").update(`${owner}\n${random}`).digest("base64url").slice(0, tagLength)

/** The id, after its region, of a cart that belongs to an account; `random` is 22 characters. */
export const ownedKey = (random: string, owner: CustomerId): string => `own_${random}${tag(random, owner)}`

/**
 * Whose a cart, or an order of it, is: `null` when it belongs to whoever knows its id, else a test for the owner.
 * The tag has 84 bits: a cart of somebody else's whose tag fits one's own customer id is not to be found.
 */
export const ownerOf = (id: string): ((customer: CustomerId) => boolean) | null => {
  const parts = owned.exec(id)
  if (parts === null) return null
  const [, random = "", expected] = parts
  return (customer) => tag(random, customer) === expected
}
