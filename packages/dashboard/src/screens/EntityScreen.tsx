import type * as Json from "@halles/http/operator/OperatorJson"
import { useContext, useEffect, useState } from "preact/hooks"
import { Answer, useQuery } from "../Query.tsx"
import { DiffCard } from "../entity/DiffCard.tsx"
import { EventsCard } from "../entity/EventsCard.tsx"
import { Facts } from "../entity/Facts.tsx"
import { StatePanel } from "../entity/StatePanel.tsx"
import { TimeTravel } from "../entity/TimeTravel.tsx"
import { TraceCard } from "../entity/TraceCard.tsx"
import type { Unmasked } from "../entity/Unmasked.ts"
import { WhatIfCard } from "../entity/WhatIfCard.tsx"
import { time } from "../Format.ts"
import { tail, tailOf } from "../Live.ts"
import { Me } from "../Me.ts"
import { sagas } from "../Domains.ts"
import { ask } from "../Ops.ts"
import { Json as JsonView } from "../parts/Json.tsx"
import { Badge, Empty } from "../parts/Notes.tsx"
import { Page } from "../parts/Page.tsx"
import { type Deed, ReasonDialog } from "../parts/ReasonDialog.tsx"
import { entityLink, link, refine, route } from "../Router.ts"

type Detail = typeof Json.EntityDetail.Type

/** `Order/eu_x`, or `eu_x` for all that have this id. */
export const EntityScreen = ({ name }: { readonly name: string }) => {
  const { query } = route.value
  const at = query.get("at") ?? undefined
  const { mayUnmask } = useContext(Me)
  const [unmask, setUnmask] = useState<Unmasked>({})
  const [deed, setDeed] = useState<Deed | null>(null)
  const id = name.replace("/", ":")
  const result = useQuery(
    () =>
      ask((ops) =>
        ops.entities.getEntity({
          params: { id },
          query: { ...(at === undefined ? {} : { at }), ...unmask }
        })
      ),
    [id, at, unmask],
    // The slider keeps its place and the focus while one travels.
    { keep: true }
  )
  const eventCount = useEventCount(name)
  useEffect(() => {
    if (eventCount > 0) result.again()
  }, [eventCount])
  return (
    <Page
      title={name}
      lead={at === undefined ? "As it is now; it changes here as it changes there." : <Past name={name} at={at} />}
      actions={
        !mayUnmask ? undefined : unmask.unmask === undefined ? (
          <button type="button" onClick={() => setDeed(unmasking(setUnmask))}>
            Show personal data
          </button>
        ) : (
          <button type="button" onClick={() => setUnmask({})}>
            Hide personal data
          </button>
        )
      }
    >
      {deed === null ? null : <ReasonDialog deed={deed} close={() => setDeed(null)} />}
      <Answer result={result} lines={8}>
        {({ items }) => {
          const [first, ...others] = items
          if (first === undefined)
            return (
              <div class="card">
                <Empty title={`Nothing was ever written under ${name}.`}>
                  <a href={link(["entities"])}>Look for entities</a>
                </Empty>
              </div>
            )
          if (others.length > 0) return <Several items={items} />
          return <One detail={first} at={at} unmask={unmask} again={result.again} version={eventCount} />
        }}
      </Answer>
    </Page>
  )
}

/** Asks why; each question that shows personal data then says so to the audit log. */
const unmasking = (show: (unmask: Unmasked) => void): Deed => ({
  title: "Show personal data",
  text: "Who it is about, what they wrote and where they live is shown until you leave this page.",
  run: (reason) => {
    show({ unmask: "true", reason })
    return Promise.resolve({ text: "Personal data is shown." })
  }
})

/** How many rows of this entity the stream has sent since it is shown. */
const useEventCount = (name: string): number => {
  useEffect(() => {
    const before = tailOf.value
    tailOf.value = name.replace("/", ":")
    tail.clear()
    return () => {
      tailOf.value = before
      tail.clear()
    }
  }, [name])
  void tail.version.value
  return tail.rows.filter(({ entity }) => entity === name || entity.endsWith(`/${name}`)).length
}

const Past = ({ at, name }: { readonly name: string; readonly at: string }) => (
  <>
    {`As it was at ${/^\d+$/.test(at) ? `seq ${at}` : time(at)}. `}
    <a href={entityLink(name)}>Back to now</a>
  </>
)

