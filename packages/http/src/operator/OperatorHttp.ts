import { BreakerNews } from "@halles/shared/clients/BreakerNews"
import { Layer } from "effect"
import { HttpApiBuilder } from "effect/http-api"
import { OperatorAccessLive } from "./OperatorAccessLive.ts"
import { OperatorApi } from "./OperatorApi.ts"
import { OperatorRefusalsLive } from "./OperatorRefusalsLive.ts"
import { ClusterHttp } from "./ClusterHttp.ts"
import { AuditWatch } from "./views/AuditWatch.ts"
import { ClusterView } from "./views/ClusterView.ts"
import { DeadLetters } from "./views/DeadLetters.ts"
import { EntitiesHttp } from "./EntitiesHttp.ts"
import { EntityView } from "./views/EntityView.ts"
import { Live } from "./views/Live.ts"
import { RegionFacts } from "./views/RegionFacts.ts"
import { SagasHttp } from "./SagasHttp.ts"
import { Statuses } from "./views/Statuses.ts"
import { Streams } from "./views/Streams.ts"
import { StreamsHttp } from "./StreamsHttp.ts"
import { WatchingHttp } from "./WatchingHttp.ts"

/** All routes of the operator API; what they need stays open, so that tests may serve them over a cluster of their own. */
export const OperatorRoutes = HttpApiBuilder.layer(OperatorApi, { openapiPath: "/openapi.json" }).pipe(
  Layer.provide([ClusterHttp, EntitiesHttp, SagasHttp, StreamsHttp, WatchingHttp]),
  Layer.provide([OperatorAccessLive, OperatorRefusalsLive]),
  Layer.provide([Live.layer, EntityView.layer, DeadLetters.layer]),
  Layer.provide(ClusterView.layer),
  Layer.provide([Statuses.layer, RegionFacts.layer, Streams.layer, AuditWatch.layer, BreakerNews.layer])
)
