// Draws the report from the figures on the page. Everything is set as text, never as markup.
const data = JSON.parse(document.getElementById("data").textContent)
const { all, cost, marks, summary } = data

const byId = (id) => document.getElementById(id)
const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim()
const element = (tag, className, text) => {
  const made = document.createElement(tag)
  if (className) made.className = className
  if (text !== undefined) made.textContent = text
  return made
}
const number = (value) => {
  if (value === null) return "none"
  if (Number.isInteger(value) || Math.abs(value) >= 100) return Math.round(value).toLocaleString("en")
  return value.toFixed(Math.abs(value) >= 10 ? 1 : 2)
}
const milliseconds = (value) => (value === null ? "none" : `${number(value)} ms`)

byId("title").textContent = data.setting
byId("verdict").textContent = !summary.ok ? "failed" : data.objectives === null ? "books balance" : "passed"
if (!summary.ok) byId("verdict").classList.add("bad")
byId("setting").textContent =
  `${data.startedAt.replace("T", " ").slice(0, 16)} UTC, ${data.totalSeconds - data.warmUpSeconds} s after ${data.warmUpSeconds} s of warm-up. ${data.machine}`
document.title = `Halles under load: ${data.setting}`

const reasons = [
  ...(summary.generator.bottleneck === null ? [] : [`No figures: ${summary.generator.bottleneck}.`]),
  ...summary.missed.map((objective) => `Objective missed: ${objective}`),
  ...data.lost.map((line) => `Acknowledged and lost: ${line}`),
  ...data.duplicated.map((line) => `Done twice: ${line}`),
  ...(summary.oversold > 0 ? [`${summary.oversold} units were sold that there were not.`] : []),
  ...(data.violated.length > 0 ? [`Invariants violated: ${data.violated.join(", ")}`] : [])
]
for (const reason of reasons) byId("reasons").append(element("li", "", reason))

const figures = [
  ["operations a second", number(summary.opsPerSecond)],
  ["median", milliseconds(summary.p50ms)],
  ["p95", milliseconds(summary.p95ms)],
  ["p99", milliseconds(summary.p99ms)],
  ["failed", number(summary.errors), summary.errors > 0],
  ...(summary.refused > 0 ? [["refused, rightly", number(summary.refused)]] : []),
  ["lost", number(summary.lost), summary.lost > 0],
  ["done twice", number(summary.duplicated), summary.duplicated > 0],
  ["oversold", number(summary.oversold), summary.oversold > 0],
  ["operations a core", number(summary.operationsPerCore)]
]
for (const [name, value, isBad] of figures) {
  const figure = element("div", isBad ? "figure bad" : "figure")
  figure.append(element("span", "value", value), element("span", "name", name))
  byId("figures").append(figure)
}

const table = (id, head, rows) => {
  const made = element("table")
  const line = (cells, tag) => {
    const row = element("tr")
    for (const cell of cells) {
      const { text, className } = typeof cell === "object" ? cell : { text: cell, className: "" }
      row.append(element(tag, className, text))
    }
    return row
  }
  made.append(line(head, "th"), ...rows.map((cells) => line(cells, "td")))
  const scroll = element("div", "scroll")
  scroll.append(made)
  byId(id).replaceChildren(scroll)
}
const words = (codes) =>
  Object.entries(codes)
    .toSorted(([, a], [, b]) => b - a)
    .map(([code, count]) => `${count} × ${code.replace(":", ": ")}`)
    .join(", ")
const bad = (value) => ({ text: number(value), className: value > 0 ? "bad" : "" })
const left = (text) => ({ text, className: "text" })
const groupHead = ["", "operations", "p50 ms", "p95 ms", "p99 ms", "max ms", "failed", left("other answers")]
const groupRow = ({ codes, failed, maxMs, name, operations, p50ms, p95ms, p99ms }) => [
  name,
  number(operations),
  number(p50ms),
  number(p95ms),
  number(p99ms),
  number(maxMs),
  bad(failed),
  left(words(codes))
]
const named = (prefix) => (group) => groupRow({ ...group, name: `${prefix} ${group.name}` })
table("groups", groupHead, [
  groupRow({ ...all, name: "all operations" }),
  ...data.steps.filter(({ operations }) => operations > 0).map(named("step")),
  ...data.regions.map(named("region")),
  ...data.runners.map(named("runner"))
])
table(
  "keys",
  ["", "shard", ...groupHead.slice(1)],
  data.keys.map((key) => {
    const [name, ...rest] = groupRow(key)
    return [name, key.shard, ...rest]
  })
)
table(
  "processes",
  ["", "cores", "CPU µs", "bytes read", "bytes written"],
  cost.processes.map(({ cores, cpuMicros, name, readBytes, writtenBytes }) => [
    name,
    cores.toFixed(2),
    number(cpuMicros),
    number(readBytes),
    number(writtenBytes)
  ])
)
if (marks.length > 0) {
  byId("disturbed").hidden = false
  table(
    "disturbances",
    [
      "",
      "at",
      "until every key answered again",
      "keys silent at the end",
      "failed",
      "of operations",
      "p99 of the worst second",
      "shards moved"
    ],
    marks.map(({ answeredAgainMs, failed, name, operations, second, shardsMoved, silentKeys, worstSecondP99ms }) => [
      name,
      `${number(second)} s`,
      milliseconds(answeredAgainMs),
      bad(silentKeys),
      bad(failed),
      number(operations),
      milliseconds(worstSecondP99ms),
      number(shardsMoved)
    ])
  )
}
byId("imbalance").textContent =
  `Busiest over mean: runners ${data.imbalance.runners.toFixed(2)}, shards ${data.imbalance.shards.toFixed(2)}`
