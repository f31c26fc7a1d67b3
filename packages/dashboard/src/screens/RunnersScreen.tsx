import { useContext, useState } from "preact/hooks"
import { bytes, count, duration, many, percent, rate, time } from "../Format.ts"
import { type Runner, runners } from "../Live.ts"
import { Me } from "../Me.ts"
import { ask } from "../Ops.ts"
import { Badge, Empty, Skeleton } from "../parts/Notes.tsx"
import { Page } from "../parts/Page.tsx"
import { type Deed, ReasonDialog } from "../parts/ReasonDialog.tsx"
import { type Column, Table } from "../parts/Table.tsx"
import { regionName } from "../Regions.ts"
import { link } from "../Router.ts"

const params = ({ id }: Runner) => ({ id })

const drain = (runner: Runner): Deed => ({
  title: `Drain ${runner.id}`,
  text: `Its ${many(runner.shards, "shard")} move to the other runners of ${regionName(runner.region)}; it goes on running without any. Calls wait a moment, none fails.`,
  run: (reason) => ask((ops) => ops.cluster.drainRunner({ params: params(runner), payload: { reason } }))
})
const undrain = (runner: Runner): Deed => ({
  title: `Let ${runner.id} work again`,
  text: `It gets its share of the shards of ${regionName(runner.region)} back.`,
  run: (reason) => ask((ops) => ops.cluster.undrainRunner({ params: params(runner), payload: { reason } }))
})

/** A heartbeat comes every second or so; this late, somebody should look. */
const heartbeatLateMs = 3_000

const state = ({ draining, heartbeatAgeMs, shards, shardsHeld }: Runner) => {
  if (heartbeatAgeMs > heartbeatLateMs) return <Badge tone="bad">silent</Badge>
  if (draining === "operator") return <Badge tone="warn">{shardsHeld > 0 ? "draining" : "drained"}</Badge>
  if (draining === "stopping") return <Badge tone="warn">stopping</Badge>
  return shardsHeld < shards ? <Badge tone="warn">taking over</Badge> : <Badge tone="good">working</Badge>
}

const columns: ReadonlyArray<Column<Runner>> = [
  { label: "Runner", show: ({ id, region }) => <a href={link(["shards"], { region })}>{id}</a> },
  { label: "State", show: state },
  { label: "Shards", num: true, show: ({ shards, shardsHeld }) => `${count(shardsHeld)} / ${count(shards)}` },
  { label: "Active", num: true, show: ({ activeEntities }) => count(activeEntities) },
  { label: "Calls/s", num: true, show: ({ callsPerSecond }) => rate(callsPerSecond) },
  { label: "Commits/s", num: true, show: ({ commitsPerSecond }) => rate(commitsPerSecond) },
  { label: "CPU", num: true, show: ({ cpu }) => percent(cpu) },
  { label: "Memory", num: true, show: ({ rssBytes }) => bytes(rssBytes) },
  { label: "Heap", num: true, show: ({ heapBytes }) => bytes(heapBytes) },
  { label: "Event loop p99", num: true, show: ({ eventLoopDelayP99Ms }) => duration(eventLoopDelayP99Ms) },
  { label: "Heartbeat", num: true, show: ({ heartbeatAgeMs }) => duration(heartbeatAgeMs) },
  { label: "Since", show: ({ since }) => time(since) },
  { label: "Version", show: ({ version }) => <code>{version}</code> }
]

export const RunnersScreen = () => {
  const { mayWrite } = useContext(Me)
  const [deed, ask] = useState<Deed | null>(null)
  const action: Column<Runner> = {
    label: "Action",
    show: (runner) =>
      runner.draining === "operator" ? (
        <button type="button" class="plain" onClick={() => ask(undrain(runner))}>
          Undrain<span class="unseen"> {runner.id}</span>
        </button>
      ) : (
        <button type="button" class="plain" onClick={() => ask(drain(runner))}>
          Drain<span class="unseen"> {runner.id}</span>
        </button>
      )
  }
  const [first, second, ...rest] = columns as [Column<Runner>, Column<Runner>, ...ReadonlyArray<Column<Runner>>]
  return (
    <Page title="Runners" lead="The processes that own shards and host their entities.">
      <section class="card flush">
        {runners.value === null ? (
          <Skeleton />
        ) : runners.value.length === 0 ? (
          <Empty title="No runner tells that it is alive.">
            Start them with npm start; npm run status shows what runs.
          </Empty>
        ) : (
          <Table
            label="Runners"
            columns={mayWrite ? [first, second, action, ...rest] : columns}
            rows={runners.value.toSorted((a, b) => a.id.localeCompare(b.id))}
            id={({ id }) => id}
          />
        )}
      </section>
      {deed === null ? null : <ReasonDialog deed={deed} close={() => ask(null)} />}
    </Page>
  )
}
