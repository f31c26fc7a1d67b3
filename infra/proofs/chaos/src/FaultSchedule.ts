import * as Chance from "@halles/harness/Chance"

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
    | { readonly kind: "kill"; readonly process: string }
    | {
        readonly kind: "freeze"
        readonly process: string
        /** Cuts the edge off from Postgres for all of it, and thaws the runner before: the edge still sends to it. */
        readonly unheard: boolean
      }
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

/** About as long as shard locks last, and longer: a frozen runner is thawed while its shards move, or after they have. */
const longFreezeMs = [4_800, 8_000] as const
/** Before the end of a fault that the edge does not hear of, the runner is thawed. */
export const unheardMs = 2_000
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
 * and every fault has ended when the time is over. One that does not fit any more, or that breaks what is broken already, is
 * left out.
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
    const fits = atMs + fault.durationMs <= endMs && !faults.some((other) => meet(other, fault))
    if (fits) faults.push(fault)
    else free[lane] = atMs + pauseMs[0]
  }
  return faults.toSorted((a, b) => a.atMs - b.atMs)
}

/** What a fault has in its hands until it is over. */
const holds = (fault: Fault): ReadonlyArray<string> => {
  switch (fault.kind) {
    case "kill":
      return [fault.process]
    case "freeze":
      return fault.unheard ? [fault.process, "edge postgres"] : [fault.process]
    case "partition":
      return [`${fault.process} ${fault.server}`]
    case "late-webhook":
      return [fault.partner]
    default:
      return [fault.kind]
  }
}

/** Whether two faults are at work at the same time on the same thing: the end of one would end the other. */
const meet = (one: Fault, other: Fault): boolean =>
  one.atMs <= other.atMs + other.durationMs &&
  other.atMs <= one.atMs + one.durationMs &&
  holds(one).some((thing) => holds(other).includes(thing))

const one = (kind: Nemesis, atMs: number, runners: ReadonlyArray<string>, chance: Chance.Chance): Fault => {
  const lasting = (min: number, max: number) => ({ atMs, durationMs: chance.between(min, max) })
  const instant = { atMs, durationMs: 0 }
  switch (kind) {
    case "kill": {
      const process = chance.happens(0.7) ? chance.pick(runners) : chance.pick(["edge", "gateway", "carrier"])
      return { kind, ...instant, process }
    }
    case "freeze": {
      const isLong = chance.happens(0.6)
      const unheard = isLong && chance.happens(0.5)
      const at = isLong ? lasting(...longFreezeMs) : lasting(500, 2_500)
      const durationMs = at.durationMs + (unheard ? unheardMs : 0)
      // Shards move only where there is another runner.
      return {
        kind,
        atMs,
        durationMs,
        unheard,
        process: unheard ? chance.pick(runners.slice(0, 2)) : chance.pick(runners)
      }
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
      return `freeze ${fault.process}${fault.unheard ? `, unheard of by the edge and thawed ${unheardMs / 1_000} s before the end,` : ""}`
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
