import { Layer, type Redacted } from "effect"
import { Accounts } from "../accounts/Accounts.ts"
import { Clients } from "./Clients.ts"
import { Consents } from "../accounts/Consents.ts"
import { Enrolments } from "../factors/Enrolments.ts"
import { Factors } from "../factors/Factors.ts"
import { Pending } from "../signin/Pending.ts"
import { Seal } from "./Seal.ts"
import { Sessions } from "../signin/Sessions.ts"
import { SigningKeys } from "./SigningKeys.ts"

/** What accounts, clients, keys and sessions are kept by: of the process, and of its command line. */
export const storeLayer = ({ issuer, key }: { readonly issuer: string; readonly key: Redacted.Redacted }) =>
  Layer.mergeAll(
    Accounts.layer,
    Consents.layer,
    SigningKeys.layer,
    Sessions.layer,
    Enrolments.layer.pipe(Layer.provideMerge([Pending.layer, Factors.layer(new URL(issuer).host)]))
  ).pipe(Layer.provideMerge(Clients.layer), Layer.provideMerge(Seal.layer(key)))
