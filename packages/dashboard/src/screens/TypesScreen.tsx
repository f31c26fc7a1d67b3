import type * as Json from "@halles/http/operator/OperatorJson"
import { Answer, useLiveQuery } from "../Query.tsx"
import { count, duration, many, rate } from "../Format.ts"
import { lists } from "../Live.ts"
import { ask } from "../Ops.ts"
import { Empty } from "../parts/Notes.tsx"
import { Page } from "../parts/Page.tsx"
import { type Column, Table } from "../parts/Table.tsx"
import { link } from "../Router.ts"

type Command = typeof Json.CommandStatus.Type
type Type = typeof Json.TypeStatus.Type

const columns: ReadonlyArray<Column<Command>> = [
  { label: "Command", show: ({ command }) => command },
  { label: "Calls/s", num: true, show: ({ callsPerSecond }) => rate(callsPerSecond) },
  { label: "Calls", num: true, show: ({ calls }) => count(calls) },
  { label: "Refused", num: true, show: ({ refused }) => count(refused) },
  { label: "Failed", num: true, show: ({ failed }) => (failed === 0 ? "0" : <strong>{count(failed)}</strong>) },
  { label: "p50", num: true, show: ({ callsPerSecond, p50Ms }) => (callsPerSecond === 0 ? "–" : duration(p50Ms)) },
  { label: "p99", num: true, show: ({ callsPerSecond, p99Ms }) => (callsPerSecond === 0 ? "–" : duration(p99Ms)) }
]

const Card = ({ type }: { readonly type: Type }) => (
  <section class="card flush">
    <div class="title">
      <h2>
        <a href={link(["entities"], { type: type.type })}>{type.type}</a>
      </h2>
      <span class="soft">
        {`${count(type.active)} active · ${many(type.activations, "activation")} · ${many(type.passivations, "passivation")} · mailbox ${count(type.mailboxDepth)}`}
      </span>
    </div>
    {type.commands.length === 0 ? (
      <Empty title="Not called yet." />
    ) : (
      <Table
        label={`Commands of ${type.type}`}
        columns={columns}
        rows={type.commands.toSorted((a, b) => b.calls - a.calls)}
        id={({ command }) => command}
      />
    )}
  </section>
)

export const TypesScreen = () => {
  const result = useLiveQuery("types", lists.types, () => ask((ops) => ops.cluster.types()))
  return (
    <Page
      title="Entity types"
      lead="Calls by command. Counts are since the runners started, rates and percentiles of the last ten seconds."
    >
      <Answer result={result}>
        {({ items }) =>
          items.length === 0 ? (
            <div class="card">
              <Empty title="Nothing was called yet.">Place an order with the line that npm start prints.</Empty>
            </div>
          ) : (
            items.map((type) => <Card key={type.type} type={type} />)
          )
        }
      </Answer>
    </Page>
  )
}
