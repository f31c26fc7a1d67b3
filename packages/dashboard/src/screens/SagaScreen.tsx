import { useContext, useState } from "preact/hooks"
import { Answer, useQuery } from "../Query.tsx"
import { duration, time } from "../Format.ts"
import { Me } from "../Me.ts"
import { ask } from "../Ops.ts"
import { Badge, Empty, Figure } from "../parts/Notes.tsx"
import { Page } from "../parts/Page.tsx"
import { type Deed, ReasonDialog } from "../parts/ReasonDialog.tsx"
import { entityLink } from "../Router.ts"
import { type Saga, SagaTimeline } from "./SagaTimeline.tsx"

const tones = { stuck: "bad", open: "warn", refused: "bad", done: "good" } as const

const deeds = (id: string, { may }: Saga): ReadonlyArray<Deed> => {
  const request = (reason: string) => ({ params: { id }, payload: { reason } })
  return [
    ...(may.retry
      ? [
          {
            title: "Send again now",
            text: "Its pending step is sent now instead of at its next try; the receiver answers a repeat with its first answer. What was refused for good is sent anew.",
            run: (reason: string) => ask((ops) => ops.sagas.retrySaga(request(reason)))
          }
        ]
      : []),
    ...(may.compensate
      ? [
          {
            title: "Compensate",
            text: "It gives up, and undoes in reverse what was done: shipment, stock, payment. This cannot be taken back.",
            run: (reason: string) => ask((ops) => ops.sagas.compensateSaga(request(reason)))
          }
        ]
      : []),
    ...(may.skip
      ? [
          {
            title: "Skip this step",
            text: "The step is let be: one that nothing depends on, or one that was refused for good and is settled elsewhere.",
            run: (reason: string) => ask((ops) => ops.sagas.skipSagaStep(request(reason)))
          }
        ]
      : [])
  ]
}

/** In a path a name has `:` where it has `/` elsewhere. */
export const SagaScreen = ({ name }: { readonly name: string }) => {
  const { mayWrite } = useContext(Me)
  const [deed, setDeed] = useState<Deed | null>(null)
  const id = name.replace("/", ":")
  const result = useQuery(() => ask((ops) => ops.sagas.getSaga({ params: { id } })), [id], { live: true })
  const saga = result.value
  return (
    <Page
      title={`Saga ${name}`}
      lead={
        <>
          What happened step by step, and what is pending. <a href={entityLink(name)}>State and events</a>
        </>
      }
      actions={
        saga !== null && mayWrite
          ? deeds(id, saga).map((possible) => (
              <button key={possible.title} type="button" onClick={() => setDeed({ ...possible, again: result.again })}>
                {possible.title}
              </button>
            ))
          : undefined
      }
    >
      <Answer result={result}>
        {(detail) => (
          <>
            <dl class="figures">
              <Figure label="State">
                <Badge tone={tones[detail.state]}>{detail.state}</Badge>
              </Figure>
              <Figure label="Status">{detail.status ?? "–"}</Figure>
              <Figure label="Steps">{detail.steps.length}</Figure>
              <Figure label="Took">{duration((detail.steps.at(-1)?.at ?? 0) - (detail.steps[0]?.at ?? 0))}</Figure>
            </dl>
            <div class="two">
              <section class="card">
                <h2>Timeline</h2>
                <SagaTimeline saga={detail} />
              </section>
              <section class="card">
                <h2>Pending steps</h2>
                <PendingSteps pendingSteps={detail.pendingSteps} />
                {detail.refused.length === 0 ? null : <Refused refused={detail.refused} />}
              </section>
            </div>
          </>
        )}
      </Answer>
      {deed === null ? null : <ReasonDialog deed={deed} close={() => setDeed(null)} />}
    </Page>
  )
}

const Refused = ({ refused }: { readonly refused: Saga["refused"] }) => (
  <>
    <h3>Refused for good</h3>
    <ul class="stack">
      {refused.map(({ entity, reason, since, step }) => (
        <li key={`${entity}:${step}`}>
          <dl class="pairs">
            <dt>Step</dt>
            <dd>
              <strong>{step}</strong>
            </dd>
            <dt>Reason</dt>
            <dd>{reason}</dd>
            <dt>Since</dt>
            <dd>{time(since)}</dd>
          </dl>
        </li>
      ))}
    </ul>
  </>
)

const PendingSteps = ({ pendingSteps }: { readonly pendingSteps: Saga["pendingSteps"] }) =>
  pendingSteps.length === 0 ? (
    <Empty title="No step is pending." />
  ) : (
    <ul class="stack">
      {pendingSteps.map(({ attempts, commandId, entity, lastError, nextTry, since, step }) => (
        <li key={commandId}>
          <dl class="pairs">
            <dt>Message</dt>
            <dd>
              <strong>{step}</strong>
            </dd>
            <dt>Of</dt>
            <dd>
              <a href={entityLink(entity)}>{entity}</a>
            </dd>
            <dt>Command id</dt>
            <dd class="id">{commandId}</dd>
            <dt>Since</dt>
            <dd>{`${time(since)}, for ${duration(Math.max(0, Date.now() - since))}`}</dd>
            <dt>Next try</dt>
            <dd>{nextTry === null ? "–" : time(nextTry)}</dd>
            <dt>Tries</dt>
            <dd>{attempts ?? "–"}</dd>
            {lastError === null ? null : (
              <>
                <dt>Last error</dt>
                <dd>{lastError}</dd>
              </>
            )}
          </dl>
        </li>
      ))}
    </ul>
  )
