import { Region, regions } from "@halles/shared/Region"
import { Result, Schema } from "effect"
import { type Random, sampler } from "./Zipf.ts"

/** What `--keys` says: how often which key is drawn. */
export type Spec =
  | { readonly _tag: "Uniform" }
  | { readonly _tag: "Zipf"; readonly exponent: number }
  /** So many keys and no others. */
  | { readonly _tag: "Hot"; readonly keys: number }
  /** One SKU by its code, in one region. */
  | { readonly _tag: "Flash"; readonly code: string }
  /** Equal within a region; regions by weight. */
  | { readonly _tag: "Regions"; readonly weights: Readonly<Record<Region, number>> }
  /** Lines of `eu_NAME` or `eu_NAME WEIGHT`. */
  | { readonly _tag: "File"; readonly path: string }

/** A key that operations are about. Its name is a SKU's code, or what a cart's id is made of. */
export interface Key {
  readonly region: Region
  readonly name: string
}

/** Keys, the hottest first where some are hotter, and a way to draw one by its index. */
export interface Keyspace {
  readonly keys: ReadonlyArray<Key>
  readonly draw: (random: Random) => number
}

export class BadKeys extends Schema.TaggedError<BadKeys>()("BadKeys", { text: Schema.String, reason: Schema.String }) {
  override get message(): string {
    return `--keys ${this.text}: ${this.reason}`
  }
}

export const keysMax = 100_000
const usage = "uniform, zipf:0.99, hot:1, flash:SKU, region:eu=70,am=20,ap=10 or file:KEYS"
const name = /^[A-Za-z0-9_-]{1,40}$/
const isRegion = Schema.is(Region)

export const parse = (text: string): Result.Result<Spec, BadKeys> => {
  const [kind, ...others] = text.split(":")
  const rest = others.join(":")
  const wrong = (reason: string) => Result.fail(new BadKeys({ text, reason }))
  switch (kind) {
    case "uniform":
      return rest === "" ? Result.succeed({ _tag: "Uniform" }) : wrong("takes nothing")
    case "zipf": {
      const exponent = rest === "" ? 0.99 : Number(rest)
      return exponent > 0 && exponent <= 5
        ? Result.succeed({ _tag: "Zipf", exponent })
        : wrong("the exponent is above 0 and at most 5")
    }
    case "hot": {
      const keys = rest === "" ? 1 : Number(rest)
      return Number.isInteger(keys) && keys >= 1 && keys <= keysMax
        ? Result.succeed({ _tag: "Hot", keys })
        : wrong(`1 to ${keysMax} keys`)
    }
    case "flash":
      return name.test(rest) ? Result.succeed({ _tag: "Flash", code: rest }) : wrong("a SKU's code comes after it")
    case "file":
      return rest === "" ? wrong("a path comes after it") : Result.succeed({ _tag: "File", path: rest })
    case "region":
      return Result.mapError(weightsOf(rest), (reason) => new BadKeys({ text, reason })).pipe(
        Result.map((weights): Spec => ({ _tag: "Regions", weights }))
      )
    default:
      return wrong(`expected ${usage}`)
  }
}

const weightsOf = (text: string): Result.Result<Readonly<Record<Region, number>>, string> => {
  const weights: Record<Region, number> = { eu: 0, am: 0, ap: 0 }
  for (const part of text.split(",")) {
    const [region, weight] = part.split("=")
    if (!isRegion(region)) return Result.fail(`${region} is none of ${regions.join(", ")}`)
    const value = Number(weight)
    if (weight === undefined || !Number.isFinite(value) || value < 0) return Result.fail(`${part} has no weight`)
    weights[region] = value
  }
  return regions.some((region) => weights[region] > 0) ? Result.succeed(weights) : Result.fail("all weights are 0")
}

/** Lays `count` keys over the regions in turn; `run` is part of their names, so that runs do not meet each other's. */
const inTurn = (count: number, run: string, among: ReadonlyArray<Region> = regions): ReadonlyArray<Key> =>
  Array.from({ length: count }, (_, n) => ({ region: among[n % among.length]!, name: `${run}-${n}` }))

const uniformly =
  (count: number) =>
  (random: Random): number =>
    Math.floor(random() * count)

/** Draws an index as often as its weight says. */
export const weighted = (weights: ReadonlyArray<number>): ((random: Random) => number) => {
  const sums = new Float64Array(weights.length)
  let sum = 0
  weights.forEach((weight, n) => (sums[n] = sum += weight))
  return (random) => {
    const wanted = random() * sum
    let low = 0
    let high = weights.length - 1
    while (low < high) {
      const middle = (low + high) >>> 1
      if (sums[middle]! > wanted) high = middle
      else low = middle + 1
    }
    return low
  }
}

/** `lines` is the text of the file that the spec names. */
export const keyspace = (
  spec: Spec,
  options: { readonly count: number; readonly run: string; readonly lines?: string }
): Result.Result<Keyspace, BadKeys> => {
  const { count, lines = "", run } = options
  switch (spec._tag) {
    case "Uniform":
      return Result.succeed({ keys: inTurn(count, run), draw: uniformly(count) })
    case "Zipf": {
      const rank = sampler(count, spec.exponent)
      return Result.succeed({ keys: inTurn(count, run), draw: (random) => rank(random) - 1 })
    }
    case "Hot":
      return Result.succeed({ keys: inTurn(spec.keys, run), draw: uniformly(spec.keys) })
    case "Flash":
      return Result.succeed({ keys: [{ region: "eu", name: spec.code }], draw: () => 0 })
    case "Regions": {
      const among = regions.filter((region) => spec.weights[region] > 0)
      const keys = inTurn(Math.ceil(count / among.length) * among.length, run, among)
      const region = weighted(among.map((one) => spec.weights[one]))
      const within = uniformly(keys.length / among.length)
      return Result.succeed({ keys, draw: (random) => region(random) + among.length * within(random) })
    }
    case "File":
      return ofFile(spec.path, lines)
  }
}

const ofFile = (path: string, text: string): Result.Result<Keyspace, BadKeys> => {
  const wrong = (reason: string) => Result.fail(new BadKeys({ text: `file:${path}`, reason }))
  const found: Array<readonly [Key, number]> = []
  for (const line of text.split("\n").map((one) => one.trim())) {
    if (line === "" || line.startsWith("#")) continue
    const [id = "", weight = "1"] = line.split(/\s+/)
    const region = id.slice(0, 2)
    const value = Number(weight)
    if (!isRegion(region) || id[2] !== "_" || !name.test(id.slice(3)) || !(value > 0)) {
      return wrong(`"${line}" is not <region>_<name> [weight]`)
    }
    found.push([{ region, name: id.slice(3) }, value])
  }
  if (found.length === 0) return wrong("it names no keys")
  if (found.length > keysMax) return wrong(`more than ${keysMax} keys`)
  const hottestFirst = found.toSorted(([, a], [, b]) => b - a)
  return Result.succeed({
    keys: hottestFirst.map(([key]) => key),
    draw: weighted(hottestFirst.map(([, weight]) => weight))
  })
}
