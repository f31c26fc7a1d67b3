import { useContext, useEffect, useState } from "preact/hooks"
import { Answer, useQuery } from "../Query.tsx"
import { count, duration, many, rate, time } from "../Format.ts"
import { board, moves, runners } from "../Live.ts"
import { Me } from "../Me.ts"
import { ask } from "../Ops.ts"
import { Choice } from "../parts/Choice.tsx"
import { More, useMore } from "../parts/More.tsx"
import { Badge, Empty, Skeleton } from "../parts/Notes.tsx"
import { Page } from "../parts/Page.tsx"
import { Table } from "../parts/Table.tsx"
import { regionName } from "../Regions.ts"
import { entityLink, refine, route } from "../Router.ts"
import type { Shard } from "../ShardBoard.ts"
import { type By, ramp } from "../shards/Paint.ts"
import { ShardMap } from "../shards/ShardMap.tsx"
import { MoveDialog } from "../shards/MoveDialog.tsx"

const regionIds = ["eu", "am", "ap"] as const
type RegionId = (typeof regionIds)[number]
const regionOf = (text: string | null): RegionId | undefined => regionIds.find((id) => id === text)

export const ShardsScreen = () => {
  const { query } = route.value
  const [by, setBy] = useState<By>("owner")
  void board.version.value
  const { regions } = board
  const region = regionOf(query.get("region"))
  const chosen = region === undefined ? undefined : board.find(region, Number(query.get("shard")))
  return (
    <Page
      title="Shard map"
      lead="Every shard is a cell. Choose one to see its entities; arrow keys go from cell to cell."
      actions={
        <Choice
          label="Colour by"
          value={by}
          options={{ owner: "Owner", load: "Load", lag: "Lag", age: "Epoch age" }}
          choose={setBy}
        />
      }
    >
      {regions.length === 0 ? (
        <div class="card flush">
          <Skeleton lines={8} />
        </div>
      ) : (
        <div class={regions.some((id) => board.of(id).length > 500) ? "stack" : "grid"}>
          {regions.map((id) => (
            <section key={id} class="card">
              <div class="title">
                <h2>{regionName(id)}</h2>
                <span class="soft">{summary(board.of(id))}</span>
              </div>
              <ShardMap
                region={id}
                by={by}
                chosen={region === id ? (chosen?.shard ?? null) : null}
                choose={(shard) => refine({ region: id, shard })}
              />
            </section>
          ))}
        </div>
      )}
      <Legend by={by} />
      {chosen === undefined || region === undefined ? null : <Chosen shard={chosen} region={region} />}
      <Moves />
    </Page>
  )
}

const summary = (shards: ReadonlyArray<Shard>): string => {
  const loose = shards.filter(({ holder, runner }) => runner === null || holder !== runner).length
  return `${many(shards.length, "shard")}${loose === 0 ? "" : `, ${count(loose)} on the way`}`
}

const scales = {
  load: { from: "0", to: "as busy as the busiest", unit: "calls a second" },
  lag: { from: "none", to: "30 s or more", unit: "of the oldest overdue timer" },
  age: { from: "just taken over", to: "an hour or more", unit: "since the epoch began" }
} as const

const Legend = ({ by }: { readonly by: By }) => {
  if (by === "owner")
    return (
      <p class="legend">
        {(runners.value ?? [])
          .toSorted((a, b) => a.id.localeCompare(b.id))
          .map(({ id }, _, all) => (
            <span key={id}>
              <span
                class={`swatch o${ownerIndex(
                  id,
                  all.map((runner) => runner.id)
                )}`}
              />
              {id}
            </span>
          ))}
        <span>
          <span class="swatch none" />
          no owner, or on the way
        </span>
      </p>
    )
  const { from, to, unit } = scales[by]
  return (
    <p class="legend">
      <span>{from}</span>
      <span class="ramp" aria-hidden="true">
        {ramp.map((step) => (
          <span key={step} class={`swatch s${step}`} />
        ))}
      </span>
      <span>{`${to}, ${unit}`}</span>
    </p>
  )
}

