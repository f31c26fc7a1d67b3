import { assert, describe, it } from "@effect/vitest"
import { OpenApi } from "effect/http-api"
import type { OpenAPISpecOperation } from "effect/http-api/OpenApi"
import { Api } from "../../src/Api.ts"
import { parametersOf, responsesOf } from "../../src/openapi/Shared.ts"
import { introduction } from "../../src/openapi/Introduction.ts"

const spec = OpenApi.fromApi(Api)
const operations = Object.entries(spec.paths).flatMap(([path, methods]) =>
  Object.entries(methods as Record<string, OpenAPISpecOperation>).map(([method, operation]) => ({
    route: `${method.toUpperCase()} ${path}`,
    operation
  }))
)

describe("the contract", () => {
  it("has exactly the routes that are promised", () => {
    assert.deepStrictEqual(
      operations.map(({ route }) => route).toSorted(),
      [
        "POST /v1/carts",
        "GET /v1/carts/{id}",
        "PUT /v1/carts/{id}/lines/{sku}",
        "DELETE /v1/carts/{id}/lines/{sku}",
        "POST /v1/carts/{id}/lines",
        "POST /v1/carts/{id}/reprice",
        "PUT /v1/carts/{id}/coupon",
        "DELETE /v1/carts/{id}/coupon",
        "PUT /v1/carts/{id}/charges/{code}",
        "POST /v1/carts/{id}/merge",
        "POST /v1/carts/{id}/checkout",
        "GET /v1/ops/faults",
        "GET /v1/orders/{id}",
        "GET /v1/orders/{id}/events",
        "GET /v1/orders/{id}/payment",
        "GET /v1/orders/{id}/shipment",
        "GET /v1/orders/{id}/returns/{returnId}",
        "POST /v1/ops/faults",
        "POST /v1/orders/{id}/cancel",
        "POST /v1/orders/{id}/returns",
        "POST /v1/customers",
        "GET /v1/customers/{id}",
        "PATCH /v1/customers/{id}",
        "GET /v1/customers/{id}/orders",
        "POST /v1/customers/{id}/points",
        "GET /v1/skus/{region}/{sku}",
        "POST /v1/skus/{region}/{sku}/adjustments",
        "POST /v1/skus/{region}/{sku}/receipts",
        "PUT /v1/skus/{region}/{sku}/back-orders",
        "POST /v1/bulk/stock",
        "POST /v1/bulk/products",
        "POST /v1/bulk/carts/{id}/lines",
        "GET /v1/search",
        "GET /v1/search/suggest",
        "POST /v1/search/clicks",
        "GET /v1/search/reports/{report}",
        "GET /v1/products/{sku}/cost",
        "PUT /v1/products/{sku}/cost",
        "DELETE /v1/products/{sku}/cost",
        "GET /v1/search/rules",
        "GET /v1/search/rules/{code}",
        "PUT /v1/search/rules/{code}",
        "DELETE /v1/search/rules/{code}",
        "GET /v1/recommendations",
        "POST /v1/catalog/import",
        "GET /v1/catalog/export",
        "GET /v1/products",
        "GET /v1/products/{sku}",
        "GET /v1/products/{sku}/availability",
        "PUT /v1/products/{sku}",
        "DELETE /v1/products/{sku}",
        "PUT /v1/products/{sku}/details",
        "GET /v1/products/{sku}/details",
        "GET /v1/releases",
        "GET /v1/releases/{code}",
        "PUT /v1/releases/{code}",
        "DELETE /v1/releases/{code}",
        "POST /v1/releases/{code}/publish",
        "GET /v1/products/{sku}/history",
        "PUT /v1/products/{sku}/translations",
        "GET /v1/products/{sku}/translations",
        "PUT /v1/products/{sku}/slug",
        "GET /v1/slugs/{slug}",
        "PUT /v1/products/{sku}/changes/{changeId}",
        "DELETE /v1/products/{sku}/changes/{changeId}",
        "GET /v1/categories",
        "GET /v1/categories/{code}",
        "GET /v1/categories/{code}/details",
        "GET /v1/categories/{code}/history",
        "GET /v1/categories/{code}/moves",
        "PUT /v1/categories/{code}",
        "DELETE /v1/categories/{code}",
        "GET /v1/categories/{code}/products",
        "PUT /v1/categories/{code}/place",
        "DELETE /v1/categories/{code}/place",
        "GET /v1/product-models",
        "GET /v1/product-models/{code}",
        "GET /v1/product-models/{code}/details",
        "GET /v1/product-models/{code}/history",
        "PUT /v1/product-models/{code}",
        "DELETE /v1/product-models/{code}",
        "GET /v1/product-types",
        "GET /v1/product-types/{code}",
        "GET /v1/product-types/{code}/details",
        "GET /v1/product-types/{code}/history",
        "PUT /v1/product-types/{code}",
        "DELETE /v1/product-types/{code}",
        "GET /v1/media",
        "POST /v1/media",
        "POST /v1/media/uploads",
        "GET /v1/media/{id}",
        "PATCH /v1/media/{id}",
        "DELETE /v1/media/{id}",
        "GET /v1/media/{id}/address",
        "PUT /v1/media/{id}/uses/{by}",
        "DELETE /v1/media/{id}/uses/{by}",
        "POST /v1/media/customers/{id}",
        "GET /v1/media/customers/{id}",
        "POST /v1/webhook-endpoints",
        "GET /v1/webhook-endpoints",
        "GET /v1/webhook-endpoints/{endpointId}",
        "PUT /v1/webhook-endpoints/{endpointId}",
        "DELETE /v1/webhook-endpoints/{endpointId}",
        "POST /v1/webhook-endpoints/{endpointId}/secret",
        "GET /v1/webhook-endpoints/{endpointId}/deliveries",
        "POST /v1/webhook-endpoints/{endpointId}/deliveries/{messageId}/replay",
        "POST /v1/webhook-endpoints/{endpointId}/replay",
        "POST /v1/webhook-endpoints/{endpointId}/test",
        "POST /v1/partner-keys",
        "GET /v1/partner-keys",
        "GET /v1/partner-keys/{key}",
        "POST /v1/partner-keys/{key}/rotate",
        "DELETE /v1/ops/faults/{faultId}",
        "DELETE /v1/partner-keys/{key}",
        "POST /webhooks/gateway",
        "POST /webhooks/carrier",
        "GET /health/live",
        "GET /health/ready"
      ].toSorted()
    )
  })

  it("is OpenAPI 3.1 whose references all resolve, with a name and a summary for each operation", () => {
    assert.match(spec.openapi, /^3\.1\./)
    const text = JSON.stringify(spec)
    for (const [, name] of text.matchAll(/"#\/components\/schemas\/([^"]+)"/g)) {
      assert.property(spec.components.schemas, name!)
    }
    const ids = operations.map(({ operation }) => (operation as unknown as { operationId: string }).operationId)
    assert.strictEqual(new Set(ids).size, ids.length)
    for (const { operation, route } of operations) assert.property(operation, "summary", route)
  })

  it("begins with requests that there are", () => {
    const named = [...introduction.matchAll(/`(GET|POST|PUT) (\/v1\/[^`]+)`/g)].map(([, method, path]) =>
      `${method} ${path}`.replace("/lines/TEA-01", "/lines/{sku}").replace("{orderId}", "{id}")
    )
    assert.lengthOf(named, 5)
    for (const route of named)
      assert.include(
        operations.map(({ route }) => route),
        route
      )
  })

  it("takes If-Match wherever a cart, an order, a customer, a product or stock that is there is changed", () => {
    const versioned = /^(POST|PUT|PATCH|DELETE) \/v1\/(bulk\/)?(carts|orders|customers|products|skus)\/\{/
    const changing = operations.filter(({ route }) => versioned.test(route))
    assert.isAbove(changing.length, 15)
    for (const { operation, route } of changing) {
      assert.include(
        parametersOf(spec, operation).map(({ name }) => name),
        "if-match",
        route
      )
    }
  })

  it("declares each refusal as a problem with its stable code", () => {
    for (const { operation, route } of operations) {
      for (const [status, response] of Object.entries(responsesOf(spec, operation))) {
        if (Number(status) < 400 || route.endsWith("/health/ready")) continue
        const { content } = response as { content: object }
        assert.deepStrictEqual(Object.keys(content), ["application/problem+json"], `${route} ${status}`)
      }
    }
    const text = JSON.stringify(spec)
    for (const code of ["cart_closed", "not_sold", "not_found", "not_shipped", "invalid_request", "unavailable"]) {
      assert.include(text, `"${code}"`)
    }
  })
})
