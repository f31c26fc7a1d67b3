import { useMemo } from "preact/hooks"
import { count, duration, many, rate } from "../Format.ts"
import { alarms, history, type Overview, overview } from "../Live.ts"
import { AlarmLine } from "../parts/AlarmLine.tsx"
import { Chart } from "../parts/Chart.tsx"
import { Badge, Empty, Figure, Skeleton } from "../parts/Notes.tsx"
import { isNarrow } from "../Narrow.ts"
import { Page } from "../parts/Page.tsx"
import { type Column, Table } from "../parts/Table.tsx"
import { regionColour, regionName } from "../Regions.ts"
import { link } from "../Router.ts"

type Region = Overview["regions"][number]

const sum = (regions: ReadonlyArray<Region>, of: (region: Region) => number) =>
  regions.reduce((total, region) => total + of(region), 0)

/** Nothing where nothing is wrong, so that what is wrong stands out. */
const late = (ms: number | null) => (ms === null ? <Badge tone="bad">away</Badge> : ms === 0 ? "none" : duration(ms))

const columns: ReadonlyArray<Column<Region>> = [
  { label: "Region", show: ({ region }) => <strong>{regionName(region)}</strong> },
  {
    label: "State",
    show: ({ alarms, runners, shards, shardsOwned }) =>
      runners === 0 ? (
        <Badge tone="bad">no runner</Badge>
      ) : shardsOwned < shards ? (
        <Badge tone="warn">{count(shards - shardsOwned)} without owner</Badge>
      ) : alarms > 0 ? (
        <Badge tone="warn">{many(alarms, "alarm")}</Badge>
      ) : (
        <Badge tone="good">well</Badge>
      )
  },
  { label: "Runners", num: true, show: ({ runners }) => count(runners) },
  { label: "Shards", num: true, show: ({ shards, shardsOwned }) => `${count(shardsOwned)} / ${count(shards)}` },
  { label: "Commands/s", num: true, show: ({ commandsPerSecond }) => rate(commandsPerSecond) },
  { label: "Commits/s", num: true, show: ({ commitsPerSecond }) => rate(commitsPerSecond) },
  { label: "p99", num: true, show: ({ p99Ms }) => duration(p99Ms) },
  { label: "Sagas open", num: true, show: ({ sagaBacklog }) => count(sagaBacklog) },
  { label: "Timer overdue", num: true, show: ({ oldestOverdueTimerMs }) => late(oldestOverdueTimerMs) },
  { label: "Outbox lag", num: true, show: ({ outboxLagMs }) => late(outboxLagMs) },
  {
    label: "Projection lag",
    num: true,
    show: ({ projectionLag }) => (projectionLag === null ? late(null) : count(projectionLag))
  },
  { label: "Parked", num: true, show: ({ parked }) => count(parked) }
]

export const OverviewScreen = () => {
  const now = overview.value
  return (
    <Page title="Overview" lead="The regions of the cluster, as they are now.">
      {now === null ? (
        <div class="card flush">
          <Skeleton lines={6} />
        </div>
      ) : (
        <Figures now={now} />
      )}
    </Page>
  )
}

const Figures = ({ now }: { readonly now: Overview }) => {
  const { regions } = now
  const serious = alarms.value?.filter(({ severity }) => severity !== "info") ?? []
  const owned = sum(regions, ({ shardsOwned }) => shardsOwned)
  const shards = sum(regions, (region) => region.shards)
  const names = regions.map(({ region }) => region)
  const lines = names.map((region) => ({ label: regionName(region), colour: regionColour(region) }))
  const version = history.version.value
  const commits = useMemo(() => history.lines(names, ({ commitsPerSecond }) => commitsPerSecond), [version])
  const p99 = useMemo(() => history.lines(names, ({ p99Ms }) => p99Ms), [version])
  return (
    <>
      <dl class="figures">
        <Figure label="Runners">{count(sum(regions, ({ runners }) => runners))}</Figure>
        <Figure label="Shards owned" unit={`of ${count(shards)}`} tone={owned < shards ? "warn" : "calm"}>
          {count(owned)}
        </Figure>
        <Figure label="Commands" unit="/s">
          {rate(sum(regions, ({ commandsPerSecond }) => commandsPerSecond))}
        </Figure>
        <Figure label="Durable commits" unit="/s">
          {rate(sum(regions, ({ commitsPerSecond }) => commitsPerSecond))}
        </Figure>
        <Figure label="Slowest p99">{duration(Math.max(0, ...regions.map(({ p99Ms }) => p99Ms)))}</Figure>
        <Figure label="Sagas open">{count(sum(regions, ({ sagaBacklog }) => sagaBacklog))}</Figure>
        <Figure label="Alarms" tone={serious.length > 0 ? "bad" : "calm"}>
          {alarms.value === null ? "–" : count(serious.length)}
        </Figure>
      </dl>
      {serious.length === 0 ? null : (
        <section class="card">
          <div class="title">
            <h2>Needs a look</h2>
            <a href={link(["alarms"])}>All alarms</a>
          </div>
          <ul class="stack">
            {serious.slice(0, 3).map((alarm) => (
              <AlarmLine key={alarm.id} alarm={alarm} />
            ))}
          </ul>
        </section>
      )}
      <section class="card flush">
        {isNarrow.value ? (
          <Upright regions={regions} />
        ) : (
          <Table label="Regions" columns={columns} rows={regions} id={({ region }) => region} />
        )}
      </section>
      <div class="grid">
        <section class="card">
          <h2>Durable commits a second</h2>
          <Chart label="Durable commits a second, a line for each region" lines={lines} data={commits} format={rate} />
        </section>
        <section class="card">
          <h2>p99 of calls to entities</h2>
          <Chart label="p99 of calls, a line for each region" lines={lines} data={p99} format={duration} />
        </section>
      </div>
      {regions.length > 0 ? null : (
        <div class="card">
          <Empty title="No region is known.">Is the cluster running? npm run status</Empty>
        </div>
      )}
    </>
  )
}

/** On a phone a column a region, since the rows would not fit. */
const Upright = ({ regions }: { readonly regions: ReadonlyArray<Region> }) => (
  <Table
    narrow
    label="Regions"
    columns={[
      { label: "", show: ({ label }) => <span class="soft">{label}</span> },
      ...regions.map((region) => ({
        label: region.region.toUpperCase(),
        num: true,
        show: ({ show }: Column<Region>) => show(region)
      }))
    ]}
    rows={columns.slice(2)}
    id={({ label }) => label}
  />
)
