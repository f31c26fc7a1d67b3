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
  const [position, setPosition] = useState(seq)
  useEffect(() => setPosition(seq), [seq])
  useEffect(() => {
    if (position === seq) return undefined
    const timer = setTimeout(() => travel(position), settleMs)
    return () => clearTimeout(timer)
  }, [position])
  const step = (by: number) => setPosition(Math.min(seqNow, Math.max(0, position + by)))
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
        onInput={(event) => setPosition(Number(event.currentTarget.value))}
      />
      <button type="button" aria-label="One row later" disabled={position >= seqNow} onClick={() => step(1)}>
        ›
      </button>
      <output>
        <strong>{`seq ${count(position)}`}</strong>
        <span class="soft">{` of ${count(seqNow)}`}</span>
      </output>
      <button type="button" class="plain" disabled={position === seqNow} onClick={() => setPosition(seqNow)}>
        Now
      </button>
    </section>
  )
}
