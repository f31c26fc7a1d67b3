// Loaded before anything else by each of our processes.
//
// Effect captures Node's async context whenever a fiber is suspended, so that users of AsyncLocalStorage find theirs when
// it goes on. None of our processes uses that, and a durable command suspends several fibers. Effect looks the module up
// once, when it is loaded; not finding it there is the switch that it offers to runtimes without one.
const builtin = process.getBuiltinModule.bind(process)
process.getBuiltinModule = (id) => (id === "node:async_hooks" ? undefined : builtin(id))

// Schemas are compiled to functions when they are first used; interpreted, they were a seventh of a runner's work.
await import("effect/schema/SchemaJITCompiler/enable")

// Node collects garbage when something is allocated. A process that comes to rest allocates nothing, and keeps what its start or a
// rush left behind: 80 MB of a runner. So it collects once, at the first look at which it is not busy any more.
const lookMs = 15_000
const busyFrom = 0.05
let since = performance.eventLoopUtilization()
let wasBusy = true
setInterval(() => {
  const isBusy = performance.eventLoopUtilization(since).utilization >= busyFrom
  since = performance.eventLoopUtilization()
  if (!isBusy && wasBusy) globalThis.gc?.({ type: "major", flavor: "last-resort" })
  wasBusy = isBusy
}, lookMs).unref()
