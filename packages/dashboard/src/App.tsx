import type * as Json from "@halles/http/operator/OperatorJson"
import { computed, useSignal } from "@preact/signals"
import { useEffect } from "preact/hooks"
import { useQuery } from "./Query.tsx"
import { alarms, connection, listen } from "./Live.ts"
import { Me } from "./Me.ts"
import { ask, signOut } from "./Ops.ts"
import { FailureNote } from "./parts/FailureNote.tsx"
import { Icon, type IconName } from "./parts/Icon.tsx"
import { Badge, Skeleton } from "./parts/Notes.tsx"
import { Outcome } from "./parts/Outcome.tsx"
import { leaveToSignIn, link, route } from "./Router.ts"
import { nextScheme, scheme } from "./Scheme.ts"
import { AlarmsScreen } from "./screens/AlarmsScreen.tsx"
import { AuditScreen } from "./screens/AuditScreen.tsx"
import { EntitiesScreen } from "./screens/EntitiesScreen.tsx"
import { EntityScreen } from "./screens/EntityScreen.tsx"
import { EventsScreen } from "./screens/EventsScreen.tsx"
import { OverviewScreen } from "./screens/OverviewScreen.tsx"
import { RunnersScreen } from "./screens/RunnersScreen.tsx"
import { SagaScreen } from "./screens/SagaScreen.tsx"
import { SagasScreen } from "./screens/SagasScreen.tsx"
import { ShardsScreen } from "./screens/ShardsScreen.tsx"
import { RefusedScreen, SignInScreen } from "./screens/SignInScreen.tsx"
import { StreamsScreen } from "./screens/StreamsScreen.tsx"
import { TypesScreen } from "./screens/TypesScreen.tsx"
import { Empty } from "./parts/Notes.tsx"
import { Page } from "./parts/Page.tsx"

const screens: ReadonlyArray<{ readonly name: IconName; readonly path: string; readonly label: string }> = [
  { name: "overview", path: "", label: "Overview" },
  { name: "alarms", path: "alarms", label: "Alarms" },
  { name: "shards", path: "shards", label: "Shard map" },
  { name: "runners", path: "runners", label: "Runners" },
  { name: "types", path: "types", label: "Entity types" },
  { name: "entity", path: "entities", label: "Entities" },
  { name: "sagas", path: "sagas", label: "Sagas" },
  { name: "streams", path: "streams", label: "Streams" },
  { name: "events", path: "events", label: "Events" },
  { name: "audit", path: "audit", label: "Audit" }
]

/** Which entry of the menu a screen belongs to. */
const home = computed(() => {
  const [first = ""] = route.value.path
  return first === "entity" ? "entities" : first === "saga" ? "sagas" : first
})

const Screen = () => {
  const { path } = route.value
  const [first = "", type = "", id = ""] = path
  switch (first) {
    case "":
      return <OverviewScreen />
    case "alarms":
      return <AlarmsScreen />
    case "shards":
      return <ShardsScreen />
    case "runners":
      return <RunnersScreen />
    case "types":
      return <TypesScreen />
    case "entities":
      return <EntitiesScreen />
    case "entity":
      return <EntityScreen key={path.join("/")} name={id === "" ? type : `${type}/${id}`} />
    case "sagas":
      return <SagasScreen />
    case "saga":
      return <SagaScreen key={path.join("/")} name={id === "" ? type : `${type}/${id}`} />
    case "streams":
      return <StreamsScreen />
    case "events":
      return <EventsScreen />
    case "audit":
      return <AuditScreen />
    default:
      return (
        <Page title="No such page">
          <div class="card">
            <Empty title="This address leads nowhere.">
              <a href={link([])}>Go to the overview</a>
            </Empty>
          </div>
        </Page>
      )
  }
}

