import * as ActivationDirectory from "@halles/engine/activation/ActivationDirectory"
import * as ParkedEntities from "@halles/engine/activation/ParkedEntities"
import * as Strikes from "@halles/engine/activation/Strikes"
import { leaveMaxMs } from "@halles/engine/cluster/ClusterRunner"
import { Bounds } from "@halles/engine/eventsourced/EventSourced"
import * as SagaTrace from "@halles/engine/eventsourced/SagaTrace"
import * as Timers from "@halles/engine/eventsourced/Timers"
import * as Turns from "@halles/engine/eventsourced/Turns"
import { messageBytesMax } from "@halles/engine/journal/EventMessage"
import * as JointCommit from "@halles/engine/eventsourced/JointCommit"
import * as GroupCommit from "@halles/engine/journal/GroupCommit"
import { loadsMax } from "@halles/engine/journal/Journal"
import { historyBytesMax, historyMax, snapshotBytesMax } from "@halles/engine/journal/JournalStore"
import * as Loads from "@halles/engine/journal/Loads"
import * as Outbox from "@halles/engine/journal/Outbox"
import { Patience } from "@halles/engine/journal/Publishing"
import * as Retention from "@halles/engine/journal/Retention"
import { patienceMs } from "@halles/engine/placement/FencedRunnerStorage"
import * as RunnerPresence from "@halles/engine/placement/RunnerPresence"
import { leaseMs } from "@halles/engine/placement/ShardEpochs"
import * as ShardMover from "@halles/engine/placement/ShardMover"
import { keptMax } from "@halles/engine/projections/Projection"
import { defaults } from "@halles/engine/transport/TransportLimits"
import { bytes, characters, count, time } from "./Figures.ts"

const entity = Bounds.defaultValue()
const publishing = Patience.defaultValue()
const calls = ParkedEntities.Patience.defaultValue()

export const engineLimits = `## Entities and the journal

| what | bound | at the bound |
| --- | --- | --- |
| activations on a runner | ${count(ActivationDirectory.activationsMax)} | \`MailboxFull\`, 503 |
| deduplication window of an activation | ${count(entity.recentMax)} command ids | older ones are looked up in the journal |
| entries waiting for group commit | ${count(GroupCommit.queueMax)} | \`Busy\`, 503 |
| texts waiting for group commit | ${characters(GroupCommit.queueLengthMax)} | \`Busy\`, 503 |
| rows of one statement | ${count(GroupCommit.batchMax)}, ${characters(GroupCommit.batchLengthMax)}; one row at the least | next statement |
| a joint commit | ${time(JointCommit.jointMs)} for the answers, ${count(JointCommit.jointStepsMax)} steps | the row goes alone, the step stays pending |
| events of one row | ${bytes(entity.rowBytesMax)}; models stay below it | \`TooLarge\`, 422 \`too_large\`, nothing is written |
| a call of an entity, and its reply | ${bytes(defaults.messageBytesMax)} | \`TooLarge\`, 422 |
| between two snapshots | ${count(entity.snapshotEvery)} rows, ${characters(entity.snapshotEveryLength)} of events | the next one is written |
| state in a snapshot | ${bytes(snapshotBytesMax)} | not written and counted, nor read; the journal suffices |
| loads from the journal at a time | ${count(loadsMax)} a runner, ${count(Loads.loadMax)} and ${bytes(Loads.bytesMax)} a statement, ${count(Loads.loadsAtOnce)} statements | wait |
| rows of a history that are read together | ${count(historyMax)}, ${bytes(historyBytesMax)}; one row at the least | next page |
| timers that fire at a time | ${count(Timers.firingMax)} a runner | next look, ${time(Timers.everyMs)} later |
| due timers of one look | ${count(Timers.rowsMax)} | the next look goes on behind them; those of no entity are parked |
| running sagas that get \`TimerFired\` at a takeover | ${count(Timers.takeOverMax)} | their own timers |
| time between retries of a saga's message | ${time(Turns.retryMinMs)} to ${time(Turns.retryMaxMs)}; ${time(Turns.deadlyMinMs)} to ${time(Turns.deadlyMaxMs)} where its receiver dies of it | shown to operators, never dropped; a final refusal ends it |
| spans of one step of a saga | ${count(SagaTrace.triesMax)} tries | the rest has none |
| one message of the event stream | ${bytes(messageBytesMax)}, and what the server takes | sent as its tags, read in the journal |
| tries of an event that the stream refuses | ${count(publishing.triesMax)}; ${count(publishing.slowTriesMax)} where no message is taken though the stream answers | parked (\`parked_event\`), alarm, \`halles dlq list\` |
| published batches kept in memory | ${count(Outbox.rememberedMax)}, ${characters(Outbox.rememberedBytesMax)} | read back from the journal |
| markers deleted from the outbox together | ${count(Outbox.togetherMax)} batches | next statement |
| rows that a projection keeps in memory | ${count(keptMax)} | read from its table |
| entities archived or dropped in one transaction | ${count(Retention.entitiesMax)} | next transaction |
| rows of \`alarm\` | ${count(Retention.alarmDays)} days | deleted |

## Parking

| what | bound | at the bound |
| --- | --- | --- |
| strikes of an entity within ${time(Strikes.windowMs)} | ${count(Strikes.strikesMax)} by weight: a death ${count(Strikes.weights.command)}, a hang ${count(Strikes.weights.hang)} | parked |
| deaths of one command | ${count(Strikes.commandDeathsMax)} | answered with a defect |
| a call that does not return | ${time(calls.hungMs)}, looked at every ${time(calls.everyMs)} | cut off, retried once |
| entities and commands whose deaths are remembered | ${count(Strikes.rememberedMax)} | all are forgotten and counted anew |

## Shards

| what | bound | at the bound |
| --- | --- | --- |
| silence of a runner | ${time(RunnerPresence.silenceMs)}; ${time(RunnerPresence.suspectMs)} when its database sessions have ended | declared dead |
| runners that are followed | ${count(RunnerPresence.runnersMax)} | the others are not seen |
| writer lease | ${time(leaseMs)} after each check of the epochs | the epoch is read before an answer from memory |
| shards moved by plan in one step | ${count(ShardMover.stepMax)}, ${time(ShardMover.pauseMs)} between steps | next step |
| calls of a shard that moves | ${time(ActivationDirectory.finishMs)} | cut off, retried at the next owner |
| an owner that does not give a shard back | ${time(patienceMs)}, if its heartbeats are heard | the shard is taken |
| a stopping runner's handover | ${time(leaveMaxMs)} | the rest is taken over as from a dead one |
| plans of moves | ${ShardMover.kept} | deleted |
`
