import { Effect, Layer, type Redacted } from "effect"
import { Clients } from "./oidc/Clients.ts"
import { type ClientAddresses, putFirstPartyClients } from "./oidc/FirstPartyClients.ts"
import { migrateIdentity } from "./Migrations.ts"
import { Seal } from "./oidc/Seal.ts"

/** Tables and our own clients, by the owner of `halles_control`. Doing it again changes nothing. */
export const provisionIdentity = ({ key, ...addresses }: ClientAddresses & { readonly key: Redacted.Redacted }) =>
  Effect.andThen(
    migrateIdentity,
    putFirstPartyClients(addresses).pipe(Effect.provide(Clients.layer.pipe(Layer.provide(Seal.layer(key)))))
  )
