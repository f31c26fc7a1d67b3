import { useState } from "preact/hooks"
import { Answer, useQuery } from "../Query.tsx"
import { count } from "../Format.ts"
import { ask } from "../Ops.ts"
import { Changes } from "./Changes.tsx"
import type { Unmasked } from "./Unmasked.ts"

interface DiffCardProps {
  /** As a path has it: `Order:eu_x`. */
  readonly id: string
  readonly seq: number
  readonly seqNow: number
  readonly unmask: Unmasked
}
interface Pair {
  readonly from: number
  readonly to: number
}

/** What changed between two rows of the history; nothing is asked before two were chosen. */
export const DiffCard = ({ id, seq, seqNow, unmask }: DiffCardProps) => {
  const [pair, setPair] = useState<Pair | null>(null)
  return (
    <section class="card">
      <h2>Compare</h2>
      <form
        class="filter"
        onSubmit={(event) => {
          event.preventDefault()
          const form = new FormData(event.currentTarget)
          setPair({ from: Number(form.get("from")), to: Number(form.get("to")) })
        }}
      >
        <label class="field">
          From seq
          <input name="from" type="number" required min={0} max={seqNow} defaultValue={String(Math.max(0, seq - 1))} />
        </label>
        <label class="field">
          To seq
          <input name="to" type="number" required min={0} max={seqNow} defaultValue={String(seq)} />
        </label>
        <button type="submit">Compare</button>
      </form>
      {pair === null ? null : <Difference id={id} pair={pair} unmask={unmask} />}
    </section>
  )
}

const Difference = ({
  id,
  pair: { from, to },
  unmask
}: {
  readonly id: string
  readonly pair: Pair
  readonly unmask: Unmasked
}) => {
  const result = useQuery(
    () => ask((ops) => ops.entities.diffEntity({ params: { id }, query: { from, to, ...unmask } })),
    [id, from, to, unmask]
  )
  return (
    <Answer result={result}>
      {({ items }) => <Changes items={items} label={`Changes from seq ${count(from)} to ${count(to)}`} />}
    </Answer>
  )
}
