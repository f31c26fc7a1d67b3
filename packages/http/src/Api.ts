import { HttpApi, OpenApi } from "effect/http-api"
import { Access } from "./Access.ts"
import { BulkApi } from "./BulkApi.ts"
import { CartApi } from "./CartApi.ts"
import { CatalogApi } from "./CatalogApi.ts"
import { CustomerApi } from "./CustomerApi.ts"
import * as Document from "./Document.ts"
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
      description:
        "Carts, orders, stock, catalogue and customers. Money is in minor units as a string of digits. Errors are problem details (RFC 9457) with a stable `code`; their `type` leads to a page that says what to do. Any route may also answer 405 to another method, and what is no request of HTTP is answered 400, 417 or 431 without a body before a route is chosen. A repeated `Idempotency-Key` has one effect; a replayed answer carries `Idempotent-Replayed: true`. Changes answer with a `Consistency-Token` that lists take. `Halles-Version` names a dated version (2026-11-01, or 2026-09-01, which is deprecated); without it the newest is spoken. `traceparent` is taken and kept, `traceresponse` names the trace. A body has at most 256 KiB, but for imports; path and query 8 KiB, a head 16 KiB and 100 headers. JSON that could mean two things is refused: a member that stands twice or is called `__proto__`, U+0000, half of a surrogate pair, a number without a finite value, more than 64 levels. A text of format `line` is one line; in a `paragraph` and in a `copy` lines may break. Texts are composed (NFC) when they are taken, and their lengths are counted after that; they have no controls, no change of direction that does not end, at most 30 marks on one character, and, but where they may be empty, something visible. A `line` and a `paragraph` have no card number in them. Blanks round an `idn-email` are left out. A country is one that ISO 3166-1 has assigned.",
      license: { name: "Apache-2.0", identifier: "Apache-2.0" } as never,
      transform: completed(SecuritySchemes.laptopIssuer)
    })
  ) {}

/** The contract whose document names this issuer. */
export const documented = (issuer: string) => Api.annotate(OpenApi.Transform, completed(issuer))
