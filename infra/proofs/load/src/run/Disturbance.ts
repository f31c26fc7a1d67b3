import { type Region, Region as Regions } from "@halles/shared/Region"
import { Result, Schema } from "effect"

/** What is done to the cluster while it is under load; seconds count from when the measured span begins. */
export type Disturbance =
  | { readonly _tag: "Kill"; readonly process: string; readonly atSeconds: number }
  /** Stopped for a while (SIGSTOP, SIGCONT). */
  | { readonly _tag: "Freeze"; readonly process: string; readonly atSeconds: number; readonly forSeconds: number }
  /** One more runner. */
  | { readonly _tag: "Join"; readonly region: Region; readonly atSeconds: number }
  /** The runner gives its shards away and goes on running without, until the end of the run. */
  | { readonly _tag: "Drain"; readonly process: string; readonly atSeconds: number }

export class BadDisturbance extends Schema.TaggedError<BadDisturbance>()("BadDisturbance", {
  flag: Schema.String,
  text: Schema.String
}) {
  override get message(): string {
    return `--${this.flag} ${this.text}: expected ${this.flag === "join" ? "@SECONDS or REGION@SECONDS" : "PROCESS@SECONDS"}, such as ${
      { kill: "eu-1@10", freeze: "eu-1@10 or eu-1@10+5 (for 5 s)", join: "@10 or am@10", drain: "eu-1@10" }[
        this.flag
      ] ?? ""
    }`
  }
}

const form = /^([a-z0-9-]*)@(\d+(?:\.\d+)?)(?:\+(\d+(?:\.\d+)?))?$/
const frozenSeconds = 4
const isRegion = Schema.is(Regions)

/** Of one flag: several with commas between them. */
export const parse = (
  flag: "kill" | "freeze" | "join" | "drain",
  text: string
): Result.Result<ReadonlyArray<Disturbance>, BadDisturbance> => {
  const found: Array<Disturbance> = []
  for (const part of text.split(",").map((one) => one.trim())) {
    const [, process = "", at, lasting] = form.exec(part) ?? []
    const bad = Result.fail(new BadDisturbance({ flag, text: part }))
    if (at === undefined || (lasting !== undefined && flag !== "freeze")) return bad
    const atSeconds = Number(at)
    if (flag === "join") {
      const region = process === "" ? "eu" : process
      if (!isRegion(region)) return bad
      found.push({ _tag: "Join", region, atSeconds })
      continue
    }
    if (process === "") return bad
    if (flag === "kill") found.push({ _tag: "Kill", process, atSeconds })
    if (flag === "freeze") {
      found.push({ _tag: "Freeze", process, atSeconds, forSeconds: Number(lasting ?? frozenSeconds) })
    }
    if (flag === "drain") found.push({ _tag: "Drain", process, atSeconds })
  }
  return Result.succeed(found)
}

export const describe = (one: Disturbance): string => {
  switch (one._tag) {
    case "Kill":
      return `kill ${one.process}`
    case "Freeze":
      return `freeze ${one.process} for ${one.forSeconds} s`
    case "Join":
      return `a runner joins ${one.region}`
    case "Drain":
      return `drain ${one.process}`
  }
}
