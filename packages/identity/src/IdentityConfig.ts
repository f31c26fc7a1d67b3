import { MetricsConfig } from "@halles/shared/listener/MetricsListener"
import { Region } from "@halles/shared/Region"
import { Config } from "effect"

const sso = Config.all({
  issuer: Config.NonEmptyString("HALLES_SSO_ISSUER"),
  clientId: Config.NonEmptyString("HALLES_SSO_CLIENT_ID"),
  clientSecret: Config.Redacted("HALLES_SSO_CLIENT_SECRET"),
  name: Config.NonEmptyString("HALLES_SSO_NAME"),
  region: Config.schema(Region, "HALLES_SSO_REGION").pipe(Config.withDefault("eu" as const))
})

/** What the process and its command line are told of the database, and the key that all secrets in it depend on. */
export const StoreConfig = Config.all({
  controlUrl: Config.Redacted("HALLES_PG_CONTROL_URL"),
  key: Config.Redacted("HALLES_IDENTITY_KEY"),
  issuer: Config.NonEmptyString("HALLES_ISSUER_URL")
})

/** What the process is told by its environment, read once. */
export const IdentityConfig = Config.all({
  store: StoreConfig,
  host: Config.NonEmptyString("HALLES_IDENTITY_HOST").pipe(Config.withDefault("127.0.0.1")),
  port: Config.Port("HALLES_IDENTITY_PORT"),
  natsUrl: Config.Redacted("HALLES_NATS_URL"),
  metrics: MetricsConfig,
  countersUrl: Config.Redacted("HALLES_COUNTERS_URL"),
  smtpUrl: Config.Redacted("HALLES_SMTP_URL"),
  mailFrom: Config.NonEmptyString("HALLES_MAIL_FROM").pipe(Config.withDefault("Halles <no-reply@halles.localhost>")),
  /** Of Have I Been Pwned's range API, or one like it; without it only common passwords are refused. */
  breachListUrl: Config.option(Config.NonEmptyString("HALLES_BREACH_LIST_URL")),
  /** An upstream OpenID provider, if there is one. */
  sso: Config.option(sso),
  /** Passwords, and what codes come from, of the accounts that a laptop has from the start; nowhere else. */
  demo: Config.option(
    Config.all({
      customer: Config.Redacted("HALLES_DEMO_CUSTOMER_PASSWORD"),
      operator: Config.Redacted("HALLES_DEMO_OPERATOR_PASSWORD"),
      operatorTotp: Config.Redacted("HALLES_DEMO_OPERATOR_TOTP")
    })
  )
})
