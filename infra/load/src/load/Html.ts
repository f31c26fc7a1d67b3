import { readFileSync } from "node:fs"
import { createRequire } from "node:module"
import { cost } from "./Cost.ts"
import { machine } from "./Machine.ts"
import { cores } from "./Resources.ts"
import type { Outcome } from "./Run.ts"
import type { Summary } from "./Summary.ts"

const own = (name: string): string => readFileSync(new URL(`report/${name}`, import.meta.url), "utf8")
const library = (): string =>
  readFileSync(createRequire(import.meta.url).resolve("echarts/dist/echarts.min.js"), "utf8")

/** No text ends the script that it stands in. */
const inScript = (text: string): string => text.replaceAll("</", "<\\/").replaceAll("<!--", "<\\!--")

const round = (value: number): number => Number(value.toPrecision(5))

/** What the page draws: plain JSON, latencies in milliseconds, times in seconds from the first intended operation. */
const drawn = (outcome: Outcome, summary: Summary, setting: string, pricePerCoreHour: number) => {
  const { analysis, impacts, looks, plan, startMs, startedAt, toMs, verdict, violated } = outcome
  const seconds = (ms: number) => round((ms - startMs) / 1000)
  return {
    summary,
    setting,
    machine: machine(),
    startedAt: startedAt.toISOString(),
    warmUpSeconds: plan.warmUpMs / 1000,
    totalSeconds: (toMs - startMs) / 1000,
    all: analysis.all,
    steps: analysis.steps,
    regions: analysis.regions.filter(({ operations }) => operations > 0),
    shards: analysis.shards,
    keys: analysis.keys,
    runners: analysis.runners,
    imbalance: { runners: analysis.runnerImbalance, shards: analysis.shardImbalance },
    seconds: analysis.seconds.map((one) => ({
      ...one,
      p50ms: round(one.p50ms),
      p95ms: round(one.p95ms),
      p99ms: round(one.p99ms),
      maxMs: round(one.maxMs)
    })),
    heat: analysis.heat.map((row) => [...row]),
    histogram: analysis.histogram,
    lag: analysis.lag,
    marks: impacts.map((impact) => ({ ...impact, second: seconds(impact.atMs) })),
    cores: cores(looks)
      .filter(({ atMs }) => atMs >= startMs && atMs <= toMs + 1_000)
      .map(({ atMs, cores }) => ({ second: seconds(atMs), cores: Object.fromEntries(cores) })),
    cost: { ...cost(outcome, pricePerCoreHour), pricePerCoreHour },
    lost: verdict.lost.slice(0, 50),
    duplicated: verdict.duplicated.slice(0, 50),
    violated
  }
}

/** A report on one page that needs nothing else: styles, library, figures and what draws them are inside. */
export const html = (outcome: Outcome, summary: Summary, setting: string, pricePerCoreHour: number): string => {
  const data = JSON.stringify(drawn(outcome, summary, setting, pricePerCoreHour))
  const parts: Readonly<Record<string, string>> = {
    style: own("style.css"),
    library: inScript(library()),
    data: inScript(data),
    draw: inScript(own("draw.js"))
  }
  return own("page.html").replaceAll(/\/\*\{(\w+)\}\*\//g, (_, name: string) => parts[name] ?? "")
}
