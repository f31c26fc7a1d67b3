import { OperatorApi } from "../../src/operator/OperatorApi.ts"

/** A path and a body of each route that is let in, and answered in some way. */
const bodies: Readonly<Record<string, unknown>> = {
  moveShard: { runner: "eu-2", reason: "a test" },
  whatIf: { command: { _tag: "Hold" } },
  replayDeadLetters: { reason: "a test", stream: "webhooks" },
  resolveDeadLetters: { reason: "a test", ids: ["stream:1"] }
}
export const routes = Object.values(OperatorApi.groups).flatMap((group) =>
  Object.values(
    group.endpoints as Record<string, { readonly identifier: string; readonly method: string; readonly path: string }>
  ).map(({ identifier, method, path }) => ({
    name: identifier,
    method,
    path: path
      .slice("/v1/ops/".length)
      .replace(":region", "eu")
      .replace(":shard", "7")
      .replace(":id", identifier.endsWith("Runner") ? "eu-1" : "eu_test"),
    body: method === "POST" ? (bodies[identifier] ?? { reason: "a test" }) : undefined
  }))
)
