import type { liveEvents, TailEvent } from "@halles/http/operator/OperatorEvents"
import { signal } from "@preact/signals"

export type TailRow = typeof TailEvent.Type
type Batch = (typeof liveEvents)["events"]["Type"]

/** Rows that are kept for the filter; older ones fall off. */
export const keptMax = 2_000
/** However many rows arrive, the list is drawn so often. */
const drawMs = 250

/** The newest events, told to the screen a few times a second at the most. */
export class Tail {
  readonly version = signal(0)
  /** Pausing holds the list still; what arrives meanwhile is there afterwards. */
  readonly paused = signal(false)
  #rows: Array<TailRow> = []
  #total = 0
  #left = 0
  #drawing = false

  get rows(): ReadonlyArray<TailRow> {
    return this.#rows
  }
  get total(): number {
    return this.#total
  }
  /** What the server left out because there was more than a second may carry. */
  get left(): number {
    return this.#left
  }

  take({ items, left }: Batch): void {
    this.#rows = [...items.toReversed(), ...this.#rows].slice(0, keptMax)
    this.#total += items.length
    this.#left += left
    if (this.#drawing) return
    this.#drawing = true
    setTimeout(() => {
      this.#drawing = false
      if (!this.paused.value) this.version.value += 1
    }, drawMs)
  }

  clear(): void {
    this.#rows = []
    this.#total = 0
    this.#left = 0
    this.version.value += 1
  }
}
