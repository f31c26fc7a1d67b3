import { signingKey } from "@halles/shared/audit/AnchorKey"
import { publicText } from "@halles/shared/security/DerivedKey"
import type { Region } from "@halles/shared/Region"
import * as ServiceToken from "@halles/shared/security/ServiceToken"
import { Redacted } from "effect"
import * as Layout from "./Layout.ts"
import { type Database, logins, type Role } from "./servers/Logins.ts"
import { ports, runnerPort, searchPort } from "./cluster/Ports.ts"
import type { Secrets } from "./servers/Secrets.ts"

/**
 * Where the servers are. `databases` has one URL a region and one for `control`, without a user; NATS has its login in it, and so has a
 * Redis that we were given.
 */
export interface Addresses {
  readonly nats: string
  readonly redis: string
  readonly counters: string
  readonly databases: Readonly<Record<string, string>>
}

/** What the environments of a cluster's processes are made of. */
export interface Parts {
  readonly layout: Layout.Layout
  readonly secrets: Secrets
  readonly addresses: Addresses
}

type Environment = Record<string, string>

/** Only these pass from our environment to a process: where programs are, its language, how it exports telemetry, where webhooks may go, where readers look who name no region. */
const passed =
  /^(PATH|HOME|LANG|LC_ALL|TZ|TMPDIR|NODE_EXTRA_CA_CERTS|HALLES_WEBHOOK_ALLOW|HALLES_DEFAULT_REGION|OTEL_[A-Z_]+)$/

/** The variables of an environment whose names match. */
export const named = (environment: NodeJS.ProcessEnv, names: RegExp): Environment =>
  Object.fromEntries(
    Object.entries(environment).flatMap(([name, value]) =>
      value !== undefined && names.test(name) ? [[name, value]] : []
    )
  )
export const inherited = (environment: NodeJS.ProcessEnv): Environment => named(environment, passed)

/** Servers and providers of yours, in place of what a laptop has: each process gets only its own, since passwords are among them. */
const yours = {
  edge: /^HALLES_MEDIA_PUBLIC_URL$/,
  identity: /^HALLES_(SMTP_URL|MAIL_FROM|BREACH_LIST_URL|SSO_[A-Z_]+)$/,
  media: /^HALLES_MEDIA_(CLAMD|UNSCANNED|MADE_BYTES_MAX|S3_[A-Z_]+)$/
}
export const given = (process: keyof typeof yours, environment: NodeJS.ProcessEnv): Environment =>
  named(environment, yours[process])

/** A URL with other credentials, and another database if one is named. */
export const withLogin = (url: string, user: string, password: string, database?: string): string => {
  const changed = new URL(url)
  changed.username = user
  changed.password = password
  if (database !== undefined) changed.pathname = `/${database}`
  return changed.href
}

/** A URL of another database of the same server. */
export const withDatabase = (url: string, database: string): string => {
  const changed = new URL(url)
  changed.pathname = `/${database}`
  return changed.href
}

/** A URL without credentials, as it may be shown. */
export const withoutLogin = (url: string): string => withLogin(url, "", "")

/** A database of the cluster, as a role sees it. */
export const databaseUrl = ({ addresses, secrets }: Parts, role: Role, database: Database): string =>
  withLogin(addresses.databases[database] ?? "", role, logins(secrets)[role].password)

/** A Redis as one of our processes signs in to it; one that we were given has one login for all. */
const signedIn = (url: string, user: string, password: string): string =>
  new URL(url).password === "" ? withLogin(url, user, password) : url

const regionDatabases = (parts: Parts, role: Role): Environment => ({
  HALLES_PG_EU_URL: databaseUrl(parts, role, "eu"),
  HALLES_PG_AM_URL: databaseUrl(parts, role, "am"),
  HALLES_PG_AP_URL: databaseUrl(parts, role, "ap")
})

const databases = (parts: Parts, role: Role): Environment => ({
  HALLES_PG_CONTROL_URL: databaseUrl(parts, role, "control"),
  ...regionDatabases(parts, role)
})

/** It proves the tokens of our own tools, and makes none. */
const serviceKey = ({ secrets }: Parts): string =>
  publicText(ServiceToken.signingKey(Redacted.make(secrets.serviceKey)))

const local = (port: number, path = ""): string => `http://127.0.0.1:${port}${path}`

/** Who issues access tokens, as they name it. By a name of the machine: browsers bind no passkey to an address. */
export const issuer = ({ layout }: { readonly layout: Pick<Layout.Layout, "portBase"> }): string =>
  `http://localhost:${ports(layout.portBase).identity}`

