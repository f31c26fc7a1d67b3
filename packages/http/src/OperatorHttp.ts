import { BreakerNews } from "@halles/shared/BreakerNews"
import { Layer } from "effect"
import { HttpApiBuilder } from "effect/http-api"
import { OperatorAccessLive } from "./OperatorAccessLive.ts"
import { OperatorApi } from "./OperatorApi.ts"
import { OperatorRefusalsLive } from "./OperatorRefusalsLive.ts"
import { ClusterHttp } from "./Operator/ClusterHttp.ts"
import { AuditWatch } from "./Operator/AuditWatch.ts"
import { ClusterView } from "./Operator/ClusterView.ts"
import { DeadLetters } from "./Operator/DeadLetters.ts"
import { EntitiesHttp } from "./Operator/EntitiesHttp.ts"
import { EntityView } from "./Operator/EntityView.ts"
import { Live } from "./Operator/Live.ts"
import { RegionFacts } from "./Operator/RegionFacts.ts"
import { SagasHttp } from "./Operator/SagasHttp.ts"
import { Statuses } from "./Operator/Statuses.ts"
import { Streams } from "./Operator/Streams.ts"
import { StreamsHttp } from "./Operator/StreamsHttp.ts"
import { WatchingHttp } from "./Operator/WatchingHttp.ts"

/** All routes of the operator API; what they need stays open, so that tests may serve them over a cluster of their own. */
export const OperatorRoutes = HttpApiBuilder.layer(OperatorApi, { openapiPath: "/openapi.json" }).pipe(
  Layer.provide([ClusterHttp, EntitiesHttp, SagasHttp, StreamsHttp, WatchingHttp]),
  Layer.provide([OperatorAccessLive, OperatorRefusalsLive]),
  Layer.provide([Live.layer, EntityView.layer, DeadLetters.layer]),
  Layer.provide(ClusterView.layer),
  Layer.provide([Statuses.layer, RegionFacts.layer, Streams.layer, AuditWatch.layer, BreakerNews.layer])
)