/** The row that the address names; which one a time means only the answer says. */
const seqOf = (at: string | undefined, { seq, seqNow }: Detail): number => {
  if (at === undefined) return seqNow
  return /^\d+$/.test(at) ? Math.min(Number(at), seqNow) : seq
}

const Several = ({ items }: { readonly items: ReadonlyArray<Detail> }) => (
  <ul class="grid">
    {items.map(({ entity, seq, state, type }) => (
      <li key={entity} class="card">
        <div class="title">
          <h2>
            <a href={entityLink(entity)}>{entity}</a>
          </h2>
          <span class="soft">{`seq ${seq}`}</span>
        </div>
        <StatePanel type={type} state={state} fallback={<JsonView label={`State of ${entity}`} value={state} />} />
      </li>
    ))}
  </ul>
)

interface OneProps {
  readonly detail: Detail
  /** What the address asks for; the answer in `detail` may still be that to the question before. */
  readonly at: string | undefined
  readonly unmask: Unmasked
  readonly version: number
  readonly again: () => void
}

const One = ({ again, at, detail, unmask, version }: OneProps) => {
  const { mayWrite } = useContext(Me)
  const [deed, setDeed] = useState<Deed | null>(null)
  const { entity, id, parked, seq, seqNow, state, type } = detail
  const path = entity.replace("/", ":")
  const resume = (): Deed => ({
    title: `Resume ${entity}`,
    text: "It is loaded anew and works off what waits for it. If its cause is still there, it is parked again.",
    run: (reason) => ask((ops) => ops.entities.resumeEntity({ params: { id: path }, payload: { reason } })),
    again
  })
  return (
    <>
      {parked === null ? null : (
        <div class="notice" role="alert">
          <div>
            <strong>{`Parked since ${time(parked.since)}, after ${parked.tries} tries`}</strong>
            {parked.cause}
          </div>
          {mayWrite ? (
            <button type="button" onClick={() => setDeed(resume())}>
              Resume
            </button>
          ) : null}
        </div>
      )}
      <TimeTravel
        seq={seqOf(at, detail)}
        seqNow={seqNow}
        travel={(to) => refine({ at: to === seqNow ? "" : String(to) })}
      />
      <div class="two">
        <div class="stack">
          <section class="card">
            <div class="title">
              <h2>{type}</h2>
              {sagas.has(type) ? <a href={link(["saga", ...entity.split("/")])}>Its saga</a> : null}
            </div>
            <StatePanel type={type} state={state} fallback={<p class="soft">Its state in full is below.</p>} />
          </section>
          <EventsCard entity={entity} seq={seq} unmask={unmask} version={version} />
          <TraceCard id={id} unmask={unmask} version={version} />
          <DiffCard id={path} seq={seq} seqNow={seqNow} unmask={unmask} />
          <WhatIfCard id={path} seq={seq} />
        </div>
        <div class="stack">
          <section class="card">
            <h2>Where it is</h2>
            <Facts detail={detail} />
          </section>
          <section class="card">
            <div class="title">
              <h2>State</h2>
              {detail.masked ? <Badge>personal data hidden</Badge> : <Badge tone="warn">personal data shown</Badge>}
            </div>
            <Changed entity={entity} seq={seq} state={state} unmask={unmask} />
          </section>
        </div>
      </div>
      {deed === null ? null : <ReasonDialog deed={deed} close={() => setDeed(null)} />}
    </>
  )
}

/** The state, with what its newest row changed marked. */
const Changed = ({
  entity,
  seq,
  state,
  unmask
}: {
  readonly entity: string
  readonly seq: number
  readonly state: unknown
  readonly unmask: Unmasked
}) => {
  const result = useQuery(
    () =>
      ask((ops) =>
        ops.entities.getEntity({
          params: { id: entity.replace("/", ":") },
          query: { at: String(Math.max(0, seq - 1)), ...unmask }
        })
      ),
    [entity, seq, unmask]
  )
  // Until the row before is known, nothing is marked.
  const before = result.value?.items[0]?.state
  return (
    <JsonView label={`State of ${entity} at seq ${seq}`} value={state} {...(before === undefined ? {} : { before })} />
  )
}
