/** A number in [0, 1). */
export type Random = () => number

/** `(exp(x) - 1) / x`, by its series where that would lose digits. */
const expm1Over = (x: number): number =>
  Math.abs(x) > 1e-8 ? Math.expm1(x) / x : 1 + (x / 2) * (1 + (x / 3) * (1 + x / 4))
/** `log(1 + x) / x`, likewise. */
const log1pOver = (x: number): number =>
  Math.abs(x) > 1e-8 ? Math.log1p(x) / x : 1 - x * (1 / 2 - x * (1 / 3 - x / 4))

/**
 * Ranks 1 to `count`, rank `k` as often as `k ** -exponent` says. Rejection-inversion after Hörmann and Derflinger
 * ("Rejection-inversion to generate variates from monotone discrete distributions", 1996): no table, and less than 1.1
 * draws a rank, however many ranks there are. `exponent` is above 0; 1 is no exception.
 */
export const sampler = (count: number, exponent: number): ((random: Random) => number) => {
  const density = (x: number) => Math.exp(-exponent * Math.log(x))
  /** The integral of the density, up to a constant. */
  const integral = (x: number) => expm1Over((1 - exponent) * Math.log(x)) * Math.log(x)
  const inverse = (y: number) => Math.exp(log1pOver(Math.max(-1, y * (1 - exponent))) * y)
  const first = integral(1.5) - 1
  const last = integral(count + 0.5)
  const squeeze = 2 - inverse(integral(2.5) - density(2))
  return (random) => {
    while (true) {
      const y = last + random() * (first - last)
      const x = inverse(y)
      const rank = Math.min(count, Math.max(1, Math.trunc(x + 0.5)))
      if (rank - x <= squeeze || y >= integral(rank + 0.5) - density(rank)) return rank
    }
  }
}
