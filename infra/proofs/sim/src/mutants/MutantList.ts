import { domainMutants } from "./DomainMutants.ts"
import { engineMutants } from "./EngineMutants.ts"
import { jointMutants } from "./JointMutants.ts"
import type { Mutant } from "./Mutant.ts"
import { streamMutants } from "./StreamMutants.ts"

/** All mutants: of the engine up to the commit, of its joint commits, of the way of events from the commit to their followers, of the domains. */
export const mutants: ReadonlyArray<Mutant> = [...engineMutants, ...jointMutants, ...streamMutants, ...domainMutants]
