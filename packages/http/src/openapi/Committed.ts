import { OpenApi } from "effect/http-api"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { Api } from "../Api.ts"

/** The document beside the code that it was generated from, so that a change of the contract shows in its diff. */
export const committedPath = {
  absolute: join(import.meta.dirname, "..", "..", "openapi.json"),
  inRepository: "packages/http/openapi.json"
}

/** The document as the code has it now. */
export const text = `${JSON.stringify(OpenApi.fromApi(Api), null, 1)}\n`

export const committed = (): string => readFileSync(committedPath.absolute, "utf8")
