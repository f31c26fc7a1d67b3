import { useState } from "preact/hooks"
import { alarms, type Alarm } from "../Live.ts"
import { AlarmLine } from "../parts/AlarmLine.tsx"
import { Choice } from "../parts/Choice.tsx"
import { Empty, Skeleton } from "../parts/Notes.tsx"
import { Page } from "../parts/Page.tsx"

const weights = { critical: 0, warning: 1, info: 2 } as const
const byWeight = (a: Alarm, b: Alarm) => weights[a.severity] - weights[b.severity] || a.since - b.since

export const AlarmsScreen = () => {
  const [filter, setFilter] = useState<"all" | Alarm["severity"]>("all")
  const items = alarms.value?.filter(({ severity }) => filter === "all" || severity === filter).toSorted(byWeight)
  return (
    <Page
      title="Alarms"
      lead="What does not move as it should, the worst first, each with the command to run next."
      actions={
        <Choice
          label="Severity"
          value={filter}
          options={{ all: "All", critical: "Critical", warning: "Warning", info: "Info" }}
          choose={setFilter}
        />
      }
    >
      <section class="card" aria-live="polite">
        {items === undefined ? (
          <Skeleton />
        ) : items.length === 0 ? (
          <Empty title={filter === "all" ? "All is well." : `No alarm is ${filter}.`}>
            Timers, sagas, the outbox and projections are within their objectives.
          </Empty>
        ) : (
          <ul class="stack">
            {items.map((alarm) => (
              <AlarmLine key={alarm.id} alarm={alarm} />
            ))}
          </ul>
        )}
      </section>
    </Page>
  )
}
