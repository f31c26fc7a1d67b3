import type { OpenAPISpec, OpenAPISpecOperation } from "effect/http-api/OpenApi"

const methods = ["get", "put", "post", "delete", "patch"] as const

/** Every operation of a document with where it is. */
export const operationsOf = (
  spec: OpenAPISpec
): ReadonlyArray<{ readonly method: string; readonly path: string; readonly operation: OpenAPISpecOperation }> =>
  Object.entries(spec.paths).flatMap(([path, item]) =>
    methods.flatMap((method) => {
      const operation = item[method]
      return operation === undefined ? [] : [{ method, path, operation }]
    })
  )

/** The paths of a document with each operation changed. */
export const eachOperation = (
  spec: OpenAPISpec,
  change: (method: string, operation: OpenAPISpecOperation) => OpenAPISpecOperation
): OpenAPISpec["paths"] =>
  Object.fromEntries(
    Object.entries(spec.paths).map(([path, item]) => [
      path,
      {
        ...item,
        ...Object.fromEntries(
          methods.flatMap((method) => {
            const given = item[method]
            return given === undefined ? [] : [[method, change(method, given)]]
          })
        )
      }
    ])
  )