byId("cost").textContent =
  `Without the generator ${number(cost.cpuSecondsPerOperation * 1e6)} µs of processor time an operation: ` +
  `a million cost ${cost.perMillion.toFixed(2)} at ${cost.pricePerCoreHour} a core-hour`
byId("footer").textContent =
  `${number(summary.acknowledged)} answers were held against the journals. The generator was ${number(data.lag.p99ms)} ms late (p99), ` +
  `its busiest thread at work for ${(summary.generator.utilization * 100).toFixed(0)} % of the time.`

const plots = new Map()
const plot = (id, option) => {
  plots.get(id)?.dispose()
  const made = echarts.init(byId(id))
  made.setOption({
    animation: false,
    textStyle: { fontFamily: getComputedStyle(document.body).fontFamily },
    ...option
  })
  plots.set(id, made)
}

const draw = () => {
  const ink = colour("ink")
  const muted = colour("muted")
  const line = colour("line")
  const text = { color: muted, fontSize: 11 }
  const split = { lineStyle: { color: line } }
  const axis = {
    axisLabel: text,
    axisLine: { lineStyle: { color: line } },
    axisTick: { show: false },
    nameTextStyle: text
  }
  const tooltip = {
    trigger: "axis",
    confine: true,
    backgroundColor: colour("card"),
    borderColor: line,
    textStyle: { color: ink, fontSize: 12 }
  }
  const legend = {
    top: 0,
    right: 0,
    icon: "roundRect",
    itemWidth: 12,
    itemHeight: 3,
    textStyle: { ...text, fontSize: 12 }
  }
  const grid = { left: 52, right: 18, top: 34, bottom: 28 }
  const time = {
    ...axis,
    type: "value",
    min: 0,
    max: data.totalSeconds,
    splitLine: { show: false },
    axisLabel: { ...text, formatter: (second) => `${second} s` }
  }
  const disturbed = {
    silent: true,
    symbol: "none",
    lineStyle: { color: colour("bad"), type: "dashed", width: 1 },
    label: { color: colour("bad"), fontSize: 11, position: "end", rotate: 0, formatter: ({ name }) => name },
    data: marks.map(({ name, second }) => ({ name, xAxis: second }))
  }
  const warmingUp =
    data.warmUpSeconds === 0
      ? {}
      : {
          markArea: {
            silent: true,
            itemStyle: { color: colour("line"), opacity: 0.35 },
            label: { color: muted, fontSize: 11, position: "insideTop" },
            data: [[{ name: "warm-up", xAxis: 0 }, { xAxis: data.warmUpSeconds }]]
          }
        }
  const curve = (name, key, colourName, more = {}) => ({
    name,
    type: "line",
    showSymbol: data.seconds.length < 5,
    color: colour(colourName),
    lineStyle: { width: 1.75 },
    data: data.seconds.map((one) => [one.second + 0.5, one[key] > 0 ? one[key] : null]),
    ...more
  })
  plot("latency", {
    grid,
    legend,
    tooltip: { ...tooltip, valueFormatter: milliseconds },
    xAxis: time,
    yAxis: { ...axis, type: "log", name: "ms", splitLine: split },
    series: [
      curve("max", "maxMs", "max", { lineStyle: { width: 1, type: "dotted" } }),
      curve("p99", "p99ms", "p99"),
      curve("p95", "p95ms", "p95"),
      curve("p50", "p50ms", "p50", { ...warmingUp, markLine: disturbed })
    ]
  })
  const rateWarmingUp =
    warmingUp.markArea === undefined ? {} : { markArea: { ...warmingUp.markArea, label: { show: false } } }
  const bars = (name, colourName, of, more = {}) => ({
    name,
    type: "bar",
    stack: "all",
    barCategoryGap: "12%",
    color: colour(colourName),
    data: data.seconds.map((one) => [one.second + 0.5, of(one)]),
    ...more
  })
  plot("rate", {
    grid,
    legend,
    tooltip,
    xAxis: time,
    yAxis: { ...axis, type: "value", splitLine: split },
    series: [
      bars("answered", "p50", ({ failed, operations }) => operations - failed, {
        ...rateWarmingUp,
        markLine: disturbed
      }),
      bars("failed", "bad", ({ failed }) => failed)
    ]
  })
  plot("histogram", {
    grid: { ...grid, top: 16 },
    tooltip: { ...tooltip, formatter: ([{ name, value }]) => `${name}: ${number(value)} operations` },
    xAxis: {
      ...axis,
      type: "category",
      data: data.histogram.map(({ fromMs, toMs }) => `${number(fromMs)} to ${number(toMs)} ms`),
      axisLabel: { ...text, formatter: (name) => name.split(" ")[0] },
      name: "ms"
    },
    yAxis: { ...axis, type: "value", splitLine: split },
    series: [
      {
        type: "bar",
        barCategoryGap: "8%",
        color: colour("p50"),
        data: data.histogram.map(({ operations }) => operations)
      }
    ]
  })
  const mean = data.runners.reduce((sum, { operations }) => sum + operations, 0) / Math.max(1, data.runners.length)
  plot("runners", {
    grid: { ...grid, left: 60, top: 16, right: 48 },
    tooltip,
    xAxis: { ...axis, type: "value", splitLine: split },
    yAxis: {
      ...axis,
      type: "category",
      inverse: true,
      data: data.runners.map(({ name }) => name),
      axisLabel: { ...text, color: ink }
    },
    series: [
      {
        type: "bar",
        barMaxWidth: 26,
        color: colour("p50"),
        label: { show: true, position: "right", color: muted, fontSize: 11, formatter: ({ value }) => number(value) },
        data: data.runners.map(({ operations }) => operations),
        markLine: {
          silent: true,
          symbol: "none",
          lineStyle: { color: muted, type: "dashed" },
          label: { formatter: "mean", color: muted, fontSize: 11 },
          data: [{ xAxis: mean }]
        }
      }
    ]
  })
  const cells = data.heat.flatMap((row, shard) =>
    row.flatMap((operations, second) => (operations > 0 ? [[second, shard, operations]] : []))
  )
  byId("heat").style.height = `${Math.min(680, Math.max(220, 80 + data.heat.length * 5))}px`
  plot("heat", {
    grid: { ...grid, top: 12, right: 70 },
    tooltip: {
      ...tooltip,
      trigger: "item",
      formatter: ({ value: [second, shard, operations] }) =>
        `${data.shards[shard].name} at ${second} s: ${number(operations)} operations`
    },
    xAxis: {
      ...axis,
      type: "category",
      data: data.seconds.map(({ second }) => second),
      axisLabel: { ...text, formatter: (second) => `${second} s` },
      splitArea: { show: false }
    },
    yAxis: {
      ...axis,
      type: "category",
      inverse: true,
      data: data.shards.map(({ name }) => name)
    },
    visualMap: {
      min: 0,
      max: Math.max(1, ...cells.map(([, , operations]) => operations)),
      right: 0,
      top: "middle",
      itemHeight: 130,
      itemWidth: 10,
      textStyle: text,
      formatter: (value) => number(Math.round(value)),
      inRange: { color: [colour("cold"), colour("warm"), colour("hot")] }
    },
    series: [
      {
        type: "heatmap",
        data: cells,
        markLine: {
          ...disturbed,
          label: { show: false },
          data: marks.map(({ name, second }) => ({ name, xAxis: Math.floor(second) }))
        }
      }
    ]
  })
  const names = cost.processes.map(({ name }) => name)
  const series = colour("series")
    .split(",")
    .map((one) => one.trim())
  plot("cores", {
    grid: { ...grid, top: 56 },
    legend: { ...legend, left: 0, right: 0 },
    tooltip: { ...tooltip, valueFormatter: (value) => (value ?? 0).toFixed(2) },
    xAxis: time,
    yAxis: { ...axis, type: "value", splitLine: split },
    series: names.map((name, n) => ({
      name,
      type: "line",
      stack: "cores",
      showSymbol: false,
      lineStyle: { width: 0 },
      areaStyle: { opacity: 0.85 },
      color: name === "generator" ? colour("max") : series[n % series.length],
      data: data.cores.map(({ cores, second }) => [second, cores[name] ?? 0]),
      ...(n === 0 ? { markLine: disturbed } : {})
    }))
  })
}

draw()
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw)
addEventListener("resize", () => {
  for (const made of plots.values()) made.resize()
})
