/** A decimal number as written: `digits / 10^scale`. No binary fraction ever holds a price. */
interface Decimal {
  readonly digits: bigint
  readonly scale: number
}

/** `4.95`, `-11062.06`, `1e+05`; nothing else. The lengths bound the work that a hostile cell can ask for. */
const pattern = /^(-?)(\d{1,15})(?:\.(\d{1,12}))?(?:[eE]([+-]?\d{1,2}))?$/

const parse = (text: string): Decimal | undefined => {
  const match = pattern.exec(text.trim())
  if (match === null) return undefined
  const [, sign, whole = "", fraction = "", exponent = "0"] = match
  const digits = BigInt(whole + fraction) * (sign === "-" ? -1n : 1n)
  return { digits, scale: fraction.length - Number(exponent) }
}

/** The value in units of `10^-places`, rounded half to even (IEEE 754 roundTiesToEven), and whether that changed it. */
const scaled = (decimal: Decimal, places: number): { readonly units: bigint; readonly exact: boolean } => {
  const shift = places - decimal.scale
  if (shift >= 0) return { units: decimal.digits * 10n ** BigInt(shift), exact: true }
  const divisor = 10n ** BigInt(-shift)
  const magnitude = decimal.digits < 0n ? -decimal.digits : decimal.digits
  const quotient = magnitude / divisor
  const twice = (magnitude % divisor) * 2n
  const up = twice > divisor || (twice === divisor && quotient % 2n === 1n)
  const rounded = up ? quotient + 1n : quotient
  return { units: decimal.digits < 0n ? -rounded : rounded, exact: twice === 0n }
}

/** Pounds as pence: `"4.95"` is 495. Undefined when the text is no number or lies beyond `±max` pence. */
export const pence = (text: string, max: number): { readonly pence: number; readonly exact: boolean } | undefined => {
  const decimal = parse(text)
  if (decimal === undefined) return undefined
  const { units, exact } = scaled(decimal, 2)
  if (units > BigInt(max) || units < BigInt(-max)) return undefined
  return { pence: Number(units), exact }
}

/** A whole number: `"6"`, `"-1"`, `"1e+05"`. Undefined when it is none or lies beyond `±max`. */
export const whole = (text: string, max: number): number | undefined => {
  const decimal = parse(text)
  if (decimal === undefined) return undefined
  const { units, exact } = scaled(decimal, 0)
  return exact && units <= BigInt(max) && units >= BigInt(-max) ? Number(units) : undefined
}
