import type * as Json from "@halles/http/operator/OperatorJson"
import { Answer, useQuery } from "../Query.tsx"
import { tagsOf } from "../EventTags.ts"
import { instant } from "../Format.ts"
import { ask } from "../Ops.ts"
import { Json as JsonView } from "../parts/Json.tsx"
import { More, useMore } from "../parts/More.tsx"
import { Empty } from "../parts/Notes.tsx"
import { refine } from "../Router.ts"
import type { Unmasked } from "./Unmasked.ts"

type Row = typeof Json.JournalRow.Type

interface EventsCardProps {
  readonly entity: string
  /** What is shown elsewhere on the screen. */
  readonly seq: number
  readonly unmask: Unmasked
  readonly version: number
}

const Line = ({ row, current }: { readonly row: Row; readonly current: boolean }) => (
  <li class={current ? "row current" : "row"}>
    <details>
      <summary>
        <span class="seq">{row.seq}</span>
        <span class="what">{tagsOf(row.events)}</span>
        <time dateTime={new Date(row.at).toISOString()}>{instant(row.at)}</time>
      </summary>
      <div class="inside">
        <dl class="pairs">
          <dt>Command</dt>
          <dd class="id">{row.commandId}</dd>
          <dt>Actor</dt>
          <dd>{row.actor ?? "–"}</dd>
          <dt>Trace</dt>
          <dd class="id">{row.traceId ?? "–"}</dd>
          <dt>Epoch</dt>
          <dd>{`${row.epoch}, shard ${row.shard}`}</dd>
        </dl>
        <JsonView label={`Events of row ${row.seq}`} value={row.events} />
        <button type="button" onClick={() => refine({ at: String(row.seq) })}>
          {`Show it as it was at seq ${row.seq}`}
        </button>
      </div>
    </details>
  </li>
)

/** The history, row by row; each can be opened, and travelled to. */
export const EventsCard = ({ entity, seq, unmask, version }: EventsCardProps) => {
  const question = (cursor?: string) =>
    ask((ops) =>
      ops.entities.entityEvents({
        params: { id: entity.replace("/", ":") },
        query: {
          limit: 100,
          ...(cursor === undefined ? {} : { cursor }),
          ...unmask
        }
      })
    )
  const result = useQuery(() => question(), [entity, unmask, version])
  const more = useMore(question, [entity, unmask, version])
  return (
    <section class="card flush">
      <h2>Events</h2>
      <Answer result={result}>
        {({ items, next }) =>
          items.length === 0 ? (
            <Empty title="Nothing has happened to it." />
          ) : (
            <>
              <ol class="rows">
                {[...items, ...more.items].map((row) => (
                  <Line key={`${row.entity}#${row.seq}`} row={row} current={row.seq === seq} />
                ))}
              </ol>
              <More more={more} next={next} />
            </>
          )
        }
      </Answer>
    </section>
  )
}
