import { type Region, regionOf } from "@halles/shared/Region"
import type { Fault } from "@halles/shared/wire/EdgeErrors"
import { Effect } from "effect"
import { ContentRefused } from "../routes/ContentRefused.ts"
import { Edge } from "../routes/Edge.ts"
import { Media, type MediaId } from "./Media.ts"
import type { ShownMedia } from "./ShownMedia.ts"

/** Media of one body that the edge asks at a time. */
const asksAtOnce = 8

/** A fault for each of the media that an entity of the region cannot show: it is of another region, was never declared, has no bytes yet, was refused or removed. */
export const mediaFaults = Effect.gen(function* () {
  const edge = yield* Edge
  const media = yield* edge.entity(Media)
  const faultOf = Effect.fnUntraced(function* (region: Region, id: MediaId) {
    if (regionOf(id) !== region) return `Expected a file of the region ${region}`
    const view = yield* edge.call(media(id).View()).pipe(Effect.catchTag("NotFound", () => Effect.succeed(null)))
    if (view?.status === "declared") return "Its bytes have not come yet"
    return view?.status === "ready" ? null : "There is no such file, or it was removed or refused"
  })
  return (region: Region, ids: ShownMedia) =>
    Effect.map(
      Effect.forEach(ids, (id) => faultOf(region, id), { concurrency: asksAtOnce }),
      (details) =>
        details.flatMap((detail, index): ReadonlyArray<Fault> =>
          detail === null ? [] : [{ pointer: `/media/${index}`, detail }]
        )
    )
})

interface Naming {
  readonly query: { readonly region: Region }
  readonly payload: { readonly media?: ShownMedia | undefined }
}

/** Refuses a body that names media which cannot be shown. */
export const mediaKnown = Effect.map(
  mediaFaults,
  (faults) =>
    ({ payload: { media = [] }, query: { region } }: Naming) =>
      Effect.flatMap(faults(region, media), (errors) =>
        errors.length === 0 ? Effect.void : Effect.fail(new ContentRefused({ errors }))
      )
)
