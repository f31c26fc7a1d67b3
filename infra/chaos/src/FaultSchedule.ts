import * as Chance from "./Chance.ts"

/** Everything that can be broken, in the order of `--help`. */
export const nemeses = [
  "kill",
  "freeze",
  "partition",
  "pg",
  "nats",
  "redis",
  "slow-disk",
  "duplicate",
  "late-webhook"
] as const
export type Nemesis = (typeof nemeses)[number]

/** What the proxy between one process and one server does to their connections. `up` is towards the server. */
export type Form = "block" | "block-up" | "block-down" | "delay" | "reset"

interface At {
  /** Milliseconds since the workload began. */
  readonly atMs: number
  /** 0: it is over as soon as it is done; mending it is the system's business. */
  readonly durationMs: number
}
export type Fault = At &
  (
    | { readonly kind: "kill" | "freeze"; readonly process: string }
    | {
        readonly kind: "partition"
        readonly process: string
        readonly server: "postgres" | "nats" | "redis"
        readonly form: Form
        readonly delayMs: number
      }
    | { readonly kind: "pg" | "nats" | "redis" }
    | { readonly kind: "slow-disk"; readonly delayMs: number }
    | { readonly kind: "duplicate" }
    | { readonly kind: "late-webhook"; readonly partner: "gateway" | "carrier"; readonly mode: "slow" | "down" }
  )

/** Longer than the expiration of shard locks: a frozen runner is thawed after its shards have moved. */
const longFreezeMs = [6_000, 8_000] as const
/** So many faults at a time. */
const lanes = 2
const firstMs = 1_000
/** Between the end of a fault and the next one of its lane. */
const pauseMs = [1_500, 4_500] as const

export interface Options {
  readonly seed: string
  readonly seconds: number
  readonly nemeses: ReadonlyArray<Nemesis>
  readonly runners: ReadonlyArray<string>
}

/**
 * The faults of a run, by their start; from the options alone. All nemeses come up in turn, each round in another order,
 * and every fault has ended when the time is over. One that does not fit any more is left out.
 */
export const make = ({ nemeses: wanted, runners, seconds, seed }: Options): ReadonlyArray<Fault> => {
  const chance = Chance.make(`faults ${seed}`)
  const free = Array.from({ length: lanes }, (_, lane) => firstMs + lane * 1_200)
  const faults: Array<Fault> = []
  const endMs = seconds * 1_000
  let round: ReadonlyArray<Nemesis> = []
  while (wanted.length > 0) {
    if (round.length === 0) round = chance.shuffled(wanted)
    const [kind, ...rest] = round
    round = rest
    const lane = free.indexOf(Math.min(...free))
    const atMs = free[lane]!
    if (atMs >= endMs) break
    const fault = one(kind!, atMs, runners, chance)
    free[lane] = atMs + fault.durationMs + chance.between(...pauseMs)
    if (atMs + fault.durationMs <= endMs) faults.push(fault)
    else free[lane] = atMs + pauseMs[0]
  }
  return faults.toSorted((a, b) => a.atMs - b.atMs)
}

const one = (kind: Nemesis, atMs: number, runners: ReadonlyArray<string>, chance: Chance.Chance): Fault => {
  const lasting = (min: number, max: number) => ({ atMs, durationMs: chance.between(min, max) })
  const instant = { atMs, durationMs: 0 }
  switch (kind) {
    case "kill": {
      const process = chance.happens(0.7) ? chance.pick(runners) : chance.pick(["edge", "gateway", "carrier"])
      return { kind, ...instant, process }
    }
    case "freeze":
      return {
        kind,
        ...(chance.happens(0.5) ? lasting(...longFreezeMs) : lasting(500, 2_500)),
        process: chance.pick(runners)
      }
    case "partition": {
      const process = chance.happens(0.8) ? chance.pick(runners) : "edge"
      const server = chance.weighted({ postgres: 4, nats: 4, redis: 1 })
      const form = chance.weighted({ block: 3, "block-up": 2, "block-down": 2, delay: 2, reset: 1 })
      const at = form === "reset" ? instant : lasting(800, 5_000)
      return { kind, ...at, process, server, form, delayMs: chance.between(50, 400) }
    }
    case "pg":
    case "nats":
    case "redis":
      return { kind, ...instant }
    case "slow-disk":
      return { kind, ...lasting(1_500, 4_000), delayMs: chance.between(20, 100) }
    case "duplicate":
      return { kind, ...lasting(2_000, 5_000) }
    case "late-webhook":
      return {
        kind,
        ...lasting(1_500, 4_000),
        partner: chance.pick(["gateway", "carrier"] as const),
        mode: chance.pick(["slow", "down"] as const)
      }
  }
}

/** One line of a fault, for people. */
export const describe = (fault: Fault): string => {
  const { atMs, durationMs } = fault
  const lasting = durationMs === 0 ? "" : ` for ${(durationMs / 1_000).toFixed(1)} s`
  return `${(atMs / 1_000).toFixed(1)} s: ${what(fault)}${lasting}`
}

const what = (fault: Fault): string => {
  switch (fault.kind) {
    case "kill":
      return `kill ${fault.process}`
    case "freeze":
      return `freeze ${fault.process}`
    case "partition":
      return `${fault.form} ${fault.process} - ${fault.server}${fault.form === "delay" ? ` by ${fault.delayMs} ms` : ""}`
    case "pg":
      return "kill postgres"
    case "nats":
    case "redis":
      return `kill ${fault.kind}`
    case "slow-disk":
      return `every flush of the disk takes ${fault.delayMs} ms longer`
    case "duplicate":
      return "commands are sent twice"
    case "late-webhook":
      return `${fault.partner} is ${fault.mode}`
  }
}
