import type * as Json from "@halles/http/operator/OperatorJson"
import { useContext, useState } from "preact/hooks"
import { Answer, useQuery, useLiveQuery } from "../Query.tsx"
import { bytes, count, many, time } from "../Format.ts"
import { Me } from "../Me.ts"
import { lists } from "../Live.ts"
import { ask } from "../Ops.ts"
import { More, useMore } from "../parts/More.tsx"
import { Badge, Empty } from "../parts/Notes.tsx"
import { Page } from "../parts/Page.tsx"
import { type Deed, ReasonDialog } from "../parts/ReasonDialog.tsx"
import { type Column, Table } from "../parts/Table.tsx"

type Stream = typeof Json.StreamStatus.Type
type Consumer = typeof Json.ConsumerStatus.Type
type Letter = typeof Json.DeadLetter.Type

const moment = (at: number | null) => (at === null ? "–" : time(at))

const streams: ReadonlyArray<Column<Stream>> = [
  { label: "Stream", show: ({ name }) => name },
  { label: "Messages", num: true, show: ({ messages }) => count(messages) },
  { label: "Size", num: true, show: ({ bytes: size }) => bytes(size) },
  { label: "First", num: true, show: ({ firstSeq }) => count(firstSeq) },
  { label: "Last", num: true, show: ({ lastSeq }) => count(lastSeq) },
  { label: "Written", show: ({ lastAt }) => moment(lastAt) }
]

/** More than a screenful waiting is worth a look. */
const pendingMany = 1_000

const consumers: ReadonlyArray<Column<Consumer>> = [
  { label: "Consumer", show: ({ name }) => name },
  { label: "Stream", show: ({ stream }) => stream },
  {
    label: "State",
    show: ({ pending }) =>
      pending === 0 ? (
        <Badge tone="good">up to date</Badge>
      ) : (
        <Badge tone={pending > pendingMany ? "bad" : "warn"}>behind</Badge>
      )
  },
  { label: "Waiting", num: true, show: ({ pending }) => count(pending) },
  { label: "Unanswered", num: true, show: ({ ackPending }) => count(ackPending) },
  { label: "Sent again", num: true, show: ({ redelivered }) => count(redelivered) },
  { label: "Active", show: ({ lastActive }) => moment(lastActive) }
]

/** In one go; the server takes a thousand at the most. */
const replayMax = 100

export const StreamsScreen = () => {
  const result = useLiveQuery("streams", lists.streams, () => ask((ops) => ops.streams.streams()))
  return (
    <Page title="Streams" lead="What the regions told over JetStream, who reads it and how far they are.">
      <Answer result={result}>
        {(now) => (
          <>
            <section class="card flush">
              <h2>Streams</h2>
              {now.streams.length === 0 ? (
                <Empty title="There is no stream yet." />
              ) : (
                <Table label="Streams" columns={streams} rows={now.streams} id={({ name }) => name} />
              )}
            </section>
            <section class="card flush">
              <h2>Consumers and projections</h2>
              {now.consumers.length === 0 ? (
                <Empty title="Nobody reads the streams." />
              ) : (
                <Table
                  label="Consumers"
                  columns={consumers}
                  rows={now.consumers.toSorted((a, b) => b.pending - a.pending)}
                  id={({ name, stream }) => `${stream}/${name}`}
                />
              )}
            </section>
          </>
        )}
      </Answer>
      <DeadLetters />
    </Page>
  )
}

const DeadLetters = () => {
  const { mayWrite } = useContext(Me)
  const [picked, pick] = useState<ReadonlySet<string>>(new Set())
  const [deed, setDeed] = useState<Deed | null>(null)
  const [version, setVersion] = useState(0)
  const result = useQuery(() => ask((ops) => ops.streams.deadLetters({ query: {} })), [version], { keep: true })
  const more = useMore((cursor) => ask((ops) => ops.streams.deadLetters({ query: { cursor } })), [version])
  const toggle = (id: string) => {
    const next = new Set(picked)
    if (!next.delete(id) && next.size < replayMax) next.add(id)
    pick(next)
  }
  const replay = (): Deed => ({
    title: `Send ${many(picked.size, "letter")} again`,
    text: "Each goes to its consumer once more. What cannot be taken comes back here.",
    run: (reason) =>
      ask((ops) => ops.streams.replayDeadLetters({ payload: { reason, ids: [...picked] } })).then(
        ({ left, replayed }) => ({
          text: `${many(replayed, "letter")} sent again${left === 0 ? "" : `, ${count(left)} gone before`}.`
        })
      ),
    again: () => setVersion(version + 1),
    done: () => pick(new Set())
  })
  const resolve = (): Deed => ({
    title: `Strike ${many(picked.size, "letter")} off`,
    text: "Nobody is told of them again. Webhooks stay on the list: their owners see to them.",
    run: (reason) =>
      ask((ops) => ops.streams.resolveDeadLetters({ payload: { reason, ids: [...picked] } })).then(
        ({ left, resolved }) => ({
          text: `${many(resolved, "letter")} struck off${left === 0 ? "" : `, ${count(left)} left`}.`
        })
      ),
    again: () => setVersion(version + 1),
    done: () => pick(new Set())
  })
  const choose: Column<Letter> = {
    label: "Pick",
    show: ({ id, subject }) => (
      <input type="checkbox" aria-label={`Pick ${subject}`} checked={picked.has(id)} onChange={() => toggle(id)} />
    )
  }
  const columns: ReadonlyArray<Column<Letter>> = [
    { label: "Subject", wide: true, show: ({ subject }) => <span class="id">{subject}</span> },
    { label: "Of", show: ({ consumer, stream }) => `${stream}, ${consumer}` },
    { label: "Tries", num: true, show: ({ tries }) => count(tries) },
    { label: "Given up", show: ({ at }) => time(at) },
    { label: "Cause", wide: true, show: ({ cause }) => cause ?? "–" }
  ]
  return (
    <section class="card flush">
      <div class="title">
        <h2>Dead letters</h2>
        {mayWrite && picked.size > 0 ? (
          <>
            <button type="button" onClick={() => setDeed(resolve())}>
              {`Strike ${many(picked.size, "letter")} off`}
            </button>
            <button type="button" class="first" onClick={() => setDeed(replay())}>
              {`Send ${many(picked.size, "letter")} again`}
            </button>
          </>
        ) : null}
      </div>
      <Answer result={result}>
        {({ items, next }) =>
          items.length === 0 ? (
            <Empty title="Nothing was given up.">
              What is tried in vain for too long comes here, to be sent again.
            </Empty>
          ) : (
            <>
              <Table
                label="Dead letters"
                columns={mayWrite ? [choose, ...columns] : columns}
                rows={[...items, ...more.items]}
                id={({ id }) => id}
              />
              <More more={more} next={next} />
            </>
          )
        }
      </Answer>
      {deed === null ? null : <ReasonDialog deed={deed} close={() => setDeed(null)} />}
    </section>
  )
}
