import { assert, describe, it } from "@effect/vitest"
import { existsSync, globSync, readdirSync, readFileSync } from "node:fs"
import { dirname, join, relative, resolve } from "node:path"
import { root } from "../src/Layout.ts"

/** Folder of each package, and the packages of the workspace that it may import. */
const packages: Readonly<Record<string, ReadonlyArray<string>>> = {
  "packages/shared": [],
  "packages/engine": ["shared"],
  "packages/entities": ["shared", "engine"],
  "packages/search": ["shared", "engine", "entities"],
  "packages/runners": ["shared", "engine", "entities"],
  "packages/http": ["shared", "engine", "entities", "search"],
  "packages/identity": ["shared", "engine", "entities"],
  "packages/media": ["shared", "engine", "entities"],
  "packages/dashboard": ["shared", "http"],
  "packages/operations": ["shared", "engine", "entities", "http"],
  "infra/partners": ["shared"],
  "infra/proofs/chromium": [],
  "infra/proofs/harness": ["shared", "engine", "entities", "infra"],
  "infra/proofs/sim": ["shared", "engine", "entities", "partners", "harness"],
  "infra/proofs/chaos": ["shared", "engine", "entities", "infra", "harness"],
  "infra/proofs/fuzz": ["shared", "engine", "entities", "infra", "harness"],
  "infra/proofs/load": ["shared", "engine", "entities", "infra", "harness"],
  "infra/proofs/bench": ["shared", "engine", "entities", "search", "infra", "harness", "load"],
  infra: ["shared", "engine", "entities", "identity"]
}
/** Programs that are started, not imported, and need no importer. */
const programs = new Set([
  "main.ts",
  "main.tsx",
  "openapi.ts",
  "fuzz.ts",
  "soak.ts",
  "ops.ts",
  "webhooks.ts",
  "gateway.ts",
  "carrier.ts",
  "mail.ts",
  "admin.ts",
  "replay.ts",
  "bench.ts",
  "benchSearch.ts",
  "load.ts",
  "matrix.ts",
  "echoRunner.ts",
  "check.ts",
  "audit.ts",
  "sim.ts",
  "worker.ts",
  "stallWorker.ts",
  "workbookWorker.ts",
  "basketWorker.ts",
  "mutants.ts",
  "chaos.ts",
  "halles.ts",
  "Supervisor.ts"
])
const topLevel = new Set([
  "packages",
  "docs",
  "infra",
  "node_modules",
  "pnpm-workspace.yaml",
  "pnpm-lock.yaml",
  "package.json",
  "tsconfig.json",
  "vitest.config.ts",
  "README.md",
  "ARCHITECTURE.md",
  "SECURITY.md",
  "LICENSE"
])
const linesMax = 400

interface Source {
  readonly path: string
  readonly folder: string
  readonly text: string
  readonly imports: ReadonlyArray<string>
}

