import type * as Json from "@halles/http/operator/OperatorJson"
import { Answer, useLiveQuery } from "../Query.tsx"
import { count, duration, time } from "../Format.ts"
import { lists } from "../Live.ts"
import { ask } from "../Ops.ts"
import { Choice } from "../parts/Choice.tsx"
import { More, useMore } from "../parts/More.tsx"
import { Badge, Empty } from "../parts/Notes.tsx"
import { Page } from "../parts/Page.tsx"
import { type Column, Table } from "../parts/Table.tsx"
import { link, refine, route } from "../Router.ts"

type Saga = typeof Json.SagaSummary.Type
type Filter = "all" | Saga["state"]

const tones = { stuck: "bad", open: "warn", refused: "bad", done: "good" } as const

const columns: ReadonlyArray<Column<Saga>> = [
  { label: "Saga", show: ({ entity }) => <a href={link(["saga", ...entity.split("/")])}>{entity}</a> },
  { label: "State", show: ({ state }) => <Badge tone={tones[state]}>{state}</Badge> },
  {
    label: "Pending step",
    show: ({ step }) => (step === null ? <span class="soft">nothing</span> : <code>{step}</code>)
  },
  { label: "Still for", num: true, show: ({ since }) => duration(Math.max(0, Date.now() - since)) },
  { label: "Moved last", show: ({ since }) => time(since) },
  { label: "Next try", show: ({ nextTry }) => (nextTry === null ? "–" : time(nextTry)) },
  { label: "Seq", num: true, show: ({ seq }) => count(seq) }
]

const empty = {
  all: "Every saga is completed or compensated.",
  stuck: "No saga is stuck.",
  open: "No saga is on its way.",
  refused: "No step was refused for good.",
  done: "No saga has ended lately."
} as const

const isState = (given: string | null): given is Saga["state"] => given !== null && Object.hasOwn(tones, given)

export const SagasScreen = () => {
  const given = route.value.query.get("state")
  const filter: Filter = isState(given) ? given : "all"
  const query = filter === "all" ? {} : { state: filter }
  const result = useLiveQuery(filter === "all" ? "sagas" : `sagas:${filter}`, lists.sagas, () =>
    ask((ops) => ops.sagas.listSagas({ query }))
  )
  const more = useMore((cursor) => ask((ops) => ops.sagas.listSagas({ query: { ...query, cursor } })), [filter])
  return (
    <Page
      title="Sagas"
      lead="Entities with a pending step, those that have not moved for the longest time first."
      actions={
        <Choice
          label="State"
          value={filter}
          options={{ all: "Unfinished", stuck: "Stuck", open: "Moving", refused: "Refused", done: "Done" }}
          choose={(state) => refine({ state: state === "all" ? "" : state })}
        />
      }
    >
      <Answer result={result}>
        {({ items, next }) =>
          items.length === 0 ? (
            <div class="card">
              <Empty title={empty[filter]}>An order begins one when its cart is checked out.</Empty>
            </div>
          ) : (
            <section class="card flush">
              <Table label="Sagas" columns={columns} rows={[...items, ...more.items]} id={({ entity }) => entity} />
              <More more={more} next={next} />
            </section>
          )
        }
      </Answer>
    </Page>
  )
}
