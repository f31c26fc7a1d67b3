declare const __DOMAINS__: ReadonlyArray<{ readonly type: string; readonly isSaga: boolean }>

/** The entity types of the shop, as `Domains.ts` of the entities lists them; `vite.config.ts` hands them over. */
export const types: ReadonlyArray<string> = __DOMAINS__.map(({ type }) => type)

/** Those whose whole way is told as a saga. */
export const sagas: ReadonlySet<string> = new Set(__DOMAINS__.filter(({ isSaga }) => isSaga).map(({ type }) => type))
