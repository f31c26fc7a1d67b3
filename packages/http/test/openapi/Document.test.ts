import { assert, describe, it } from "@effect/vitest"
import { Ajv2020 } from "ajv/dist/2020.js"
import type { OpenAPISpec } from "effect/http-api/OpenApi"
import { spawnSync } from "node:child_process"
import { join } from "node:path"
import { operationsOf } from "../../src/openapi/Operations.ts"
import { parametersOf, responsesOf } from "../../src/openapi/Shared.ts"
import { committed, text } from "../../src/openapi/Committed.ts"
import * as Descriptions from "../../src/openapi/Descriptions.ts"
import { samples } from "@halles/shared/wire/Named"
import * as Samples from "../../src/openapi/Samples.ts"

const spec = JSON.parse(text) as OpenAPISpec
const operations = operationsOf(spec)

const ajv = new Ajv2020({ strict: false, allErrors: true, validateFormats: false })
ajv.addSchema({ ...spec, $id: "halles" })

/** What a media type shows, by name. */
const examplesOf = (media: object): ReadonlyArray<readonly [string, unknown]> => {
  const { example, examples } = media as { example?: unknown; examples?: Record<string, { value: unknown }> }
  if (examples !== undefined) return Object.entries(examples).map(([name, { value }]) => [name, value])
  return example === undefined ? [] : [["example", example]]
}
const pointer = (...parts: ReadonlyArray<string>) =>
  parts.map((part) => encodeURIComponent(part.replaceAll("~", "~0").replaceAll("/", "~1"))).join("/")

/** The same schema with the same example is looked at once. */
const seen = new Set<string>()

const faults = (reference: string, media: { readonly schema?: object }): ReadonlyArray<string> => {
  const examples = examplesOf(media)
  if (examples.length === 0) return [`${reference} has no example`]
  const key = JSON.stringify([media.schema, examples])
  if (seen.has(key)) return []
  seen.add(key)
  const validate = ajv.compile({ $ref: `halles#/${reference}/schema` })
  return examples.flatMap(([name, value]) =>
    validate(value) ? [] : [`${reference} ${name}: ${ajv.errorsText(validate.errors)} in ${JSON.stringify(value)}`]
  )
}

describe("the document", () => {
  it("is committed as the code has it: npm run openapi -- write", () => {
    assert.isTrue(committed() === text, "packages/http/openapi.json differs from the code: npm run openapi -- write")
  })

  it("passes Redocly's recommended rules without an exception", () => {
    const program = join(import.meta.dirname, "..", "..", "src", "openapi", "openapi.ts")
    const { status, stdout } = spawnSync(process.execPath, [program, "lint"], { encoding: "utf8" })
    assert.strictEqual(status, 0, stdout)
  })

  it("says what each group, operation and parameter is for", () => {
    const missing = [
      ...spec.tags.filter(({ description }) => description === undefined).map(({ name }) => `group ${name}`),
      ...operations.flatMap(({ operation }) => [
        ...(operation.summary === undefined ? [`${operation.operationId} has no summary`] : []),
        ...(operation.description === undefined ? [`${operation.operationId} has no description`] : []),
        ...parametersOf(spec, operation)
          .filter(({ description }) => description === undefined)
          .map(({ name }) => `${operation.operationId} ${name}`)
      ])
    ]
    assert.deepStrictEqual(missing, [])
  })

  it("describes nothing that is not there", () => {
    const components = new Set(Object.keys(spec.components.schemas))
    const parameters = new Set(
      operations.flatMap(({ operation }) => parametersOf(spec, operation).map(({ name }) => name))
    )
    const stale = [
      ...[...samples.keys()].filter((name) => !components.has(name)),
      ...[...Object.keys(Descriptions.parameters), ...Object.keys(Samples.parameters)].filter(
        (name) => !parameters.has(name)
      )
    ]
    assert.deepStrictEqual(stale, [])
  })

  it("says what the middleware may answer, 413 only of what has a body, and 415 only of what may be sent one", () => {
    for (const { method, operation } of operations) {
      const statuses = Object.keys(operation.responses)
      assert.includeMembers(statuses, ["400", "500", "503"], operation.operationId)
      const hasBody = operation.requestBody !== undefined
      assert.strictEqual(statuses.includes("413"), hasBody, operation.operationId)
      // Whoever sends a body in another coding is refused before it is known whether one is asked for.
      assert.strictEqual(statuses.includes("415"), hasBody || method.startsWith("p"), operation.operationId)
    }
  })

  it("has an example of every parameter and body, which its own schema accepts", () => {
    const found = operations.flatMap(({ method, operation, path }) => {
      const at = `paths/${pointer(path, method)}`
      const parameters = operation.parameters.flatMap((given, index) => {
        const { $ref } = given as { readonly $ref?: string }
        const place = $ref === undefined ? `${at}/parameters/${index}` : $ref.slice("#/".length)
        return faults(place, parametersOf(spec, operation)[index]!)
      })
      const requests = Object.entries(operation.requestBody?.content ?? {}).flatMap(([type, media]) =>
        faults(`${at}/requestBody/content/${pointer(type)}`, media)
      )
      const answers = Object.entries(operation.responses).flatMap(([status, given]) => {
        const { $ref } = given as { readonly $ref?: string }
        const place = $ref === undefined ? `${at}/responses/${status}` : $ref.slice("#/".length)
        return Object.entries(responsesOf(spec, operation)[status]!.content ?? {}).flatMap(([type, media]) =>
          faults(`${place}/content/${pointer(type)}`, media as object)
        )
      })
      return [...parameters, ...requests, ...answers]
    })
    assert.deepStrictEqual([...new Set(found)], [])
  })
})
