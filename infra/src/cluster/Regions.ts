import { regions, type Region } from "@halles/shared/Region"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { parseEnv } from "node:util"
import { root } from "../Layout.ts"

/** One runner of a cluster. `index` counts over all regions and gives its metrics port. */
export interface RunnerPlace {
  readonly id: string
  readonly region: Region
  readonly index: number
}

/** How many runners `infra/regions/<region>.env` asks for, 1 to 8. */
const runnersOf = (region: Region): number => {
  const text = readFileSync(join(root, "infra", "regions", `${region}.env`), "utf8")
  return Math.min(8, Math.max(1, Number(parseEnv(text)["RUNNERS"] ?? 1)))
}

/** Every runner of a cluster: eu-1, eu-2, am-1, ap-1 as the files are delivered. */
export const runnerPlaces = (runners: (region: Region) => number = runnersOf): ReadonlyArray<RunnerPlace> =>
  regions
    .flatMap((region) => Array.from({ length: runners(region) }, (_, at) => ({ id: `${region}-${at + 1}`, region })))
    .map((place, index) => ({ ...place, index }))