/** Where operators look, as their browsers name it: the same host as the issuer's. */
export const operations = ({ layout }: { readonly layout: Pick<Layout.Layout, "portBase"> }): string =>
  `http://localhost:${ports(layout.portBase).ops}`

export const runner = (
  parts: Parts,
  { id, index, region }: { readonly id: string; readonly index: number; readonly region: Region }
): Environment => {
  const { carrier, gateway } = ports(parts.layout.portBase)
  return {
    HALLES_NATS_URL: parts.addresses.nats,
    HALLES_REDIS_URL: signedIn(parts.addresses.redis, "runner", parts.secrets.redisRunner),
    HALLES_RUNNER_ID: id,
    HALLES_REGION: region,
    HALLES_PG_REGION_URL: databaseUrl(parts, `halles_runner_${region}`, region),
    HALLES_PG_CONTROL_URL: databaseUrl(parts, `halles_runner_${region}`, "control"),
    HALLES_GATEWAY_URL: local(gateway),
    HALLES_CARRIER_URL: local(carrier),
    HALLES_GATEWAY_KEY: parts.secrets.gatewayKey,
    HALLES_CARRIER_KEY: parts.secrets.carrierKey,
    HALLES_METRICS_PORT: String(runnerPort(parts.layout.portBase, index))
  }
}

export const edge = (parts: Parts): Environment => ({
  HALLES_NATS_URL: parts.addresses.nats,
  HALLES_REDIS_URL: signedIn(parts.addresses.redis, "edge", parts.secrets.redisEdge),
  HALLES_COUNTERS_URL: signedIn(parts.addresses.counters, "edge", parts.secrets.countersEdge),
  ...databases(parts, "halles_edge"),
  HALLES_EDGE_PORT: String(ports(parts.layout.portBase).edge),
  HALLES_METRICS_PORT: String(ports(parts.layout.portBase).edgeMetrics),
  HALLES_EDGE_TLS_PORT: String(ports(parts.layout.portBase).edgeTls),
  HALLES_EDGE_TLS_CERTIFICATE: Layout.certificateFile(parts.layout),
  HALLES_EDGE_TLS_KEY: Layout.certificateKeyFile(parts.layout),
  // Whoever is on this machine is a tool of ours: the replay, the load, the chaos.
  HALLES_EDGE_UNLIMITED: "127.0.0.0/8,::1",
  HALLES_ISSUER_URL: issuer(parts),
  HALLES_WEBHOOK_KEY: parts.secrets.webhookKey,
  HALLES_INTENT_KEY: parts.secrets.intentKey,
  HALLES_GATEWAY_WEBHOOK_SECRET: parts.secrets.gatewayWebhook,
  HALLES_CARRIER_WEBHOOK_SECRET: parts.secrets.carrierWebhook,
  HALLES_SERVICE_PUBLIC_KEY: serviceKey(parts)
})

export const webhooks = (parts: Parts): Environment => ({
  HALLES_NATS_URL: parts.addresses.nats,
  HALLES_PG_CONTROL_URL: databaseUrl(parts, "halles_webhooks", "control"),
  HALLES_WEBHOOKS_PORT: String(ports(parts.layout.portBase).webhooks),
  HALLES_METRICS_PORT: String(ports(parts.layout.portBase).webhooksMetrics),
  HALLES_WEBHOOK_KEY: parts.secrets.webhookKey
})

/** For the edge and the runners, which call the media process. */
export const mediaClient = ({ layout, secrets }: Parts): Environment => ({
  HALLES_MEDIA_URL: local(ports(layout.portBase).media),
  HALLES_MEDIA_KEY: secrets.mediaKey
})

export const media = ({ layout, secrets }: Parts): Environment => ({
  HALLES_MEDIA_PORT: String(ports(layout.portBase).media),
  HALLES_METRICS_PORT: String(ports(layout.portBase).mediaMetrics),
  HALLES_MEDIA_KEY: secrets.mediaKey,
  HALLES_MEDIA_DIRECTORY: Layout.mediaDirectory(layout)
})

export const search = (parts: Parts, region: Region): Environment => ({
  HALLES_NATS_URL: parts.addresses.nats,
  HALLES_REGION: region,
  HALLES_PG_REGION_URL: databaseUrl(parts, "halles_search", region),
  HALLES_SEARCH_FILE: Layout.searchFile(parts.layout, region),
  HALLES_SEARCH_PORT: String(searchPort(parts.layout.portBase, region))
})