const connectionTexts = {
  connecting: { tone: "calm", text: "Connecting" },
  live: { tone: "good", text: "Live" },
  lost: { tone: "warn", text: "Reconnecting" },
  refused: { tone: "bad", text: "Signed out" }
} as const

const Connection = () => {
  const { text, tone } = connectionTexts[connection.value]
  return (
    <span role="status">
      <Badge tone={tone}>{text}</Badge>
    </span>
  )
}

const Side = ({ me: { email, name, subject } }: { readonly me: typeof Json.Me.Type }) => {
  const open = useSignal(false)
  useEffect(() => {
    open.value = false
  }, [route.value])
  const serious = alarms.value?.filter(({ severity }) => severity !== "info").length ?? 0
  return (
    <header class="side" data-open={open.value}>
      <a class="brand" href={link([])}>
        <img src="/mark.svg" alt="" />
        Halles
      </a>
      <button
        type="button"
        class="menu"
        aria-expanded={open.value}
        aria-label="Menu"
        onClick={() => {
          open.value = !open.value
        }}
      >
        <Icon name="menu" />
      </button>
      <nav aria-label="Screens">
        <ul>
          {screens.map(({ label, name, path }) => (
            <li key={path}>
              <a href={link(path === "" ? [] : [path])} aria-current={home.value === path ? "page" : undefined}>
                <Icon name={name} />
                {label}
                {name === "alarms" && serious > 0 ? <span class="count">{serious}</span> : null}
              </a>
            </li>
          ))}
        </ul>
      </nav>
      <div class="foot">
        <Connection />
        <span class="who" title={email ?? subject}>
          {name ?? email ?? subject}
        </span>
        <button type="button" class="plain" onClick={nextScheme}>
          <Icon name="scheme" />
          {scheme.value === "system" ? "As the system" : scheme.value === "dark" ? "Dark" : "Light"}
        </button>
        <button type="button" class="plain" onClick={() => void signOut()}>
          <Icon name="leave" />
          Sign out
        </button>
      </div>
    </header>
  )
}

/** What a password alone is good for, and the way on. */
const OneFactor = () => (
  <div class="notice warn">
    <div>
      <strong>You signed in with a password alone: you may look.</strong>
      {"To change anything, or to see personal data, sign in with a second factor. Have you none yet? "}
      <a href="/second-factor">Set one up</a>
    </div>
    <button type="button" onClick={leaveToSignIn}>
      Sign in with two factors
    </button>
  </div>
)

/** Who looks is asked first: nothing is shown to somebody who is not signed in. */
export const App = () => {
  const me = useQuery(() => ask((ops) => ops.cluster.me()), [])
  const isKnown = me.value !== null
  useEffect(() => (isKnown ? listen() : undefined), [isKnown])
  if (me.value === null) {
    if (me.failure?.signedOut === true) return <SignInScreen />
    if (me.failure?.forbidden === true) return <RefusedScreen />
    return (
      <div class="main">
        {me.failure === null ? <Skeleton /> : <FailureNote failure={me.failure} again={me.again} />}
      </div>
    )
  }
  return (
    <Me.Provider value={me.value}>
      <a class="skip" href="#content" onClick={skip}>
        Skip to the content
      </a>
      <div class="frame">
        <Side me={me.value} />
        <main class="main" id="content">
          {connection.value === "refused" ? (
            <div class="notice warn" role="alert">
              <div>
                <strong>Your session has ended.</strong>
                What is shown no longer changes.
              </div>
              <button type="button" onClick={leaveToSignIn}>
                Sign in again
              </button>
            </div>
          ) : null}
          {me.value.needsTwoFactors ? <OneFactor /> : null}
          <Outcome screen={route.value.path.join("/")} />
          <Screen />
        </main>
      </div>
    </Me.Provider>
  )
}

/** The part after `#` names the screen, so that an anchor cannot. */
const skip = (event: Event) => {
  event.preventDefault()
  document.querySelector<HTMLElement>("h1")?.focus()
}
