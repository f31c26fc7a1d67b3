import { useState } from "preact/hooks"
import { Answer, useQuery } from "../Query.tsx"
import { types } from "../Domains.ts"
import { count, time } from "../Format.ts"
import { ask } from "../Ops.ts"
import { More, useMore } from "../parts/More.tsx"
import { Empty } from "../parts/Notes.tsx"
import { Page } from "../parts/Page.tsx"
import { Table } from "../parts/Table.tsx"
import { entityLink, go, link, refine, route } from "../Router.ts"

/** What a state is about, as far as the types agree on names. */
const gist = (state: unknown): string => {
  if (typeof state !== "object" || state === null) return String(state)
  return Object.entries(state)
    .filter(([, value]) => ["string", "number", "boolean"].includes(typeof value))
    .slice(0, 4)
    .map(([name, value]) => `${name} ${String(value)}`)
    .join(", ")
}

const Find = () => {
  const [id, setId] = useState("")
  return (
    <form
      class="actions"
      onSubmit={(event) => {
        event.preventDefault()
        if (id.trim() !== "") go(["entity", ...id.trim().split(/[/:]/)])
      }}
    >
      <label class="field">
        Open an id
        <input
          value={id}
          placeholder="Order/eu_… or eu_…"
          spellcheck={false}
          autocapitalize="off"
          onInput={(event) => setId(event.currentTarget.value)}
        />
      </label>
      <button type="submit" class="first">
        Open
      </button>
    </form>
  )
}

export const EntitiesScreen = () => {
  const { query } = route.value
  const type = query.get("type") ?? "Order"
  const where = query.get("where") ?? ""
  const asking = { type, ...(where === "" ? {} : { where }) }
  const result = useQuery(() => ask((ops) => ops.entities.listEntities({ query: asking })), [type, where])
  const more = useMore(
    (cursor) => ask((ops) => ops.entities.listEntities({ query: { ...asking, cursor } })),
    [type, where]
  )
  return (
    <Page title="Entities" lead="By id, or by what their state says." actions={<Find />}>
      <form
        class="filter"
        onSubmit={(event) => {
          event.preventDefault()
          const form = new FormData(event.currentTarget)
          refine({ type: String(form.get("type")), where: String(form.get("where")) })
        }}
      >
        <label class="field">
          Type
          <select name="type" value={type} onChange={(event) => refine({ type: event.currentTarget.value })}>
            {[...new Set([...types, type])].map((name) => (
              <option key={name} value={name}>
                {name}
              </option>
            ))}
          </select>
        </label>
        <label class="field">
          Where
          <input
            name="where"
            defaultValue={where}
            placeholder="status=confirmed, lines.*.sku=TEA-01"
            spellcheck={false}
          />
        </label>
        <button type="submit">Filter</button>
      </form>
      <Answer result={result}>
        {({ items, next }) =>
          items.length === 0 ? (
            <div class="card">
              <Empty title={where === "" ? `There is no ${type}.` : `No ${type} fulfils this.`}>
                {where === "" ? null : <a href={link(["entities"], { type })}>Show all</a>}
              </Empty>
            </div>
          ) : (
            <section class="card flush">
              <Table
                label={`Entities of type ${type}`}
                columns={[
                  { label: "Entity", show: ({ entity }) => <a href={entityLink(entity)}>{entity}</a> },
                  { label: "State", wide: true, show: ({ state }) => gist(state) },
                  {
                    label: "Pending step",
                    show: ({ pendingStep }) => (pendingStep === null ? "–" : <code>{pendingStep}</code>)
                  },
                  { label: "Seq", num: true, show: ({ seq }) => count(seq) },
                  { label: "Changed", show: ({ changed }) => (changed === null ? "–" : time(changed)) }
                ]}
                rows={[...items, ...more.items]}
                id={({ entity }) => entity}
              />
              <More more={more} next={next} />
            </section>
          )
        }
      </Answer>
    </Page>
  )
}