export const ops = (parts: Parts): Environment => ({
  HALLES_NATS_URL: parts.addresses.nats,
  ...databases(parts, "halles_ops"),
  HALLES_OPS_PORT: String(ports(parts.layout.portBase).ops),
  HALLES_METRICS_PORT: String(ports(parts.layout.portBase).opsMetrics),
  HALLES_DASHBOARD_DIRECTORY: Layout.dashboard,
  HALLES_OPS_URL: operations(parts),
  HALLES_ISSUER_URL: issuer(parts),
  HALLES_SERVICE_PUBLIC_KEY: serviceKey(parts)
})

/** The database and the key: for the command line of accounts, clients and keys too. */
export const identityStore = (parts: Parts): Environment => ({
  HALLES_PG_CONTROL_URL: databaseUrl(parts, "halles_identity", "control"),
  HALLES_NATS_URL: parts.addresses.nats,
  HALLES_IDENTITY_KEY: parts.secrets.identityKey,
  HALLES_ISSUER_URL: issuer(parts)
})

export const identity = (parts: Parts): Environment => ({
  HALLES_COUNTERS_URL: signedIn(parts.addresses.counters, "identity", parts.secrets.countersIdentity),
  ...identityStore(parts),
  HALLES_IDENTITY_PORT: String(ports(parts.layout.portBase).identity),
  HALLES_METRICS_PORT: String(ports(parts.layout.portBase).identityMetrics),
  HALLES_SMTP_URL: `smtp://127.0.0.1:${ports(parts.layout.portBase).mail}`,
  HALLES_DEMO_CUSTOMER_PASSWORD: parts.secrets.demoCustomer,
  HALLES_DEMO_OPERATOR_PASSWORD: parts.secrets.demoOperator,
  HALLES_DEMO_OPERATOR_TOTP: parts.secrets.demoOperatorTotp
})

export const mail = ({ layout }: Parts): Environment => ({
  HALLES_MAIL_PORT: String(ports(layout.portBase).mail),
  HALLES_MAIL_DIRECTORY: Layout.mailDirectory(layout)
})

export const gateway = ({ layout, secrets }: Parts): Environment => ({
  HALLES_GATEWAY_PORT: String(ports(layout.portBase).gateway),
  HALLES_GATEWAY_KEY: secrets.gatewayKey,
  HALLES_GATEWAY_WEBHOOK_URL: local(ports(layout.portBase).edge, "/webhooks/gateway"),
  HALLES_GATEWAY_WEBHOOK_SECRET: secrets.gatewayWebhook,
  HALLES_GATEWAY_FILE: Layout.gatewayFile(layout)
})

export const carrier = ({ layout, secrets }: Parts): Environment => ({
  HALLES_CARRIER_PORT: String(ports(layout.portBase).carrier),
  HALLES_CARRIER_KEY: secrets.carrierKey,
  HALLES_CARRIER_WEBHOOK_URL: local(ports(layout.portBase).edge, "/webhooks/carrier"),
  HALLES_CARRIER_WEBHOOK_SECRET: secrets.carrierWebhook,
  HALLES_CARRIER_FILE: Layout.carrierFile(layout),
  HALLES_CARRIER_DISPATCH_MS: "200",
  HALLES_CARRIER_DELIVERY_MS: "1000"
})

/** For who reads the audit log, and what it was anchored to: with the public key of who signs, not the key. */
export const auditor = (parts: Parts): Environment => ({
  HALLES_PG_CONTROL_URL: databaseUrl(parts, "halles_auditor", "control"),
  HALLES_NATS_URL: parts.addresses.nats,
  HALLES_AUDIT_PUBLIC_KEYS: publicText(signingKey(Redacted.make(parts.secrets.identityKey)))
})

/** For who proves something of the histories as they are. */
export const prover = (parts: Parts): Environment => regionDatabases(parts, "halles_auditor")

/** For programs that use the cluster from outside: they read the databases, with personal data hidden, and never write them. */
export const client = (parts: Parts): Environment => ({
  ...databases(parts, "halles_reader"),
  HALLES_EDGE_URL: local(ports(parts.layout.portBase).edge),
  HALLES_OPS_URL: local(ports(parts.layout.portBase).ops),
  HALLES_ISSUER_URL: issuer(parts),
  HALLES_OPERATOR_FILE: Layout.operatorFile(parts.layout),
  HALLES_IMPORT_TOKEN: parts.secrets.importToken,
  HALLES_ADMIN_TOKEN: parts.secrets.adminToken,
  HALLES_GATEWAY_FILE: Layout.gatewayFile(parts.layout),
  HALLES_CARRIER_FILE: Layout.carrierFile(parts.layout)
})
