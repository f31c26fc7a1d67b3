import { useEffect, useState } from "preact/hooks"
import { tagsOf } from "../EventTags.ts"
import { count, instant } from "../Format.ts"
import { tail, tailOf } from "../Live.ts"
import { Empty } from "../parts/Notes.tsx"
import { Page } from "../parts/Page.tsx"
import { type Column, Table } from "../parts/Table.tsx"
import { entityLink, refine, route } from "../Router.ts"
import type { TailRow } from "../Tail.ts"

/** Rows on the screen at a time; the filter looks at all that are kept. */
const rowsMax = 100

const columns: ReadonlyArray<Column<TailRow>> = [
  { label: "At", show: ({ at }) => instant(at) },
  { label: "Entity", show: ({ entity, seq }) => <a href={entityLink(entity, { at: seq })}>{entity}</a> },
  { label: "Seq", num: true, show: ({ seq }) => count(seq) },
  { label: "Events", wide: true, show: ({ events }) => tagsOf(events) },
  { label: "Actor", show: ({ actor }) => actor ?? "–" }
]

const fits = ({ actor, entity, events }: TailRow, wanted: string): boolean =>
  wanted === "" || `${entity} ${tagsOf(events)} ${actor ?? ""}`.toLowerCase().includes(wanted)

/** The live tail: which entities are told is asked of the server, the words are looked for here. */
export const EventsScreen = () => {
  const of = route.value.query.get("of") ?? "*"
  const [text, setText] = useState("")
  useEffect(() => {
    tail.clear()
    tailOf.value = of
    return () => {
      tailOf.value = ""
      tail.clear()
      tail.paused.value = false
    }
  }, [of])
  void tail.version.value
  const wanted = text.trim().toLowerCase()
  const rows = tail.rows.filter((row) => fits(row, wanted)).slice(0, rowsMax)
  const paused = tail.paused.value
  return (
    <Page
      title="Events"
      lead="What is committed, as it is committed. Personal data is hidden."
      actions={
        <button
          type="button"
          aria-pressed={paused}
          onClick={() => {
            tail.paused.value = !paused
            if (paused) tail.version.value += 1
          }}
        >
          {paused ? "Go on" : "Hold still"}
        </button>
      }
    >
      <form
        class="filter"
        onSubmit={(event) => {
          event.preventDefault()
          refine({ of: String(new FormData(event.currentTarget).get("of")) })
        }}
      >
        <label class="field">
          Which
          <input name="of" defaultValue={of} placeholder="*, Order or Order:eu_x" spellcheck={false} />
        </label>
        <label class="field">
          With the words
          <input
            value={text}
            placeholder="PaymentDeclined"
            spellcheck={false}
            onInput={(event) => setText(event.currentTarget.value)}
          />
        </label>
        <button type="submit">Listen</button>
      </form>
      <p class="soft">
        {`${count(tail.total)} told since this page was opened`}
        {tail.left === 0 ? "" : `; ${count(tail.left)} left out, because there are more than a second may carry`}
      </p>
      <section class="card flush">
        {rows.length === 0 ? (
          <Empty title={tail.total === 0 ? "Quiet." : "None of them fits."}>
            {tail.total === 0 ? "The next event appears here by itself." : "Change the words above."}
          </Empty>
        ) : (
          <Table
            label="Events, newest first"
            columns={columns}
            rows={rows}
            id={({ entity, seq }) => `${entity}#${seq}`}
          />
        )}
      </section>
    </Page>
  )
}
