import { perMinute, Traffic, type Worth } from "@halles/shared/wire/Traffic"
import { Context } from "effect"
import type { HttpApiEndpoint } from "effect/http-api"

/** Whatever comes from one address, signed in or not. A household, an office behind one address, a browser's burst. */
export const addressQuota = perMinute("address", 3_000)
/** Whatever one address may ask whose user agent is a crawler or a bare HTTP library, without credentials. */
export const botQuota = perMinute("bot", 1_200)
/** Of one person, over all addresses. */
export const accountQuota = perMinute("account", 1_200)
/** Of one program with a client id or a key. */
export const clientQuota = perMinute("client", 12_000)
/** As `clientQuota`, of a partner's key of the class `bulk`. */
export const bulkQuota = perMinute("bulk", 60_000)
/** Answers from this process's memory, per address. */
export const memoryQuota = perMinute("memory", 60_000)

const read: Worth = { priority: "browse", cost: 1 }
const write: Worth = { priority: "cart", cost: 3 }

/** Of what has no class of its own. */
export const byMethod = (method: string): Worth =>
  method === "GET" || method === "HEAD" || method === "OPTIONS" ? read : write

export const trafficOf = ({ annotations, method }: HttpApiEndpoint.Top): Worth =>
  Context.getOrUndefined(annotations, Traffic) ?? byMethod(method)
