import * as Domain from "../Domain.ts"
import { Release, ReleaseId } from "./Release.ts"
import { ReleaseApi } from "./ReleaseApi.ts"
import { releases } from "./ReleaseLaws.ts"
import { ReleaseLive } from "./ReleaseLive.ts"
import * as ReleaseState from "./ReleaseState.ts"
import { ReleaseTable } from "./ReleaseTable.ts"

export const release = Domain.make({
  contract: Release,
  id: ReleaseId,
  model: ReleaseState,
  live: ReleaseLive,
  table: ReleaseTable,
  routes: ReleaseApi,
  laws: releases,
  retention: { archiveAfterDays: null, dropAfterDays: null, reason: "tells what was published when, and by whom" },
  notifies: {},
  anytime: ["PutRelease", "PublishRelease", "WithdrawRelease"]
})