const ownerIndex = (id: string, ids: ReadonlyArray<string>) => ids.indexOf(id) % 8

const Chosen = ({ region, shard }: { readonly shard: Shard; readonly region: RegionId }) => {
  const { mayWrite } = useContext(Me)
  const [moving, setMoving] = useState(false)
  const params = { region, shard: shard.shard }
  const question = (cursor?: string) =>
    ask((ops) =>
      ops.cluster.shardEntities({ params, query: { limit: 50, ...(cursor === undefined ? {} : { cursor }) } })
    )
  const keys = [region, shard.shard]
  const result = useQuery(() => question(), keys)
  const more = useMore(question, keys)
  useEffect(() => document.querySelector("#chosen")?.scrollIntoView({ block: "nearest" }), keys)
  const { callsPerSecond, epoch, epochAgeMs, holder, lagMs, parked, runner } = shard
  return (
    <div class="two" id="chosen">
      <section class="card flush">
        <h2>{`Entities of shard ${shard.shard} of ${regionName(region)}`}</h2>
        <Answer result={result}>
          {({ items, next }) =>
            items.length === 0 ? (
              <Empty title="No entity lives here yet." />
            ) : (
              <>
                <Table
                  label="Entities of the shard"
                  columns={[
                    { label: "Entity", show: ({ entity }) => <a href={entityLink(entity)}>{entity}</a> },
                    { label: "In memory", show: ({ isActive }) => (isActive === null ? "–" : isActive ? "yes" : "no") },
                    { label: "Seq", num: true, show: ({ seq }) => count(seq) },
                    { label: "Changed", show: ({ at }) => time(at) }
                  ]}
                  rows={[...items, ...more.items]}
                  id={({ entity }) => entity}
                />
                <More more={more} next={next} />
              </>
            )
          }
        </Answer>
      </section>
      <section class="card">
        <div class="title">
          <h2>{`Shard ${shard.shard}`}</h2>
          {mayWrite ? (
            <button type="button" onClick={() => setMoving(true)}>
              Move
            </button>
          ) : null}
        </div>
        <dl class="pairs">
          <dt>Placed on</dt>
          <dd>{runner ?? "nobody"}</dd>
          <dt>Held by</dt>
          <dd>{holder ?? "nobody"}</dd>
          <dt>Epoch</dt>
          <dd>{epoch === null ? "–" : `${count(epoch)}, for ${duration(epochAgeMs)}`}</dd>
          <dt>Load</dt>
          <dd>{`${rate(callsPerSecond)} calls/s`}</dd>
          <dt>Lag</dt>
          <dd>{duration(lagMs)}</dd>
          <dt>Parked</dt>
          <dd>{parked === 0 ? "none" : <Badge tone="bad">{many(parked, "entity", "entities")}</Badge>}</dd>
        </dl>
      </section>
      {moving ? <MoveDialog region={region} shard={shard} close={() => setMoving(false)} /> : null}
    </div>
  )
}

const Moves = () => {
  if (moves.value.length === 0) return null
  return (
    <section class="card flush">
      <h2>Moves</h2>
      <Table
        label="Moves of shards, those that are planned first"
        columns={[
          { label: "Shard", show: ({ region, shard }) => `${regionName(region)} ${shard}` },
          { label: "From", show: ({ from }) => from ?? "nobody" },
          { label: "To", show: ({ to }) => to },
          { label: "Planned", show: ({ plannedAt }) => time(plannedAt) },
          {
            label: "Done",
            show: ({ startedAt }) => (startedAt === null ? <Badge tone="warn">waits</Badge> : time(startedAt))
          },
          { label: "Why", wide: true, show: ({ reason }) => reason }
        ]}
        rows={moves.value.slice(0, 20)}
        id={({ id }) => id}
      />
    </section>
  )
}
