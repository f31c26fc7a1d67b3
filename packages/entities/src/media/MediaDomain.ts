import * as EventSourced from "@halles/engine/eventsourced/EventSourced"
import * as Domain from "../Domain.ts"
import { Media, MediaId } from "./Media.ts"
import { MediaApi } from "./MediaApi.ts"
import { kept } from "./MediaLaws.ts"
import * as MediaState from "./MediaState.ts"
import { MediaTable } from "./MediaTable.ts"

export const media = Domain.make({
  contract: Media,
  id: MediaId,
  model: MediaState,
  live: EventSourced.layer(Media, MediaState, { id: MediaId, maxIdleTime: "5 minutes", mailboxCapacity: 256 }),
  table: MediaTable,
  routes: MediaApi,
  laws: kept,
  retention: {
    archiveAfterDays: null,
    dropAfterDays: null,
    reason: "says of each picture who may have shown it, and why it is gone"
  },
  notifies: {},
  // They harm no other entity: simulation and chaos send all of them.
  anytime: [
    "DeclareMedia",
    "KeepContent",
    "RefuseContent",
    "DescribeMedia",
    "UseMedia",
    "ReleaseMedia",
    "RemoveMedia",
    "ForgetContent"
  ]
})
