import type * as Json from "@halles/http/operator/OperatorJson"
import { signal } from "@preact/signals"

type Overview = typeof Json.Overview.Type
type Figures = Overview["regions"][number]

/** As many points as a chart shows; older ones fall off. */
const pointsMax = 600

/** What the overview said since the page was opened, for its charts: seconds, then one line a region. */
export class History {
  readonly version = signal(0)
  readonly #points: Array<Overview> = []

  add(overview: Overview): void {
    const last = this.#points.at(-1)
    if (last !== undefined && overview.at <= last.at) return
    this.#points.push(overview)
    if (this.#points.length > pointsMax) this.#points.shift()
    this.version.value += 1
  }

  lines(
    regions: ReadonlyArray<string>,
    figure: (of: Figures) => number | null
  ): [Array<number>, ...Array<Array<number | null>>] {
    const times = this.#points.map(({ at }) => at / 1_000)
    const lines = regions.map((name) =>
      this.#points.map((point) => {
        const found = point.regions.find(({ region }) => region === name)
        return found === undefined ? null : figure(found)
      })
    )
    return [times, ...lines]
  }
}
