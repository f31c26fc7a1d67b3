import { useEffect, useState } from "preact/hooks"
import { count } from "../Format.ts"

interface TimeTravelProps {
  readonly seq: number
  readonly seqNow: number
  readonly travel: (seq: number) => void
}

/** After the last touch of the slider; each step on the way would be a question of its own. */
const settleMs = 120

/** A slider over its whole history; arrow keys go row by row. */
export const TimeTravel = ({ seq, seqNow, travel }: TimeTravelProps) => {
  const [shown, show] = useState(seq)
  useEffect(() => show(seq), [seq])
  useEffect(() => {
    if (shown === seq) return undefined
    const timer = setTimeout(() => travel(shown), settleMs)
    return () => clearTimeout(timer)
  }, [shown])
  const step = (by: number) => show(Math.min(seqNow, Math.max(0, shown + by)))
  return (
    <section class="card travel" aria-label="Time travel">
      <button type="button" aria-label="One row earlier" disabled={shown <= 0} onClick={() => step(-1)}>
        ‹
      </button>
      <input
        type="range"
        min={0}
        max={seqNow}
        value={shown}
        aria-label="Seq that is shown"
        aria-valuetext={`seq ${shown} of ${seqNow}`}
        onInput={(event) => show(Number(event.currentTarget.value))}
      />
      <button type="button" aria-label="One row later" disabled={shown >= seqNow} onClick={() => step(1)}>
        ›
      </button>
      <output>
        <strong>{`seq ${count(shown)}`}</strong>
        <span class="soft">{` of ${count(seqNow)}`}</span>
      </output>
      <button type="button" class="plain" disabled={shown === seqNow} onClick={() => show(seqNow)}>
        Now
      </button>
    </section>
  )
}
