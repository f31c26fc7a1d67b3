import { useEffect, useState } from "preact/hooks"
import { count } from "../Format.ts"

interface TimeTravelProps {
  /** The row that the address names, whose state may still be on its way. */
  readonly seq: number
  readonly seqNow: number
  readonly travel: (seq: number) => void
}

/** After the last touch of the slider; each step on the way would be a question of its own. */
const settleMs = 120

/** A slider over its whole history; arrow keys go row by row. */
export const TimeTravel = ({ seq, seqNow, travel }: TimeTravelProps) => {
  /** Where the slider was moved to, until the address says so too. */
  const [moved, setMoved] = useState<number | null>(null)
  const position = moved ?? seq
  useEffect(() => {
    if (moved === null) return undefined
    const timer = setTimeout(() => {
      travel(moved)
      setMoved(null)
    }, settleMs)
    return () => clearTimeout(timer)
  }, [moved])
  const step = (by: number) => setMoved(Math.min(seqNow, Math.max(0, position + by)))
  return (
    <section class="card travel" aria-label="Time travel">
      <button type="button" aria-label="One row earlier" disabled={position <= 0} onClick={() => step(-1)}>
        ‹
      </button>
      <input
        type="range"
        min={0}
        max={seqNow}
        value={position}
        aria-label="Seq that is shown"
        aria-valuetext={`seq ${position} of ${seqNow}`}
        onInput={(event) => setMoved(Number(event.currentTarget.value))}
      />
      <button type="button" aria-label="One row later" disabled={position >= seqNow} onClick={() => step(1)}>
        ›
      </button>
      <output>
        <strong>{`seq ${count(position)}`}</strong>
        <span class="soft">{` of ${count(seqNow)}`}</span>
      </output>
      <button type="button" class="plain" disabled={position === seqNow} onClick={() => setMoved(seqNow)}>
        Now
      </button>
    </section>
  )
}
