import { readFileSync } from "node:fs"
import { join } from "node:path"
import { domainLimits } from "./DomainLimits.ts"
import { edgeLimits } from "./EdgeLimits.ts"
import { engineLimits } from "./EngineLimits.ts"
import { searchLimits } from "./SearchLimits.ts"

/** Where it is committed, so that a change of a bound shows in its diff. */
export const limitsPath = {
  absolute: join(import.meta.dirname, "..", "..", "..", "..", "docs", "limits.md"),
  inRepository: "docs/limits.md"
}

export const committedLimits = (): string => readFileSync(limitsPath.absolute, "utf8")

export const limitsPage = `# Limits

Every bound of the engine, the domains, the edge and the operator process, made by \`npm run openapi -- write\` from the constants that
decide it; a test compares. [identity.md](identity.md) and [configure.md](configure.md) have those of sign-in and of the servers.

${[edgeLimits, searchLimits, domainLimits, engineLimits].join("\n")}`
