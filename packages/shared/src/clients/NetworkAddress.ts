/** An IPv4 address that came over an IPv6 socket is the IPv4 address. */
export const plainAddress = (address: string): string => (address.startsWith("::ffff:") ? address.slice(7) : address)

/** One subscriber has a whole /64 of IPv6, so that is what is counted as one; an IPv4 address is one. */
export const networkOf = (address: string): string => {
  if (!address.includes(":")) return address
  const [head = "", tail] = address.split("::")
  const left = head === "" ? [] : head.split(":")
  const right = tail === undefined || tail === "" ? [] : tail.split(":")
  const zeros = tail === undefined ? [] : Array.from({ length: Math.max(0, 8 - left.length - right.length) }, () => "0")
  return `${[...left, ...zeros, ...right]
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(":")}::/64`
}
