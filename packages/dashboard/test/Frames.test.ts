import { assert, layer } from "@effect/vitest"
import { ChromiumTest } from "@halles/chromium/ChromiumTest"
import { Effect, Layer } from "effect"
import type { Browser, Page } from "playwright-core"
import { SampleCluster } from "./SampleCluster.ts"

const perSecond = 1_000
const seconds = 3

interface TraceEvent {
  readonly name: string
  readonly pid: number
  readonly tid: number
  readonly ts: number
  /** Processor time of the thread, in microseconds: what other programs of the machine take does not count. */
  readonly tdur?: number
  readonly args?: { readonly name?: string }
}

/** The longest task of the page's main thread while it was watched, in milliseconds of processor time, and how many there were. */
const watched = async (browser: Browser, page: Page) => {
  await browser.startTracing(page, { categories: ["toplevel", "__metadata"] })
  await page.waitForTimeout(seconds * 1_000)
  const trace: { readonly traceEvents: ReadonlyArray<TraceEvent> } = JSON.parse(String(await browser.stopTracing()))
  const mains = trace.traceEvents.filter(({ args }) => args?.name === "CrRendererMain")
  const tasks = trace.traceEvents.filter(
    ({ name, pid, tid }) => name.endsWith("RunTask") && mains.some((main) => main.pid === pid && main.tid === tid)
  )
  return { tasks: tasks.length, longestMs: Math.max(...tasks.map(({ tdur = 0 }) => tdur / 1_000)) }
}

layer(Layer.merge(SampleCluster.layer({ shardsPerRegion: 3_334, perSecond }), ChromiumTest.layer), {
  excludeTestServices: true,
  timeout: "60 seconds"
})("Ten thousand shards and a thousand events a second", (it) => {
  it.effect(
    "nothing that the page does keeps a frame waiting for over 100 ms",
    () =>
      Effect.gen(function* () {
        const { url } = yield* SampleCluster
        const chromium = yield* ChromiumTest
        yield* Effect.promise(async () => {
          const page = await chromium.newPage()
          await page.setViewportSize({ width: 1_366, height: 860 })
          for (const [at, says] of [
            ["#/shards", "3,334 shards"],
            ["#/events", "StockHeld"]
          ] as const) {
            await page.goto(`${url}/${at}`)
            await page.getByText(says).first().waitFor()
            const { longestMs, tasks } = await watched(chromium, page)
            assert.isAbove(tasks, seconds * 10, at)
            assert.isAbove(longestMs, 0, at)
            assert.isAtMost(longestMs, 100, `${at}: the longest of ${tasks} tasks`)
          }
          const counter = await page.getByText("told since this page was opened").innerText()
          assert.isAbove(Number(counter.split(" ")[0]?.replaceAll(",", "")), perSecond * seconds * 0.8, counter)
          await page.close()
        })
      }),
    60_000
  )
})
