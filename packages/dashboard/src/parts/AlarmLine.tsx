import { duration } from "../Format.ts"
import type { Alarm } from "../Live.ts"
import { regionName } from "../Regions.ts"
import { entityLink, link } from "../Router.ts"
import { Badge, Command } from "./Notes.tsx"

const tones = { info: "calm", warning: "warn", critical: "bad" } as const

/** `Order/eu_x` is an entity; a runner or a consumer is shown as it is. */
const Subject = ({ alarm }: { readonly alarm: Alarm }) => {
  const { region, shard, subject } = alarm
  if (subject !== null && /^[A-Z]\w*\//.test(subject)) return <a href={entityLink(subject)}>{subject}</a>
  if (subject !== null) return <span>{subject}</span>
  if (region !== null && shard !== null)
    return <a href={link(["shards"], { region, shard })}>{`shard ${shard} of ${regionName(region)}`}</a>
  return region === null ? null : <span>{regionName(region)}</span>
}

export const AlarmLine = ({ alarm }: { readonly alarm: Alarm }) => (
  <li class="alarm">
    <div class="title">
      <span>
        <Badge tone={tones[alarm.severity]}>{alarm.severity}</Badge> <strong>{alarm.text}</strong>
      </span>
      <span class="soft">{`for ${duration(Math.max(0, Date.now() - alarm.since))}`}</span>
    </div>
    <div class="alarm-next">
      <span class="soft">
        <code>{alarm.code}</code> <Subject alarm={alarm} />
      </span>
      <Command line={alarm.command} />
    </div>
  </li>
)
