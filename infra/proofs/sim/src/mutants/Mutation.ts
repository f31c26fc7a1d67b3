import { readFileSync } from "node:fs"
import type { RegisterHooksOptions } from "node:module"
import { join } from "node:path"
import { fileURLToPath, pathToFileURL } from "node:url"
import type { Mutant } from "./Mutant.ts"

const root = fileURLToPath(new URL("../../../../..", import.meta.url))

/** The mutant's text cannot be found exactly once: the list has to follow the source. */
class MutantRotten extends Error {
  override readonly name = "MutantRotten"
}

/** The mutated source; nothing on disk changes. */
export const mutated = ({ file, find, name, replace }: Mutant): string => {
  const parts = readFileSync(join(root, file), "utf8").split(find)
  if (parts.length !== 2) {
    throw new MutantRotten(`${name}: what it replaces is ${parts.length - 1} times in ${file}, not once`)
  }
  return parts.join(replace)
}

/** Hooks that put the fault in while the module is loaded. */
export const hooks = (mutant: Mutant): RegisterHooksOptions => {
  const url = pathToFileURL(join(root, mutant.file)).href
  const source = mutated(mutant)
  return {
    load: (loaded, context, nextLoad) => {
      const result = nextLoad(loaded, context)
      return loaded === url ? { ...result, source } : result
    }
  }
}