/** `import … from "x"`, `export … from "x"`, `import "x"`, `import("x")`. */
const statement = /^(?:import|export)\s[\w\s{},*$]*?from "([^"\n]+)"|^import "([^"\n]+)"|\bimport\("([^"\n]+)"\)/gm

interface Manifest {
  readonly name: string
  readonly dependencies?: Readonly<Record<string, string>>
  readonly devDependencies?: Readonly<Record<string, string>>
  readonly exports?: Readonly<Record<string, string>>
}

const manifest = (folder: string): Manifest => JSON.parse(readFileSync(join(root, folder, "package.json"), "utf8"))

const read = (folder: string, part: "src" | "test"): ReadonlyArray<Source> =>
  globSync(`${part}/**/*.{ts,tsx}`, { cwd: join(root, folder) }).map((file) => {
    const text = readFileSync(join(root, folder, file), "utf8")
    const imports = [...text.matchAll(statement)].map(([, named, bare, dynamic]) => named ?? bare ?? dynamic ?? "")
    return { path: join(folder, file), folder, text, imports }
  })

const folders = Object.keys(packages)
const isTest = ({ path }: Source): boolean => /\.test\.tsx?$/.test(path)
const inSources = folders.flatMap((folder) => read(folder, "src"))
const sources = inSources.filter((source) => !isTest(source))
/** The tests of a domain stand beside it. */
const tests = [...inSources.filter(isTest), ...folders.flatMap((folder) => read(folder, "test"))]
const everything = [...sources, ...tests].filter(({ path }) => !path.endsWith("tidy.test.ts"))

/** What lies below; a package by its own name; in a test also what the manifest lists for development. */
const mayImport = (source: Source, other: string): boolean => {
  const { devDependencies = {}, name } = manifest(source.folder)
  const below = packages[source.folder]?.includes(other) === true
  return below || name === `@halles/${other}` || (tests.includes(source) && `@halles/${other}` in devDependencies)
}

/** Lines of sources that match, as `path:line text`. */
const lines = (among: ReadonlyArray<Source>, pattern: RegExp): ReadonlyArray<string> =>
  among.flatMap(({ path, text }) =>
    text.split("\n").flatMap((line, at) => (pattern.test(line) ? [`${path}:${at + 1} ${line.trim()}`] : []))
  )

/** The file of the workspace that an import means; null for a package from outside. */
const target = (source: Source, imported: string): string | null => {
  if (imported.startsWith(".")) return relative(root, resolve(root, dirname(source.path), imported))
  const found = /^@halles\/([^/]+)\/(.+)$/.exec(imported)
  if (found === null) return null
  const folder = folders.find((candidate) => `/${candidate}`.endsWith(`/${found[1]}`)) ?? ""
  return join(folder, "src", `${found[2]}.ts`)
}

const imported = new Set(
  [...sources, ...tests].flatMap((source) =>
    source.imports.flatMap((name) => {
      const file = target(source, name)
      return file === null || file === source.path ? [] : [file]
    })
  )
)

describe("tidy", () => {
  it("packages import only what lies below them", () => {
    const wrong = [...sources, ...tests].flatMap((source) =>
      source.imports.flatMap((name) => {
        const other = /^@halles\/([^/]+)/.exec(name)?.[1]
        const allowed = other === undefined || mayImport(source, other)
        const leaves = name.startsWith(".") && !`${target(source, name)}`.startsWith(`${source.folder}/`)
        return allowed && !leaves ? [] : [`${source.path} imports ${name}`]
      })
    )
    assert.deepStrictEqual(wrong, [])
  })

  it("packages declare what they import, with the catalog's versions", () => {
    const wrong = folders.flatMap((folder) => {
      const { dependencies = {}, name } = manifest(folder)
      const used = sources
        .filter((source) => source.folder === folder)
        .flatMap(({ imports }) => imports)
        .filter((specifier) => !/^(\.|node:)/.test(specifier))
        .map((specifier) => /^(@[^/]+\/)?[^/]+/.exec(specifier)?.[0] ?? "")
        .filter((specifier) => specifier !== name && !(specifier in dependencies))
      const upwards = Object.keys(dependencies)
        .filter((dependency) => dependency.startsWith("@halles/"))
        .filter((dependency) => packages[folder]?.includes(dependency.slice("@halles/".length)) !== true)
      const unpinned = Object.entries(dependencies)
        .filter(([, version]) => version !== "catalog:" && version !== "workspace:*")
        .map(([dependency]) => dependency)
      return [...new Set([...used, ...upwards, ...unpinned])].map((dependency) => `${name}: ${dependency}`)
    })
    assert.deepStrictEqual(wrong, [])
  })

  it("the top level holds what a newcomer expects", () => {
    const wrong = readdirSync(root).filter((entry) => !entry.startsWith(".") && !topLevel.has(entry))
    assert.deepStrictEqual(wrong, [])
  })

  it("processes read their environment through Config only", () => {
    const packagesOnly = sources.filter(({ folder }) => folder.startsWith("packages/"))
    assert.deepStrictEqual(lines(packagesOnly, /process\.env/), [])
  })

  it("every process listens for HTTP in one way, which is bounded", () => {
    // What measures and proves may play somebody else.
    const ours = sources.filter(
      ({ folder, path }) => !folder.startsWith("infra/proofs/") && !path.endsWith("shared/src/listener/HttpListener.ts")
    )
    assert.deepStrictEqual(
      lines(ours, /\bcreateServer\b.*from "node:(http|https|http2)"|NodeHttpServer\.(layer|make)/),
      []
    )
  })

  it("nothing is any", () => {
    assert.deepStrictEqual(lines(everything, /(: any\b|\bas any\b|<any>)/), [])
  })

  it("patterns of schemas have the u flag, without which the contract does not show them", () => {
    const published = sources.filter(({ folder }) => /^packages\/(shared|engine|entities|http)$/.test(folder))
    assert.deepStrictEqual(lines(published, /isPattern\(\s*\/.*\/[,)]/), [])
  })

  it("a source file has at most 400 lines", () => {
    const wrong = sources.filter(({ text }) => text.split("\n").length > linesMax).map(({ path }) => path)
    assert.deepStrictEqual(wrong, [])
  })

  it("no work is left as a note, and no path of one machine is written down", () => {
    assert.deepStrictEqual(lines(everything, /\b(TODO|FIXME)\b/), [])
    assert.deepStrictEqual(lines(everything, /["'`\s](\/work\/|\/home\/|\/root\/|\/Users\/)/), [])
  })

  it("there is no barrel, and every file is used", () => {
    const barrels = everything.filter(({ path }) => /(^|\/)index\.ts$/.test(path)).map(({ path }) => path)
    assert.deepStrictEqual(barrels, [])
    const unused = sources
      .map(({ path }) => path)
      .filter((path) => !programs.has(path.split("/").pop() ?? "") && !imported.has(path))
    assert.deepStrictEqual(unused, [])
    const unnamed = sources.filter(
      ({ path, text }) => !programs.has(path.split("/").pop() ?? "") && !/^export /m.test(text)
    )
    assert.deepStrictEqual(
      unnamed.map(({ path }) => path),
      []
    )
  })

  it("every export of a package names a file", () => {
    const missing = folders.flatMap((folder) =>
      Object.values(manifest(folder).exports ?? {})
        .filter((path) => !path.includes("*") && !existsSync(join(root, folder, path)))
        .map((path) => join(folder, path))
    )
    assert.deepStrictEqual(missing, [])
  })
})
