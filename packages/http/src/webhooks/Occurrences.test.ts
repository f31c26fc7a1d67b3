import { assert, describe, it } from "@effect/vitest"
import { domains } from "@halles/entities/Domains"
import { committed } from "../openapi/Committed.ts"
import { messagesOf } from "./Occurrences.ts"

const { paths } = JSON.parse(committed()) as {
  readonly paths: Readonly<Record<string, object>>
}
/** Paths that can be read, with their parameters as patterns. */
const readable = Object.entries(paths).flatMap(([path, methods]) =>
  "get" in methods ? [new RegExp(`^${path.replaceAll(/\{\w+\}/g, "[^/]+")}$`, "u")] : []
)

describe("messages of webhooks", () => {
  const announcing = domains.filter(({ notifies }) => notifies.size > 0)
  it.each(announcing.map(({ notifies, type }) => [type, [...notifies.keys()]] as const))(
    "lead to what %s is now",
    (type, tags) => {
      const events = tags.map((_tag) => ({ _tag }))
      for (const { body } of messagesOf({ type, id: "eu_thing", seq: 1, at: 0, events })) {
        const { href } = JSON.parse(body).data
        assert.isTrue(
          readable.some((path) => path.test(href.split("?")[0])),
          `${type}: ${href} is no route that can be read`
        )
      }
    }
  )
})
