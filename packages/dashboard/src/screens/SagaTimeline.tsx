import type * as Json from "@halles/http/operator/OperatorJson"
import { duration, instant, time } from "../Format.ts"
import { Empty } from "../parts/Notes.tsx"
import { entityLink } from "../Router.ts"

export type Saga = typeof Json.SagaDetail.Type

/** Steps that were taken, those that undo apart, and with an open circle what is pending. */
export const SagaTimeline = ({ saga }: { readonly saga: Saga }) =>
  saga.steps.length === 0 && saga.pendingSteps.length === 0 ? (
    <Empty title="No step was taken yet." />
  ) : (
    <ol class="timeline">
      {saga.steps.map(({ at, compensation, entity, seq, step, tookMs }) => (
        <li key={`${entity}:${seq}`} class={compensation ? "undo" : ""}>
          <span>
            <strong>{step}</strong>
            {compensation ? " (undoes)" : ""}
          </span>
          <time dateTime={new Date(at).toISOString()}>{instant(at)}</time>
          <span class="soft">
            <a href={entityLink(entity, { at: seq })}>{`${entity} #${seq}`}</a>
          </span>
          <span class="soft">{tookMs === null ? "" : `+ ${duration(tookMs)}`}</span>
        </li>
      ))}
      {saga.pendingSteps.map(({ commandId, entity, nextTry, step }) => (
        <li key={commandId} class="waits">
          <span>
            <strong>{step}</strong> is pending
          </span>
          <time>{nextTry === null ? "" : `next try ${time(nextTry)}`}</time>
          <span class="soft">
            <a href={entityLink(entity)}>{entity}</a>
          </span>
        </li>
      ))}
    </ol>
  )
