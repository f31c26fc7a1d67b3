import { HttpApi, OpenApi } from "effect/http-api"
import { Access } from "./access/Access.ts"
import { BulkApi } from "./shop/BulkApi.ts"
import { CartApi } from "./shop/CartApi.ts"
import { CatalogApi } from "./shop/CatalogApi.ts"
import { CustomerApi } from "./shop/CustomerApi.ts"
import * as Document from "./openapi/Document.ts"
import { introduction } from "./openapi/Introduction.ts"
import { FaultApi } from "./admission/FaultApi.ts"
import { HealthApi } from "./health/HealthApi.ts"
import { OrderApi } from "./shop/OrderApi.ts"
import { PartnerKeyApi } from "./access/PartnerKeyApi.ts"
import { Refusals } from "./problems/RequestRefusals.ts"
import * as SecuritySchemes from "./access/SecuritySchemes.ts"
import { SkuApi } from "./shop/SkuApi.ts"
import { SubscriptionApi } from "./webhooks/SubscriptionApi.ts"
import { WebhookApi } from "./notices/PartnerNoticeApi.ts"

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
