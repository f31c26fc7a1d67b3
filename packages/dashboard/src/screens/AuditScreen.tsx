import type * as Json from "@halles/http/operator/OperatorJson"
import { useContext } from "preact/hooks"
import { Answer, useQuery } from "../Query.tsx"
import { time } from "../Format.ts"
import { Me } from "../Me.ts"
import { ask } from "../Ops.ts"
import { More, useMore } from "../parts/More.tsx"
import { Badge, Empty } from "../parts/Notes.tsx"
import { Page } from "../parts/Page.tsx"
import { type Column, Table } from "../parts/Table.tsx"
import { refine, route } from "../Router.ts"

type Row = typeof Json.AuditRow.Type

const tones = { allowed: "good", denied: "bad", failed: "warn" } as const

const columns: ReadonlyArray<Column<Row>> = [
  { label: "At", show: ({ at }) => time(at) },
  { label: "Actor", show: ({ actor }) => actor },
  { label: "Action", show: ({ action }) => <code>{action}</code> },
  { label: "Subject", wide: true, show: ({ subject }) => <span class="id">{subject}</span> },
  { label: "Outcome", show: ({ outcome }) => <Badge tone={tones[outcome]}>{outcome}</Badge> },
  { label: "Reason", wide: true, show: ({ reason }) => reason ?? "–" },
  { label: "No.", num: true, show: ({ seq }) => seq }
]

export const AuditScreen = () => {
  const { mayAudit } = useContext(Me)
  return (
    <Page
      title="Audit"
      lead="Who did what, and why; attempts that were refused too. npm run audit -- verify proves that no row was changed."
    >
      {mayAudit ? (
        <Log />
      ) : (
        <div class="card">
          <Empty title="Your account may not read the audit log.">It needs the role ops-write or admin.</Empty>
        </div>
      )}
    </Page>
  )
}

const Log = () => {
  const { query } = route.value
  const actor = query.get("actor") ?? ""
  const action = query.get("action") ?? ""
  const asking = { ...(actor === "" ? {} : { actor }), ...(action === "" ? {} : { action }) }
  const result = useQuery(() => ask((ops) => ops.watching.audit({ query: asking })), [actor, action], { live: true })
  const more = useMore((cursor) => ask((ops) => ops.watching.audit({ query: { ...asking, cursor } })), [actor, action])
  return (
    <>
      <form
        class="filter"
        onSubmit={(event) => {
          event.preventDefault()
          const form = new FormData(event.currentTarget)
          refine({ actor: String(form.get("actor")), action: String(form.get("action")) })
        }}
      >
        <label class="field">
          Actor
          <input name="actor" defaultValue={actor} spellcheck={false} />
        </label>
        <label class="field">
          Action
          <input name="action" defaultValue={action} spellcheck={false} />
        </label>
        <button type="submit">Filter</button>
      </form>
      <Answer result={result}>
        {({ items, next }) =>
          items.length === 0 ? (
            <div class="card">
              <Empty title="No row fits." />
            </div>
          ) : (
            <section class="card flush">
              <Table
                label="Audit log, newest first"
                columns={columns}
                rows={[...items, ...more.items]}
                id={({ seq }) => seq}
              />
              <More more={more} next={next} />
            </section>
          )
        }
      </Answer>
    </>
  )
}
