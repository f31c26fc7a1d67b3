import * as HttpListener from "@halles/shared/listener/HttpListener"
import { dashboardFiles } from "@halles/http/operator/DashboardFiles"
import type { liveEvents, LiveEventName } from "@halles/http/operator/OperatorEvents"
import { Context, Duration, Effect, Layer, Schedule, Stream } from "effect"
import { HttpRouter, HttpServer, HttpServerRequest, HttpServerResponse } from "effect/http"
import { join } from "node:path"
import * as Samples from "./Samples.ts"

export interface SampleOptions {
  readonly shardsPerRegion: number
  /** Events that are told, and shards that change, each second. */
  readonly perSecond: number
}

const directory = join(import.meta.dirname, "..", "dist")

/** How often the stream tells something; a frame carries as much as that time is worth. */
const frameMs = 50

type Frames = { readonly [Name in LiveEventName]?: (typeof liveEvents)[Name]["Encoded"] }

const frame = (data: Frames): string =>
  Object.entries(data)
    .map(([event, body], index) => `id: ${Date.now()}.${index}\nevent: ${event}\ndata: ${JSON.stringify(body)}\n\n`)
    .join("")

const live = (
  { perSecond, shardsPerRegion }: SampleOptions,
  changes: ReadonlyArray<Samples.Change>,
  topic: string | null
) => {
  const shards = Samples.shards(shardsPerRegion)
  const whole = () => ({
    overview: Samples.overview(shardsPerRegion),
    runners: Samples.runners(),
    alarms: Samples.alarms(),
    moves: Samples.moves(changes),
    ...(topic === "types" ? { types: Samples.types(Math.round(performance.now())) } : {})
  })
  const first = frame({ hello: { at: Date.now(), resumed: false }, ...whole(), shards })
  const rest = Stream.suspend(() => {
    // By the clock, so that a busy machine gets as many events in fewer frames.
    let sent = 0
    let seconds = 0
    const began = performance.now()
    return Stream.fromSchedule(Schedule.spaced(Duration.millis(frameMs))).pipe(
      Stream.map((tick) => {
        const elapsed = (performance.now() - began) / 1_000
        const due = Math.floor(elapsed * perSecond) - sent
        sent += due
        const isWhole = Math.floor(elapsed) > seconds
        seconds = Math.floor(elapsed)
        return frame({
          ...(isWhole ? whole() : {}),
          events: { items: Samples.tailRows(tick, due), left: 0 },
          shards: Samples.changed(shards, tick, due)
        })
      })
    )
  })
  return HttpServerResponse.stream(Stream.encodeText(Stream.concat(Stream.make(first), rest)), {
    contentType: "text/event-stream",
    headers: { "cache-control": "no-store" }
  })
}

/**
 * A cluster that is made up, behind the page as it is built and served: for what a real one cannot show on a laptop, such
 * as ten thousand shards, and for states that are rare, such as a parked entity.
 */
export class SampleCluster extends Context.Service<
  SampleCluster,
  {
    readonly url: string
    /** What the page asked to be changed, in order. */
    readonly changes: ReadonlyArray<Samples.Change>
  }
>()("@halles/dashboard/test/SampleCluster") {
  static readonly layer = (options: SampleOptions) =>
    Layer.unwrap(Effect.sync(() => SampleCluster.#serving(options, [])))

  static readonly #serving = (options: SampleOptions, changes: Array<Samples.Change>) =>
    Layer.effect(
      SampleCluster,
      Effect.map(HttpServer.HttpServer, ({ address }) => ({
        url: "port" in address ? `http://localhost:${address.port}` : "",
        changes
      }))
    ).pipe(
      Layer.provideMerge(
        HttpRouter.serve(
          Layer.mergeAll(
            dashboardFiles(directory),
            HttpRouter.add(
              "GET",
              "/v1/ops/live",
              Effect.map(HttpServerRequest.HttpServerRequest, ({ url }) =>
                live(options, changes, new URL(url, "http://localhost").searchParams.get("topic"))
              )
            ),
            HttpRouter.add(
              "GET",
              "/v1/ops/*",
              Effect.map(HttpServerRequest.HttpServerRequest, ({ url }) => {
                const answer = Samples.answers(new URL(url, "http://localhost"), changes)
                return answer === null
                  ? HttpServerResponse.jsonUnsafe(Samples.notFound, {
                      status: 404,
                      headers: { "content-type": "application/problem+json" }
                    })
                  : HttpServerResponse.jsonUnsafe(answer)
              })
            ),
            HttpRouter.add(
              "POST",
              "/v1/ops/*",
              Effect.gen(function* () {
                const request = yield* HttpServerRequest.HttpServerRequest
                const path = decodeURIComponent(request.url.replace("/v1/ops/", ""))
                const change = {
                  path,
                  body: (yield* request.json) as Samples.Change["body"],
                  fromPage: request.headers["halles-operator"] === "1"
                }
                const tried = Samples.tried(change)
                if (tried !== null) {
                  return HttpServerResponse.jsonUnsafe(
                    tried,
                    "status" in tried
                      ? { status: tried.status, headers: { "content-type": "application/problem+json" } }
                      : {}
                  )
                }
                const reason = Samples.refusals[path]
                if (reason === undefined) {
                  changes.push(change)
                  return HttpServerResponse.jsonUnsafe(Samples.came(change))
                }
                return HttpServerResponse.jsonUnsafe(Samples.notPossible(reason), {
                  status: 409,
                  headers: { "content-type": "application/problem+json" }
                })
              })
            )
          ),
          { disableLogger: true, disableListenLog: true }
        )
      ),
      Layer.provide(HttpListener.layer({ host: "localhost", port: 0 }))
    )
}
