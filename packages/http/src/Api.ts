import { HttpApi, OpenApi } from "effect/http-api"
import { Access } from "./Access.ts"
import { BulkApi } from "./BulkApi.ts"
import { CartApi } from "./CartApi.ts"
import { CatalogApi } from "./CatalogApi.ts"
import { CustomerApi } from "./CustomerApi.ts"
import * as Document from "./Document.ts"
import { introduction } from "./Document/Introduction.ts"
import { FaultApi } from "./FaultApi.ts"
import { HealthApi } from "./HealthApi.ts"
import { OrderApi } from "./OrderApi.ts"
import { PartnerKeyApi } from "./PartnerKeyApi.ts"
import { Refusals } from "./Refusals.ts"
import * as SecuritySchemes from "./SecuritySchemes.ts"
import { SkuApi } from "./SkuApi.ts"
import { SubscriptionApi } from "./SubscriptionApi.ts"
import { WebhookApi } from "./WebhookApi.ts"

const completed = (issuer: string) => (spec: object) =>
  Document.complete(SecuritySchemes.secured(spec as OpenApi.OpenAPISpec, issuer))

/** The whole contract of the edge: routes, documents, a typed client and the OpenAPI page all come from it. */
export class Api extends HttpApi.make("halles")
  .add(
    CartApi,
    OrderApi,
    CustomerApi,
    SkuApi,
    CatalogApi,
    BulkApi,
    SubscriptionApi,
    WebhookApi,
    PartnerKeyApi,
    FaultApi,
    HealthApi
  )
  .middleware(Refusals)
  .middleware(Access)
  .annotate(HttpApi.ParseOptions, { errors: "all", onExcessProperty: "error" })
  .annotate(HttpApi.HeadersParseOptions, { errors: "all" })
  .annotate(HttpApi.SuccessParseOptions, {})
  .annotate(HttpApi.ErrorParseOptions, {})
  .annotateMerge(
    OpenApi.annotations({
      title: "Halles",
      version: "1",
      description: introduction,
      license: { name: "Apache-2.0", identifier: "Apache-2.0" } as never,
      transform: completed(SecuritySchemes.laptopIssuer)
    })
  ) {}

/** The contract whose document names this issuer. */
export const documented = (issuer: string) => Api.annotate(OpenApi.Transform, completed(issuer))
