import * as EventSourced from "@halles/engine/eventsourced/EventSourced"
import * as Domain from "../Domain.ts"
import { Slug, SlugId } from "./Slug.ts"
import { SlugApi } from "./SlugApi.ts"
import { slugs } from "./SlugLaws.ts"
import * as SlugState from "./SlugState.ts"

export const slug = Domain.make({
  contract: Slug,
  id: SlugId,
  model: SlugState,
  live: EventSourced.layer(Slug, SlugState, { id: SlugId, maxIdleTime: "1 minute", mailboxCapacity: 64 }),
  table: null,
  routes: SlugApi,
  laws: slugs,
  retention: { archiveAfterDays: null, dropAfterDays: null, reason: "links go on working for good" },
  notifies: {},
  anytime: ["ClaimSlug"]
})
