import type * as Json from "@halles/http/operator/OperatorJson"
import { count, duration, time } from "../Format.ts"
import { Badge } from "../parts/Notes.tsx"
import { regionName } from "../Regions.ts"
import { link } from "../Router.ts"

/** Owner, timer, snapshot, and what its runner's memory says: mailbox and calls under way. */
export const Facts = ({ detail }: { readonly detail: typeof Json.EntityDetail.Type }) => {
  const { archived, at, holder, memory, pendingStep, region, runner, shard, snapshotSeq, timer } = detail
  return (
    <dl class="pairs">
      <dt>Region</dt>
      <dd>{regionName(region)}</dd>
      <dt>Shard</dt>
      <dd>
        <a href={link(["shards"], { region, shard })}>{shard}</a>
      </dd>
      <dt>Runner</dt>
      <dd>
        {runner ?? "none"}
        {holder === runner ? null : <span class="soft">{`, held by ${holder ?? "nobody"}`}</span>}
      </dd>
      <dt>Changed</dt>
      <dd>{at === null ? "–" : time(at)}</dd>
      <dt>Pending step</dt>
      <dd>{pendingStep === null ? "none" : <code>{pendingStep}</code>}</dd>
      <dt>Timer</dt>
      <dd>
        {timer === null ? "none" : time(timer.due)}
        {timer !== null && timer.overdueMs > 0 ? (
          <Badge tone="warn">{`${duration(timer.overdueMs)} overdue`}</Badge>
        ) : null}
      </dd>
      <dt>Snapshot</dt>
      <dd>{snapshotSeq === null ? "none" : `at seq ${count(snapshotSeq)}`}</dd>
      <dt>Memory</dt>
      <dd>
        {memory === null
          ? archived
            ? "archived"
            : "not active"
          : `on ${memory.runner} since ${time(memory.since)}, mailbox ${memory.mailboxDepth}`}
      </dd>
      <dt>In flight</dt>
      <dd>
        {memory === null || memory.inFlight.length === 0
          ? "nothing"
          : memory.inFlight.map(({ command, ms }) => `${command} for ${duration(ms)}`).join(", ")}
      </dd>
    </dl>
  )
}
