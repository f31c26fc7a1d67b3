import { useState } from "preact/hooks"
import { runners } from "../Live.ts"
import { ask } from "../Ops.ts"
import { ReasonDialog } from "../parts/ReasonDialog.tsx"
import { regionName } from "../Regions.ts"
import type { Shard } from "../ShardBoard.ts"

interface MoveDialogProps {
  readonly region: "eu" | "am" | "ap"
  readonly shard: Shard
  readonly close: () => void
}

export const MoveDialog = ({ close, region, shard }: MoveDialogProps) => {
  const others = (runners.value ?? []).filter((one) => one.region === region && one.id !== shard.runner)
  const [to, setTo] = useState(others[0]?.id ?? "")
  return (
    <ReasonDialog
      close={close}
      deed={{
        title: `Move shard ${shard.shard}`,
        text:
          others.length === 0 ? (
            `${regionName(region)} has no other runner. Start one, then try again.`
          ) : (
            <label class="field">
              To
              <select value={to} onChange={(event) => setTo(event.currentTarget.value)}>
                {others.map(({ id }) => (
                  <option key={id} value={id}>
                    {id}
                  </option>
                ))}
              </select>
            </label>
          ),
        run: (reason) =>
          ask((ops) =>
            ops.cluster.moveShard({ params: { region, shard: shard.shard }, payload: { runner: to, reason } })
          )
      }}
    />
  )
}
